/** How many endpoints a Service has, by their state. */
import { type EndpointSlice, endpointFlag } from '../../k8s/model/types.ts'

export interface EndpointCounts {
  readonly ready: number
  readonly notReady: number
  readonly terminating: number
}

/** The list of a service's slices is replaced when one of them changes. */
const known = new WeakMap<readonly EndpointSlice[], EndpointCounts>()

/** An endpoint with an address of each family counts once. */
export function countsOf(slices: readonly EndpointSlice[]): EndpointCounts {
  const before = known.get(slices)
  if (before) return before
  const counts = { ready: 0, notReady: 0, terminating: 0 }
  for (const family of ['IPv4', 'IPv6', 'FQDN'] as const) {
    const own = { ready: 0, notReady: 0, terminating: 0 }
    for (const slice of slices)
      if (slice.addressType === family) for (const flags of slice.flags) own[stateOfFlags(flags)]++
    for (const state of ['ready', 'notReady', 'terminating'] as const)
      counts[state] = Math.max(counts[state], own[state])
  }
  if (slices.length > 0) known.set(slices, counts)
  return counts
}

function stateOfFlags(flags: number): keyof EndpointCounts {
  if (flags & endpointFlag.terminating) return 'terminating'
  return flags & endpointFlag.ready ? 'ready' : 'notReady'
}
