/** How long to wait before the next request to a server that answers with errors. */
import type { Clock } from '../../scheduling/clock.ts'

const first = 800
const longest = 30_000
/** Milliseconds without a failure after which the wait starts from the beginning. A single success does not reset it. */
const healthyAfter = 120_000

export interface Backoff {
  /** Milliseconds to wait now: 0.8 s doubling to 30 s, each shortened by up to a half at random. */
  next(): number
  /** Failures since the last healthy time. */
  readonly failures: number
}

/** `random` returns numbers in [0, 1). */
export function createBackoff(clock: Clock, random: () => number = Math.random): Backoff {
  let failures = 0
  let calmFrom = Number.NEGATIVE_INFINITY
  return {
    next() {
      if (clock.now() - calmFrom >= healthyAfter) failures = 0
      const full = Math.min(longest, first * 2 ** failures)
      failures++
      const wait = full * (1 - random() / 2)
      // Time spent waiting does not count as time without a failure.
      calmFrom = clock.now() + wait
      return wait
    },
    get failures() {
      return failures
    },
  }
}
