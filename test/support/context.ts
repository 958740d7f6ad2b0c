/** What the kubernetes plugin knows, of a cluster made by hand. */

import { createAnnotationReader } from '../../src/cluster-dns/annotations/reader.ts'
import { alwaysSettled, type ClusterContext, type Settling } from '../../src/cluster-dns/context.ts'
import { createAliases } from '../../src/cluster-dns/features/alias/claims.ts'
import { createBrowsing } from '../../src/cluster-dns/features/dns-sd/browsing.ts'
import { knownAnnotations } from '../../src/cluster-dns/features/index.ts'
import { limitedSettings } from '../../src/cluster-dns/features/ttl/snapshot-ttl.ts'
import type { ClusterDnsSettings } from '../../src/cluster-dns/settings.ts'
import { parseAddress } from '../../src/dns/address.ts'
import type { ClusterView } from '../../src/k8s/model/types.ts'

export function knowledgeOf(
  view: ClusterView,
  settings: ClusterDnsSettings,
  localAddresses: readonly string[] = [],
  settling: Settling = alwaysSettled,
): ClusterContext {
  const annotations = createAnnotationReader('slicedns.io', knownAnnotations)
  return {
    view,
    get settings() {
      return limitedSettings(settings, view)
    },
    localAddresses: localAddresses.map((text) => parseAddress(text)!),
    annotations,
    settling,
    aliases: createAliases(view, settings, annotations),
    browsing: createBrowsing(),
  }
}
