/** Metrics that only dashboards and alerts made for CoreDNS need (`compatibility_metrics`). */
import type { MetricsRegistry } from '../../../telemetry/metrics.ts'
import { createMetrics } from '../../../telemetry/registry.ts'
import { fillForwardNames } from './forward-names.ts'
import { fillGoNames } from './go-names.ts'

/** Adds them to each scrape, computed from the other metrics. */
export function publishCompatibleNames(metrics: MetricsRegistry): { readonly value: undefined; stop(): void } {
  const added = metrics.addText(() => {
    const compatible = createMetrics()
    fillForwardNames(metrics, compatible)
    fillGoNames(compatible)
    return compatible.text()
  })
  return { value: undefined, stop: added.remove }
}
