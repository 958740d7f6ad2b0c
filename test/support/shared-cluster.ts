/** A cluster made by hand, as a block's `kubernetes` shares it with other plugins. */

import type { ClusterDnsSettings } from '../../src/cluster-dns/settings.ts'
import { parseCorefile } from '../../src/corefile/parser.ts'
import { readSettings } from '../../src/corefile/read.ts'
import { provide } from '../../src/plugin/capability.ts'
import type { Instance } from '../../src/plugin/contract.ts'
import { type SharedCluster, sharedCluster } from '../../src/plugins/k8s_external/capability.ts'
import { schema } from '../../src/plugins/kubernetes/settings.ts'
import { type ClusterNotation, createNotation } from './cluster-notation.ts'
import { knowledgeOf } from './context.ts'
import { createFakeClock } from './fake-clock.ts'
import { createFakeCluster, type FakeCluster } from './fake-cluster.ts'

export interface SharedClusterHarness extends ClusterNotation {
  readonly cluster: FakeCluster
  readonly shared: SharedCluster
  /** The `kubernetes` of the block, as far as others see it. */
  readonly kubernetes: Instance
}

export interface SharedClusterOptions {
  readonly settings?: Partial<ClusterDnsSettings>
  readonly localAddresses?: readonly string[]
  readonly unsynced?: boolean
}

/** Settings as the Corefile gives them, for zone `cluster.local.` unless told otherwise. */
export function dnsSettings(changes: Partial<ClusterDnsSettings> = {}): ClusterDnsSettings {
  const text = '.:53 {\nkubernetes cluster.local\n}'
  const [block] = parseCorefile(text, 'Corefile', { readFile: () => '', glob: () => [], env: () => '' }).blocks
  return { ...readSettings(schema, block.directives, ['.']).dns, ...changes }
}

export function shareCluster(given: SharedClusterOptions = {}): SharedClusterHarness {
  const cluster = createFakeCluster({
    clock: createFakeClock({ wall: 1_000_000 }),
    availability: given.unsynced ? 'pending' : 'synced',
  })
  const context = knowledgeOf(cluster.view, dnsSettings({ ttl: 30, ...given.settings }), given.localAddresses)
  const shared: SharedCluster = {
    context: () => context,
    subscribe: cluster.subscribe,
    sealSerials: cluster.sealSerials,
  }
  return {
    cluster,
    shared,
    kubernetes: { provides: [provide(sharedCluster, shared)] },
    apply: createNotation(cluster).apply,
  }
}
