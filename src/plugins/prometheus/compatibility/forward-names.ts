/** Metric names of `forward` up to CoreDNS 1.10; 1.11 renamed them to `coredns_proxy_*`. */
import type { HistogramTotals, MetricsRegistry, Sample } from '../../../telemetry/metrics.ts'
import { durationBuckets } from '../../../telemetry/query-buckets.ts'

/** Registers the old names in `old` with the values of today's metrics. */
export function fillForwardNames(metrics: MetricsRegistry, old: MetricsRegistry): void {
  const requests = old.counter('coredns_forward_requests_total', 'Questions that an upstream answered.', ['to'])
  const responses = old.counter('coredns_forward_responses_total', 'Answers of an upstream by rcode.', ['to', 'rcode'])
  const durations = old.histogram(
    'coredns_forward_request_duration_seconds',
    'Seconds from sending a question to its answer.',
    ['to', 'rcode'],
    durationBuckets,
  )
  for (const { labels, totals } of ofForward(metrics.histograms('coredns_proxy_request_duration_seconds'))) {
    const count = countOf(totals)
    requests.with(labels.to!).inc(count)
    responses.with(labels.to!, labels.rcode!).inc(count)
    durations.with(labels.to!, labels.rcode!).add(totals.counts, totals.sum)
  }

  const failures = old.counter('coredns_forward_healthcheck_failures_total', 'Failed health checks.', ['to'])
  for (const { labels, totals } of ofForward(metrics.counters('coredns_proxy_healthcheck_failures_total')))
    failures.with(labels.to!).inc(totals.value)
  const hits = old.counter('coredns_forward_conn_cache_hits_total', 'Questions sent over an open connection.', [
    'to',
    'proto',
  ])
  for (const { labels, totals } of ofForward(metrics.counters('coredns_proxy_conn_cache_hits_total')))
    hits.with(labels.to!, labels.proto!).inc(totals.value)
  const misses = old.counter('coredns_forward_conn_cache_misses_total', 'Questions that had to open a connection.', [
    'to',
    'proto',
  ])
  for (const { labels, totals } of ofForward(metrics.counters('coredns_proxy_conn_cache_misses_total')))
    misses.with(labels.to!, labels.proto!).inc(totals.value)
}

const ofForward = <Totals>(samples: readonly Sample<Totals>[]): readonly Sample<Totals>[] =>
  samples.filter(({ labels }) => labels.proxy_name === 'forward')

const countOf = ({ counts }: HistogramTotals): number => counts.reduce((sum, count) => sum + count, 0)
