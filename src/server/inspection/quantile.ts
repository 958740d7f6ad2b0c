import { durationBuckets } from '../../telemetry/query-buckets.ts'

/**
 * The value in seconds below which a share of the observations lies, interpolated linearly within its bucket like
 * Prometheus's histogram_quantile. 0 without observations.
 */
export function quantile(share: number, counts: ArrayLike<number>): number {
  let total = 0
  for (let i = 0; i < counts.length; i++) total += counts[i]
  if (total <= 0) return 0
  let below = 0
  for (let i = 0; i < durationBuckets.length; i++) {
    const from = i === 0 ? 0 : durationBuckets[i - 1]
    if (below + counts[i] >= share * total && counts[i] > 0)
      return from + ((durationBuckets[i] - from) * (share * total - below)) / counts[i]
    below += counts[i]
  }
  return durationBuckets.at(-1)!
}
