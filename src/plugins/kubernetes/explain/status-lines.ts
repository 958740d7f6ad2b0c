/** What `slicedns explain` says of how fresh all answers of the cluster are. */
import type { ClusterStatus } from '../../../k8s/model/types.ts'

/** `now`: milliseconds since 1970. */
export function statusLines({ endpoint, connected, snapshot, freshness }: ClusterStatus, now: number): string[] {
  const lines: string[] = []
  if (snapshot) lines.push(`from a snapshot, which ${endpoint} confirmed ${Math.round(snapshot.age)} s ago`)
  else if (!connected && endpoint !== '') lines.push(`${endpoint} cannot be reached: this is the last known state`)
  if (freshness) {
    const { ok, detail, time } = freshness
    const result = ok ? 'the same objects' : detail
    lines.push(`compared with the API server ${Math.round((now - time) / 1000)} s ago: ${result}`)
  }
  return lines
}
