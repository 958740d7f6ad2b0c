/** The metrics of snapshots. Clusters of one process share the families. */
import type { Clock } from '../../scheduling/clock.ts'
import type { MetricsRegistry } from '../../telemetry/metrics.ts'
import type { RefusalReason } from './refusal.ts'

export interface SnapshotMeter {
  /** `time`: milliseconds since 1970 when the API server last confirmed what was written. */
  written(octets: number, time: number): void
  failed(result: 'failed' | 'oversized'): void
  refused(reason: RefusalReason): void
  /** A snapshot in use belonged to another cluster. */
  dropped(): void
  remove(): void
}

/** `ageOf`: seconds since the served state was confirmed, while it comes from a snapshot. */
export function createSnapshotMeter(
  metrics: MetricsRegistry,
  clock: Clock,
  ageOf: () => number | undefined,
): SnapshotMeter {
  const age = metrics.gauge(
    'slicedns_snapshot_age_seconds',
    'Seconds since the API server last confirmed what is served, while it comes from a snapshot. Absent otherwise.',
    [],
  )
  const writes = metrics.counter(
    'slicedns_snapshot_writes_total',
    'Snapshots of the cluster that were to be written, by result: written, failed, oversized.',
    ['result'],
  )
  // Created at once, so that `rate` and `increase` see the first event.
  for (const result of ['written', 'failed', 'oversized']) writes.with(result)
  const refusals = metrics.counter(
    'slicedns_snapshot_refused_total',
    'Snapshots that were not used at a start without the API server, by reason.',
    ['reason'],
  )
  const drops = metrics
    .counter(
      'slicedns_snapshot_dropped_total',
      'Snapshots in use that were dropped, because the API server is that of another cluster.',
      [],
    )
    .with()
  const octets = metrics.gauge('slicedns_snapshot_octets', 'Octets of the snapshot that was written last.', [])
  const confirmed = metrics.gauge(
    'slicedns_snapshot_timestamp_seconds',
    'Time, in seconds since 1970, at which the API server confirmed the state that was written last.',
    [],
  )
  let last: { readonly octets: number; readonly seconds: number } | undefined
  // A reload may replace the writer: the new one's values appear at the next scrape.
  const collecting = metrics.onCollect(() => {
    const seconds = ageOf()
    if (seconds === undefined) age.forget()
    else age.with().set(seconds)
    if (last === undefined) return
    octets.with().set(last.octets)
    confirmed.with().set(last.seconds)
  })
  return {
    written(length, time) {
      writes.with('written').inc()
      last = { octets: length, seconds: Math.floor(Math.min(time, clock.wall()) / 1000) }
    },
    failed: (result) => writes.with(result).inc(),
    refused: (reason) => refusals.with(reason).inc(),
    dropped: () => drops.inc(),
    remove() {
      collecting.remove()
      for (const gauge of [age, octets, confirmed]) gauge.forget()
    },
  }
}
