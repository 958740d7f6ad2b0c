/** Requests to the API server, with CoreDNS's metric names (docs/coredns-behaviour.md §8). */
import type { Clock } from '../../scheduling/clock.ts'
import type { MetricsRegistry } from '../../telemetry/metrics.ts'

export interface RequestMeter {
  /** `code`: the status, or `<error>` when there was no response. */
  start(host: string, method: 'GET' | 'POST'): { done(code: string): void }
}

const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export function createRequestMeter(metrics: MetricsRegistry, clock: Clock): RequestMeter {
  const durations = metrics.histogram(
    'coredns_kubernetes_rest_client_request_duration_seconds',
    'Seconds from sending a request to the API server until its response began.',
    ['verb', 'host'],
    buckets,
  )
  const waits = metrics.histogram(
    'coredns_kubernetes_rest_client_rate_limiter_duration_seconds',
    'Seconds that requests to the API server waited for a rate limiter. This client does not limit its rate, so it is always 0.',
    ['verb', 'host'],
    buckets,
  )
  const requests = metrics.counter(
    'coredns_kubernetes_rest_client_requests_total',
    'Requests that the API server answered, by status, or that failed (<error>).',
    ['code', 'method', 'host'],
  )
  return {
    start(host, method) {
      const startedAt = clock.now()
      // `apiserver_qps` has no effect, neither here nor in CoreDNS: dashboards show that nothing waits.
      waits.with(method, host).observe(0)
      return {
        done(code) {
          requests.with(code, method, host).inc()
          durations.with(method, host).observe((clock.now() - startedAt) / 1000)
        },
      }
    },
  }
}
