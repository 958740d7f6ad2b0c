/** Waiting for conditions: a test never sleeps for a while and hopes. */
import { setTimeout as delay } from 'node:timers/promises'

const second = 1000

export interface UntilOptions {
  /**
   * Milliseconds after which the wait fails with the last error. Generous: it bounds a failure, not a success. Time in which a busy
   * machine keeps this process from running does not count: nothing that is waited for in it could happen.
   */
  readonly within?: number
  /** Milliseconds between two looks. */
  readonly every?: number
  /** A reason why waiting has become pointless: fails at once, after a last look. */
  readonly unless?: () => string | undefined
}

/** Calls `check` again and again until it returns without throwing; gives what it returned, or throws its last error. */
export async function until<T>(check: () => T | Promise<T>, options: UntilOptions = {}): Promise<T> {
  const { within = 30 * second, every = 20, unless } = options
  let deadline = performance.now() + within
  for (;;) {
    const reason = unless?.()
    try {
      return await check()
    } catch (error) {
      const text = error instanceof Error ? error.message : error
      if (reason !== undefined) throw new Error(`${reason}: ${text}`, { cause: error })
      if (performance.now() > deadline) {
        throw new Error(`still not so after ${within} ms: ${text}`, { cause: error })
      }
    }
    const before = performance.now()
    await delay(every)
    deadline += Math.max(0, performance.now() - before - 2 * every)
  }
}
