/**
 * How long an upstream may be silent before another one is asked as well: 1.5 times the 95th percentile of its recent
 * response times. Hedges are then rare (a few in a hundred answers are later), and a lost upstream costs little.
 */
export interface HedgeDelay {
  /** Records the response time of an answer. */
  record(milliseconds: number): void
  /** Milliseconds to wait before the next upstream is asked. */
  readonly milliseconds: number
}

/** At least `min`, because a hedge does not help with a slow zone; at most `max`, so that a silent upstream is noticed. */
const bounds = { min: 100, max: 1000 } as const
export const firstHedgeDelay: number = bounds.min

const window = 64
const recalculateEvery = 16

/** `cell` may be shared with other threads: each overwrites it with the result of its own recent response times. */
export function createHedgeDelay(cell: Float64Array = Float64Array.of(firstHedgeDelay)): HedgeDelay {
  const recent = new Float64Array(window)
  const sorted = new Float64Array(window)
  let count = 0
  return {
    record(milliseconds) {
      recent[count++ % window] = milliseconds
      if (count % recalculateEvery !== 0) return
      const known = Math.min(count, window)
      // Insertion sort: response times of one upstream are similar, and it allocates nothing.
      for (let i = 0; i < known; i++) {
        let at = i
        while (at > 0 && sorted[at - 1] > recent[i]) {
          sorted[at] = sorted[at - 1]
          at--
        }
        sorted[at] = recent[i]
      }
      const late = sorted[Math.floor(known * 0.95)]
      cell[0] = Math.min(bounds.max, Math.max(bounds.min, late * 1.5))
    },
    get milliseconds() {
      return cell[0]
    },
  }
}
