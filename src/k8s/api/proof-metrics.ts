/** The metrics of the proof of freshness. Clusters of one process share the families. */
import type { Clock } from '../../scheduling/clock.ts'
import type { MetricsRegistry } from '../../telemetry/metrics.ts'
import type { Resource } from '../model/types.ts'

export interface ProofMeter {
  compared(resource: Resource, equal: boolean): void
  failed(resource: Resource): void
  remove(): void
}

export function createProofMeter(metrics: MetricsRegistry, watched: readonly Resource[], clock: Clock): ProofMeter {
  const checks = metrics.counter(
    'slicedns_freshness_checks_total',
    'Comparisons of the names and versions of all objects with those of the API server, by result: equal, different, failed.',
    ['resource', 'result'],
  )
  // Created at once, so that `rate` and `increase` see the first event.
  for (const resource of watched) for (const result of ['equal', 'different', 'failed']) checks.with(resource, result)
  const age = metrics.gauge(
    'slicedns_freshness_age_seconds',
    'Seconds since the names and versions of all objects were last the same as those of the API server.',
    ['resource'],
  )
  /** Monotonic milliseconds. */
  const equalAt = new Map<Resource, number>()
  const collecting = metrics.onCollect(() => {
    for (const [resource, at] of equalAt) age.with(resource).set((clock.now() - at) / 1000)
  })
  return {
    compared(resource, equal) {
      checks.with(resource, equal ? 'equal' : 'different').inc()
      if (equal) equalAt.set(resource, clock.now())
    },
    failed: (resource) => checks.with(resource, 'failed').inc(),
    remove() {
      collecting.remove()
      for (const resource of equalAt.keys()) age.forget(resource)
    },
  }
}
