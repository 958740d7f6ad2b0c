import { rcodeName } from '../../dns/codes.ts'
import type { HistogramCell, MetricsRegistry } from '../../telemetry/metrics.ts'
import { durationBuckets } from '../../telemetry/query-buckets.ts'
import type { Refusal } from '../../upstream/places.ts'
import type { RelaySums } from '../../upstream/shared-state.ts'
import type { UpstreamMetrics } from '../../upstream/upstream.ts'

export interface ForwardMetrics {
  readonly upstream: UpstreamMetrics
  answered(to: string, rcode: number, milliseconds: number): void
  /** Adds the counts of UDP threads at each scrape. */
  relayed(to: string, growth: () => RelaySums): { remove(): void }
  allDown(): void
  tooMany(): void
  refused(reason: Refusal): void
  failureEvicted(): void
}

const proxy = 'forward'

/** Metrics without labels. */
export const constantMetrics = (registry: MetricsRegistry) => ({
  broken: registry
    .counter('coredns_forward_healthcheck_broken_total', 'Queries that came while no server was healthy.', [])
    .with(),
  rejects: registry
    .counter(
      'coredns_forward_max_concurrent_rejects_total',
      'Queries refused because max_concurrent queries were under way.',
      [],
    )
    .with(),
})

/** Named and labelled as CoreDNS's (docs/coredns-behaviour.md §8), so that dashboards keep working. */
export function createForwardMetrics(registry: MetricsRegistry): ForwardMetrics {
  const durations = registry.histogram(
    'coredns_proxy_request_duration_seconds',
    'Seconds from sending a question to its answer.',
    ['proxy_name', 'to', 'rcode'],
    durationBuckets,
  )
  const checkFailures = registry.counter(
    'coredns_proxy_healthcheck_failures_total',
    'Health checks that a server did not answer.',
    ['proxy_name', 'to'],
  )
  const connectionLabels = ['proxy_name', 'to', 'proto']
  const hits = registry.counter(
    'coredns_proxy_conn_cache_hits_total',
    'Questions sent over a connection that was open already.',
    connectionLabels,
  )
  const misses = registry.counter(
    'coredns_proxy_conn_cache_misses_total',
    'Questions that had to open a connection, or a socket over UDP.',
    connectionLabels,
  )
  const { broken, rejects } = constantMetrics(registry)
  const refused = registry.counter(
    'slicedns_forward_refused_exchanges_total',
    'Exchanges with upstreams that were refused or ended because too many were under way.',
    ['reason'],
  )
  const evicted = registry
    .counter(
      'slicedns_forward_failure_evictions_total',
      'Failures of questions that were forgotten early because too many were kept.',
      [],
    )
    .with()
  // Shown from the start, so that `rate` and `increase` see the first event.
  for (const reason of ['exchanges', 'octets', 'share']) refused.with(reason)
  const cells = new Map<string, HistogramCell>()
  const answersOf = (to: string, rcode: number): HistogramCell => {
    const key = `${to} ${rcode}`
    let cell = cells.get(key)
    if (!cell) {
      cell = durations.with(proxy, to, rcodeName(rcode))
      cells.set(key, cell)
    }
    return cell
  }
  return {
    upstream: {
      overflow: () => refused.with('octets').inc(),
      checkFailed: (to) => checkFailures.with(proxy, to).inc(),
      connection: (to, proto, hit) => (hit ? hits : misses).with(proxy, to, proto).inc(),
    },
    answered: (to, rcode, milliseconds) => answersOf(to, rcode).observe(milliseconds / 1000),
    relayed: (to, growth) =>
      registry.onCollect(() => {
        const grown = growth()
        if (grown.hits > 0) hits.with(proxy, to, 'udp').inc(grown.hits)
        if (grown.misses > 0) misses.with(proxy, to, 'udp').inc(grown.misses)
        for (const { rcode, counts, sum } of grown.answers)
          if (counts.some((count) => count > 0)) answersOf(to, rcode).add(counts, sum)
      }),
    allDown: () => broken.inc(),
    tooMany: () => rejects.inc(),
    refused: (reason) => refused.with(reason).inc(),
    failureEvicted: () => evicted.inc(),
  }
}
