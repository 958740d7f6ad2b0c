/** Clocks for tests: time that passes only when a test advances it. */
import type { Clock } from '../../src/scheduling/clock.ts'

export interface FakeClock extends Clock {
  /** Lets `milliseconds` pass, running what is due on the way, in order. */
  advance(milliseconds: number): void
  /** Lets them pass while nothing runs, as in a process that is stopped. What is due then runs once, late. */
  stall(milliseconds: number): void
}

export interface FakeClockOptions {
  /** `wall()` at the beginning. Default: 0. */
  readonly wall?: number
  /** Milliseconds by which each look at `now()` moves it, as on a busy machine: work sees its slice used up. */
  readonly step?: number
}

export function createFakeClock({ wall = 0, step = 0 }: FakeClockOptions = {}): FakeClock {
  let now = 0
  const due = new Set<{ at: number; every: number; task: () => void }>()
  const add = (milliseconds: number, every: number, task: () => void) => {
    const entry = { at: now + milliseconds, every, task }
    due.add(entry)
    return { cancel: () => void due.delete(entry) }
  }
  return {
    now: () => (now += step),
    wall: () => wall + now,
    after: (milliseconds, task) => add(milliseconds, 0, task),
    every: (milliseconds, task) => add(milliseconds, milliseconds, task),
    advance(milliseconds) {
      const end = now + milliseconds
      for (;;) {
        const [next] = [...due].filter((entry) => entry.at <= end).sort((a, b) => a.at - b.at)
        if (next === undefined) break
        now = Math.max(now, next.at)
        if (next.every > 0) next.at += next.every
        else due.delete(next)
        next.task()
      }
      now = end
    },
    stall(milliseconds) {
      now += milliseconds
      for (const entry of [...due].filter(({ at }) => at <= now).sort((a, b) => a.at - b.at)) {
        if (entry.every > 0) entry.at = now + entry.every
        else due.delete(entry)
        entry.task()
      }
    },
  }
}
