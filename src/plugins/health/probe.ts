import { request } from 'node:http'
import type { Clock, Timer } from '../../scheduling/clock.ts'
import { type HttpAddress, httpAddressText } from '../../telemetry/http/listener.ts'
import type { Logger } from '../../telemetry/log.ts'
import type { MetricsRegistry } from '../../telemetry/metrics.ts'

const second = 1_000
/** Milliseconds after which a request counts as failed. */
const timeout = 5 * second
/** Upper bounds in seconds. */
const buckets = [0.00025, 0.0025, 0.025, 0.25, 2.5]

export const probeMetrics = (metrics: MetricsRegistry) => ({
  duration: metrics
    .histogram('coredns_health_request_duration_seconds', 'Seconds that asking our own /health took.', [], buckets)
    .with(),
  failures: metrics
    .counter('coredns_health_request_failures_total', 'Times that asking our own /health failed.', [])
    .with(),
})

/**
 * Asks the process's own `/health` once a second. The duration measures the load, because the request waits in the same
 * queues as everything else.
 */
export function createProbe(
  { host, port }: HttpAddress,
  metrics: MetricsRegistry,
  clock: Clock,
  log: Logger,
): { readonly value: undefined; start(): void; stop(): void } {
  const { duration, failures } = probeMetrics(metrics)
  // A wildcard listener answers on the loopback address, too.
  const target = host === '' || host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  const url = `http://${httpAddressText({ host: target, port })}/health`
  let timer: Timer | undefined
  let failing = false

  function probe(): void {
    const startedAt = clock.now()
    const asked = request({ host: target, port, path: '/health', agent: false, timeout }, (response) => {
      response.resume()
      response.once('end', () => succeeded((clock.now() - startedAt) / second))
      response.once('error', failed)
    })
    asked.once('timeout', () => asked.destroy(new Error(`no answer within ${timeout / second} s`)))
    asked.once('error', failed)
    asked.end()
  }

  function succeeded(seconds: number): void {
    failing = false
    duration.observe(seconds)
    if (seconds > 1) log.warning(`Local health request to ${url} took more than 1s: ${seconds.toFixed(3)}s`)
  }

  function failed(error: Error): void {
    if (!timer) return
    failures.inc()
    if (!failing) log.warning(`Local health request to ${url} failed: ${error.message}`)
    failing = true
  }

  return {
    value: undefined,
    start() {
      timer = clock.every(second, probe)
    },
    stop() {
      timer?.cancel()
      timer = undefined
    },
  }
}
