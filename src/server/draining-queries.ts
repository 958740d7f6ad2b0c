/** Who still sends queries during the drain: clients that keep a socket, or a proxy that has not noticed. */
import type { MetricsRegistry } from '../telemetry/metrics.ts'
import type { AskingClient } from './inspection/index.ts'

/** `drain` starts counting; before that the metric has no series. */
export function createDrainingQueries(metrics: MetricsRegistry): {
  drain(asking: () => readonly AskingClient[]): void
} {
  const gauge = metrics.gauge(
    'slicedns_draining_queries',
    'Queries since the drain began, of the clients that ask most; an estimate.',
    ['client'],
  )
  return {
    drain(asking) {
      metrics.onCollect(() => {
        for (const { address, queries } of asking()) gauge.with(address).set(queries)
      })
    },
  }
}
