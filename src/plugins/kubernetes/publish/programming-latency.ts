/**
 * The DNS programming latency (a Kubernetes SLI): the time from a change of pods, which the control plane records on
 * the EndpointSlices of services with a selector, to the answer that reflects it.
 */
import type { EndpointSlice, Service } from '../../../k8s/model/types.ts'
import type { Clock } from '../../../scheduling/clock.ts'
import type { MetricsRegistry } from '../../../telemetry/metrics.ts'

/** Annotation of an EndpointSlice: the time of the change that it reflects, in RFC 3339 format. */
export const changeTimeAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time'

export interface ProgrammingLatency {
  /** Call it when the answers of a service reflect these slices. */
  published(service: Service | undefined, slices: readonly EndpointSlice[]): void
  /** Call it for slices of the first list, whose age is not latency of this server. */
  alreadyThere(slices: readonly EndpointSlice[]): void
}

/** Seconds: from 1 ms, doubling, to 9 minutes. */
const buckets = Array.from({ length: 20 }, (_, i) => 0.001 * 2 ** i)

export function measureProgrammingLatency(metrics: MetricsRegistry, clock: Clock): ProgrammingLatency {
  const durations = metrics.histogram(
    'coredns_kubernetes_dns_programming_duration_seconds',
    'Seconds from the change of an EndpointSlice, as the control plane notes it, until answers have it.',
    ['service_kind'],
    buckets,
  )
  const counted = new WeakSet<EndpointSlice>()
  return {
    published(service, slices) {
      const kind = service?.headless ? 'headless_with_selector' : 'cluster_ip'
      for (const slice of slices) {
        if (counted.has(slice)) continue
        counted.add(slice)
        const changedAt = Date.parse(slice.annotations[changeTimeAnnotation] ?? '')
        // Clocks of two machines differ and may be set back: a sum of durations must not decrease.
        if (service && !Number.isNaN(changedAt))
          durations.with(kind).observe(Math.max(0, clock.wall() - changedAt) / 1000)
      }
    },
    alreadyThere(slices) {
      for (const slice of slices) counted.add(slice)
    },
  }
}
