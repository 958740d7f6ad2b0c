/**
 * Logs failures without repeating itself: a fault is logged when it begins, then once a minute while it lasts, and its end
 * once.
 */
import type { Clock } from '../scheduling/clock.ts'
import type { Logger } from './log.ts'

export interface RateLimitedLog {
  /** It has failed (again). `text` says what, where and why; texts with the same `fault` count as equal. */
  failed(text: string, fault?: string): void
  /** It works again. */
  over(): void
}

/** Milliseconds between two lines about the same fault during one outage. */
const repeatAfter = 60_000
/** Different faults remembered per outage; if there are more, each change is logged. */
const remembered = 16

/** `what`: named when it works again. `repeats` false: only one line per outage, however long it lasts. */
export function createRateLimitedLog(what: string, log: Logger, clock: Clock, repeats = true): RateLimitedLog {
  let since: number | undefined
  const loggedAt = new Map<string, number>()
  return {
    failed(text, fault = text) {
      since ??= clock.now()
      const last = loggedAt.get(fault)
      if (last !== undefined && (!repeats || clock.now() - last < repeatAfter)) return
      if (loggedAt.size >= remembered) loggedAt.clear()
      loggedAt.set(fault, clock.now())
      log.error(`${text} (retrying until it works)`)
    },
    over() {
      if (since === undefined) return
      log.info(`${what} works again after ${((clock.now() - since) / 1000).toFixed(1)} s`)
      since = undefined
      loggedAt.clear()
    },
  }
}
