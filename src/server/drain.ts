/** Answering goes on during shutdown: clients learn of it later than the server does. */

import type { Clock } from '../scheduling/clock.ts'
import type { Ingress } from './ingress.ts'

/** Milliseconds that shutdown waits at most while queries arrive (Kubernetes kills after 30 s by default). */
export const drainLimit = 20_000
/** Milliseconds without a query after which shutdown proceeds. */
const quietPeriod = 1_000

export interface Drain {
  /** Resolves after lameduck, when no query has arrived for a while, at the latest at the deadline. */
  quiet(): Promise<void>
  /** Calls `task` at the deadline, unless cancelled before. */
  atDeadline(task: () => void): { cancel(): void }
}

export function startDrain(clock: Clock, ingress: Ingress, lameduck: number): Drain {
  const start = clock.now()
  const deadline = start + Math.max(lameduck, drainLimit)
  const left = (time: number): number => time - clock.now()
  const elapsed = (milliseconds: number): Promise<void> =>
    new Promise((resolve) => void clock.after(milliseconds, resolve))
  return {
    async quiet() {
      await elapsed(lameduck)
      for (;;) {
        const wait = left(Math.min(ingress.lastQueryAt() + quietPeriod, deadline))
        if (wait <= 0) return
        await elapsed(wait)
      }
    },
    atDeadline(task) {
      if (left(deadline) > 0) return clock.after(left(deadline), task)
      task()
      return { cancel: () => undefined }
    },
  }
}
