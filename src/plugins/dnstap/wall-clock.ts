import type { Clock } from '../../scheduling/clock.ts'

/** Milliseconds between the clocks beyond which the wall clock has been set. */
const jump = 5
/** Milliseconds between two looks at a clock within which a third one counts: else the process was interrupted. */
const uninterrupted = 1

/** The time since 1970 with the monotonic clock's precision: what happens later has no earlier time. */
export function createWallClock(clock: Clock): (monotonic?: number) => number {
  let offset = clock.wall() - clock.now()
  let isCertain = false

  function measure(): void {
    const before = clock.now()
    const current = clock.wall() - before
    if (isCertain && Math.abs(current - offset) <= jump) return
    if (clock.now() - before > uninterrupted) return
    offset = current
    isCertain = true
  }

  return (monotonic = clock.now()) => {
    measure()
    return monotonic + offset
  }
}
