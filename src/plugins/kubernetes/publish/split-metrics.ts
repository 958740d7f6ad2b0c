/** Counts splits, and splits without a backend that can answer. */
import type { ClusterContext } from '../../../cluster-dns/context.ts'
import { backendStates } from '../../../cluster-dns/features/split/backend-state.ts'
import { splitOf } from '../../../cluster-dns/features/split/split-backends.ts'
import type { MetricsRegistry } from '../../../telemetry/metrics.ts'
import type { NamespacedName } from './split-index.ts'

export interface SplitMetrics {
  /** Reads the current state of the service. */
  update(service: NamespacedName): void
  stop(): void
}

/** All `kubernetes` blocks share the gauges: each adds its own splits and removes them when it stops. */
export function createSplitMetrics(context: ClusterContext, metrics: MetricsRegistry): SplitMetrics {
  const all = metrics.gauge('slicedns_splits', 'Services that are traffic splits.', []).with()
  const withoutBackend = metrics
    .gauge('slicedns_splits_without_backend', 'Traffic splits that have no backend with a ready endpoint.', [])
    .with()
  /** By namespace and name: whether the split has a backend. */
  const known = new Map<string, boolean>()

  function forget(key: string): void {
    const hasBackend = known.get(key)
    if (hasBackend === undefined) return
    known.delete(key)
    all.dec()
    if (!hasBackend) withoutBackend.dec()
  }

  return {
    update({ namespace, name }) {
      const key = `${namespace}/${name}`
      forget(key)
      const service = context.view.service(namespace, name)
      const backends = service && splitOf(context, service)
      if (backends === undefined) return
      // The state of a backend is the same in every zone.
      const states = backendStates(context, context.settings.zones[0]!, backends)
      const hasBackend = states.some(({ condition }) => condition !== 'out')
      known.set(key, hasBackend)
      all.inc()
      if (!hasBackend) withoutBackend.inc()
    },
    stop() {
      for (const key of [...known.keys()]) forget(key)
    },
  }
}
