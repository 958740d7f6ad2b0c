/** Keeps the indexes of aliases and of browsable services current. */

import type { ClusterContext } from '../../cluster-dns/context.ts'
import type { Cluster } from '../../k8s/model/cluster.ts'
import type { Subscription } from '../../k8s/model/event-feed.ts'

/** Both indexes are filled on first use, so they need no snapshot. */
export function followIndexes(
  { subscribe }: Pick<Cluster, 'subscribe'>,
  { aliases, browsing }: Pick<ClusterContext, 'aliases' | 'browsing'>,
): Subscription {
  return subscribe('indexes', {
    service(namespace, name) {
      aliases.changed(namespace, name)
      browsing.changed(namespace, name)
    },
  })
}
