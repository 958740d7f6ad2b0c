import type { Clock } from '../../scheduling/clock.ts'

/** A larger change of the difference between the clocks, in milliseconds, means that the wall clock was set. */
const jump = 5
/** Milliseconds that a measurement may take; a longer one was interrupted and does not count. */
const uninterrupted = 1

/** The time since 1970 with the monotonic clock's precision and order. */
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
