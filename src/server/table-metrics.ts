import { collectMisses } from '../answer/index.ts'
import type { TableWriter } from '../table/api.ts'
import type { MetricsRegistry } from '../telemetry/metrics.ts'

/** Metrics of the answer table, read at each scrape: its contents, and why queries were not answered from it. */
export function registerTableMetrics(metrics: MetricsRegistry, writer: TableWriter): void {
  const entries = metrics.gauge('slicedns_table_entries', 'Names and cached replies in the answer table.', []).with()
  const bytes = metrics.gauge('slicedns_table_bytes', 'Octets of the answer table by state.', ['state'])
  const misses = metrics.counter('slicedns_table_misses_total', 'Queries that the answer table left to the chain.', [
    'reason',
  ])
  const profiles = metrics
    .gauge('slicedns_table_profiles', 'Pairs of labels and effects that answers of the table have had.', [])
    .with()
  const unserved = metrics.counter(
    'slicedns_table_unserved_total',
    'Listeners left to the chain because the answer table had no more memory, or no more profiles.',
    ['reason'],
  )
  metrics.onCollect(() => {
    const stats = writer.stats()
    profiles.set(stats.profiles)
    for (const [reason, count] of Object.entries(stats.unserved)) {
      const cell = unserved.with(reason)
      cell.inc(count - cell.value)
    }
    entries.set(stats.entries)
    bytes.with('live').set(stats.liveBytes)
    bytes.with('retired').set(stats.retiredBytes)
    bytes.with('committed').set(stats.committedBytes)
    for (const [reason, count] of collectMisses(writer.handle)) {
      const cell = misses.with(reason)
      cell.inc(count - cell.value)
    }
  })
}
