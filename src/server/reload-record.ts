/** The outcome of the last reload, for the commands, the console and the metrics. */
import type { LastReload } from '../console/state.ts'
import type { ReloadResult } from '../plugin/contract.ts'
import type { Clock } from '../scheduling/clock.ts'
import type { MetricsRegistry } from '../telemetry/metrics.ts'

export interface ReloadRecord {
  /** Undefined: no reload since the start. */
  last(): LastReload | undefined
  ended(result: ReloadResult): void
  /** The Corefile cannot be read at present. */
  unreadable(error: string): void
  /** The Corefile is again the running one: the failure of another version no longer counts. */
  restored(): void
}

export function createReloadRecord(metrics: MetricsRegistry, clock: Clock): ReloadRecord {
  const rejected = metrics
    .gauge('slicedns_corefile_rejected', '1 while the Corefile cannot be used, and the one before it runs.', [])
    .with()
  let last: LastReload | undefined
  let succeeded: LastReload | undefined
  /** The last failure concerned another Corefile than the running one. */
  let ofAnother = false
  rejected.set(0)

  function fail(error: string, unchanged = false): void {
    const time = clock.wall()
    last = { time, ok: false, error, since: last?.since ?? time }
    ofAnother = !unchanged
    rejected.set(1)
  }

  return {
    last: () => last,
    ended(result) {
      if (!result.ok) return fail(result.error, result.unchanged)
      last = succeeded = { time: clock.wall(), ok: true }
      ofAnother = false
      rejected.set(0)
    },
    unreadable: (error) => fail(error),
    restored() {
      if (!ofAnother) return
      ofAnother = false
      last = succeeded
      rejected.set(0)
    },
  }
}
