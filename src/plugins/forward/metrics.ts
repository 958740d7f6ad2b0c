import { rcodeName } from '../../dns/codes.ts'
import type { HistogramCell, MetricsRegistry } from '../../observe/metrics.ts'
import type { UpstreamMetrics } from '../../upstream/upstream.ts'

/** Seconds: CoreDNS's buckets of durations. */
const durationBuckets = Array.from({ length: 16 }, (_, k) => 0.00025 * 2 ** k)

export interface ForwardMetrics {
  readonly upstream: UpstreamMetrics
  answered(to: string, rcode: number, milliseconds: number): void
  allDown(): void
  tooMany(): void
}

const proxy = 'forward'

/** Named and labelled as CoreDNS's (coredns-behaviour §8), so that dashboards keep working. */
export function createForwardMetrics(registry: MetricsRegistry): ForwardMetrics {
  const durations = registry.histogram(
    'coredns_proxy_request_duration_seconds',
    'Histogram of the time each request took.',
    ['proxy_name', 'to', 'rcode'],
    durationBuckets,
  )
  const checkFailures = registry.counter(
    'coredns_proxy_healthcheck_failures_total',
    'Counter of the number of failed healthchecks.',
    ['proxy_name', 'to'],
  )
  const connectionLabels = ['proxy_name', 'to', 'proto']
  const hits = registry.counter(
    'coredns_proxy_conn_cache_hits_total',
    'Counter of connection cache hits per upstream and protocol.',
    connectionLabels,
  )
  const misses = registry.counter(
    'coredns_proxy_conn_cache_misses_total',
    'Counter of connection cache misses per upstream and protocol.',
    connectionLabels,
  )
  const broken = registry.counter(
    'coredns_forward_healthcheck_broken_total',
    'Counter of the number of complete failures of the healthchecks.',
    [],
  )
  const rejects = registry.counter(
    'coredns_forward_max_concurrent_rejects_total',
    'Counter of the number of queries rejected because the concurrent queries were at maximum.',
    [],
  )
  const cells = new Map<string, HistogramCell>()
  return {
    upstream: {
      checkFailed: (to) => checkFailures.with(proxy, to).inc(),
      connection: (to, proto, hit) => (hit ? hits : misses).with(proxy, to, proto).inc(),
    },
    answered(to, rcode, milliseconds) {
      const key = `${to} ${rcode}`
      let cell = cells.get(key)
      if (!cell) {
        cell = durations.with(proxy, to, rcodeName(rcode))
        cells.set(key, cell)
      }
      cell.observe(milliseconds / 1000)
    },
    allDown: () => broken.with().inc(),
    tooMany: () => rejects.with().inc(),
  }
}
