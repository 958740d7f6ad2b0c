/**
 * Says what does not work, without repeating itself: a fault is logged when it begins, then once a minute while it
 * lasts, and its end once.
 */
import type { Clock } from '../scheduling/clock.ts'
import type { Logger } from './log.ts'

export interface RateLimitedLog {
  /** It has failed (again). `text` says what, where and why; texts with one `fault` say the same thing. */
  failed(text: string, fault?: string): void
  /** It works. */
  over(): void
}

/** Milliseconds between two lines of one outage about the same fault. */
const repeatAfter = 60_000
/** Different faults of one outage that are remembered; flapping between more than these is logged each time. */
const remembered = 16

/** `what`: the thing that works again afterwards. `repeats` false: one line an outage, however long it lasts. */
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
