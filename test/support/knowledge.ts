/** What the kubernetes plugin knows, of a cluster made by hand. */
import type { ClusterView } from '../../src/cluster/types.ts'
import { createAliases } from '../../src/compile/aliases/claims.ts'
import { createAnnotationReader } from '../../src/compile/annotations/read.ts'
import { createBrowsing } from '../../src/compile/dns-sd.ts'
import { alwaysSettled, type Knowledge, type Settling } from '../../src/compile/knowledge.ts'
import type { ClusterDnsSettings } from '../../src/compile/settings.ts'
import { parseAddress } from '../../src/dns/address.ts'

export function knowledgeOf(
  view: ClusterView,
  settings: ClusterDnsSettings,
  localAddresses: readonly string[] = [],
  settling: Settling = alwaysSettled,
): Knowledge {
  const annotations = createAnnotationReader('slicedns.io')
  return {
    view,
    settings,
    localAddresses: localAddresses.map((text) => parseAddress(text)!),
    annotations,
    settling,
    aliases: createAliases(view, settings, annotations),
    browsing: createBrowsing(),
  }
}
