/** Counts the plugin chain's answers while somebody looks: `prometheus` may be absent, and counts by server block. */
import { durationBuckets } from '../../telemetry/query-buckets.ts'
import type { Miss } from '../ingress.ts'

export interface ChainCounts {
  /** Counts a query with the octets of its reply. `seconds` since it was received. */
  count(miss: Pick<Miss, 'transport'>, reply: Uint8Array, seconds: number): void
  /** Replies by the rcode of their header, since the process began. */
  readonly rcodes: Float64Array
  readonly protocols: ReadonlyMap<string, number>
  /** By bucket of `durationBuckets`; the last is +Inf. */
  readonly durations: Float64Array
}

export function createChainCounts(): ChainCounts {
  const rcodes = new Float64Array(16)
  const protocols = new Map<string, number>()
  const durations = new Float64Array(durationBuckets.length + 1)
  return {
    rcodes,
    protocols,
    durations,
    count({ transport }, reply, seconds) {
      rcodes[reply[3] & 15]++
      protocols.set(transport, (protocols.get(transport) ?? 0) + 1)
      const bucket = durationBuckets.findIndex((bound) => seconds <= bound)
      durations[bucket < 0 ? durationBuckets.length : bucket]++
    },
  }
}
