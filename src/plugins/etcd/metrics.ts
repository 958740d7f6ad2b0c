import type { MetricsRegistry } from '../../telemetry/metrics.ts'

export interface EtcdMetrics {
  live(isLive: boolean): void
  keys(count: number): void
  changed(): void
  failed(): void
  invalid(): void
  refused(): void
}

/** The metrics of the `etcd` with this path. */
export function createEtcdMetrics(metrics: MetricsRegistry, path: string): EtcdMetrics {
  const live = metrics.gauge('slicedns_etcd_live', '1 while the copy of the keys is what etcd has.', ['path'])
  const keys = metrics.gauge('slicedns_etcd_keys', 'Keys of the copy.', ['path'])
  const changes = metrics.counter('slicedns_etcd_changes_total', 'Changes of keys that the watch reported.', ['path'])
  const failures = metrics.counter('slicedns_etcd_failures_total', 'Lists and watches that failed.', ['path'])
  const invalid = metrics.counter('slicedns_etcd_invalid_values_total', 'Values that are not a service.', ['path'])
  const refused = metrics.counter('slicedns_etcd_refused_total', 'Copies refused because of their size.', ['path'])
  live.with(path).set(0)
  keys.with(path).set(0)
  for (const counter of [changes, failures, invalid, refused]) counter.with(path).inc(0)
  return {
    live: (isLive) => live.with(path).set(isLive ? 1 : 0),
    keys: (count) => keys.with(path).set(count),
    changed: () => changes.with(path).inc(),
    failed: () => failures.with(path).inc(),
    invalid: () => invalid.with(path).inc(),
    refused: () => refused.with(path).inc(),
  }
}
