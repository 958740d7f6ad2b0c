import type { CounterCell, MetricsRegistry } from '../telemetry/metrics.ts'

/** Counts exceptions that nobody expected. Each costs one client a SERVFAIL, or nobody anything; none ends the process. */
export function panicCounter(metrics: MetricsRegistry): CounterCell {
  return metrics.counter('coredns_panics_total', 'Unexpected exceptions that the server survived.', []).with()
}
