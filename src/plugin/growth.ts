import type { MetricsRegistry } from '../telemetry/metrics.ts'

/** The totals that were counted last, by name. They belong to the registry, whichever configuration runs. */
const countedIn = new WeakMap<MetricsRegistry, Map<string, number>>()

/**
 * Turns totals that outlive configurations (the data plane's) into the growth of a counter. Therefore a reload counts
 * nothing twice, and while two configurations run, the one that collects first counts.
 */
export function createGrowth(metrics: MetricsRegistry): (name: string, total: number) => number {
  const counted = countedIn.get(metrics) ?? new Map<string, number>()
  countedIn.set(metrics, counted)
  return (name, total) => {
    const before = counted.get(name) ?? 0
    counted.set(name, total)
    // A total shrinks when a profile is removed; a counter must not.
    return Math.max(0, total - before)
  }
}
