import type { MetricsRegistry } from '../../telemetry/metrics.ts'

/** Registries that have these metrics: prom-client's observers cannot be stopped, so they start once. */
const published = new WeakSet<MetricsRegistry>()

/**
 * Adds prom-client's metrics of the Node.js runtime (`nodejs_*`). They cost an event-loop timer and an observer of the
 * garbage collector, and prom-client itself 3 MiB: only `runtime_metrics` loads it.
 */
export async function publishRuntimeMetrics(metrics: MetricsRegistry): Promise<void> {
  if (published.has(metrics)) return
  published.add(metrics)
  // A CommonJS module: Node finds its named exports, the bundle does not; both have the default export.
  const { collectDefaultMetrics, Registry } = (await import('prom-client')).default
  const register = new Registry()
  collectDefaultMetrics({ register, eventLoopMonitoringPrecision: 20 })
  // slicedns has its own metrics of the process.
  for (const { name } of register.getMetricsAsArray())
    if (name.startsWith('process_')) register.removeSingleMetric(name)
  metrics.addText(() => register.metrics())
}
