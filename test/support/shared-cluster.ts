/** A cluster made by hand, as a block's `kubernetes` shares it with other plugins. */
import { createModel, type HandMadeCluster } from '../../src/cluster/by-hand.ts'
import type { ClusterDnsSettings } from '../../src/compile/settings.ts'
import { parseAddress } from '../../src/dns/address.ts'
import type { Instance, SharedCluster } from '../../src/plugin/contract.ts'
import { fixedClock } from '../cluster/clock.ts'
import { type ClusterNotation, createNotation } from './cluster-notation.ts'

export interface SharedClusterRig extends ClusterNotation {
  readonly cluster: HandMadeCluster
  readonly shared: SharedCluster
  /** The `kubernetes` of the block, as far as others see it. */
  readonly kubernetes: Instance
}

export interface SharedClusterOptions {
  readonly settings?: Partial<ClusterDnsSettings>
  readonly localAddresses?: readonly string[]
  readonly unsynced?: boolean
}

const defaults: ClusterDnsSettings = {
  zones: ['cluster.local.'],
  primaryZone: 'cluster.local.',
  ttl: 30,
  namespaces: undefined,
  pods: 'disabled',
  endpointPodNames: false,
  ignoreEmptyServices: false,
  fallthrough: [],
}

export function shareCluster(given: SharedClusterOptions = {}): SharedClusterRig {
  const cluster = createModel({
    clock: fixedClock({ wall: 1_000_000 }),
    availability: given.unsynced ? 'pending' : 'synced',
  })
  const knowledge = {
    view: cluster.view,
    settings: { ...defaults, ...given.settings },
    localAddresses: (given.localAddresses ?? []).map((text) => parseAddress(text)!),
  }
  const shared: SharedCluster = { knowledge: () => knowledge, subscribe: cluster.subscribe }
  return { cluster, shared, kubernetes: { cluster: shared }, apply: createNotation(cluster).apply }
}
