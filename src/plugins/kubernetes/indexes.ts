/** Keeps what answers are computed from besides the cluster's own model: which names are aliases, what can be browsed. */

import type { ClusterContext } from '../../cluster-dns/context.ts'
import type { Cluster } from '../../k8s/model/cluster.ts'
import type { Subscription } from '../../k8s/model/event-feed.ts'

/** Both read what they need when they are first asked, so they need no snapshot. */
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
