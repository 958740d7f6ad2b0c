import type { CounterCell, MetricsRegistry } from '../telemetry/metrics.ts'

/** Counts unexpected exceptions. Each costs at most one client a SERVFAIL; none ends the process. */
export function panicCounter(metrics: MetricsRegistry): CounterCell {
  return metrics.counter('coredns_panics_total', 'Unexpected exceptions that the server survived.', []).with()
}
