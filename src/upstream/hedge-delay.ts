/**
 * How long an upstream may be silent before another one is asked as well: one and a half times the 95th percentile of
 * its recent response times. A hedge is then rare (a few answers in a hundred are later) and a lost upstream costs little.
 */
export interface HedgeDelay {
  /** Records the response time of an answer. */
  record(milliseconds: number): void
  /** Milliseconds to wait before the next upstream is asked. */
  readonly milliseconds: number
}

/** Not below `min`: a hedge does not help a slow zone. Not above `max`: a silent upstream must be noticed. */
const bounds = { min: 100, max: 1000 } as const
export const firstHedgeDelay: number = bounds.min

const window = 64
const recalculateEvery = 16

/** `cell` may be shared with other threads: each writes there what its own recent response times say. */
export function createHedgeDelay(cell: Float64Array = Float64Array.of(firstHedgeDelay)): HedgeDelay {
  const recent = new Float64Array(window)
  const sorted = new Float64Array(window)
  let count = 0
  return {
    record(milliseconds) {
      recent[count++ % window] = milliseconds
      if (count % recalculateEvery !== 0) return
      const known = Math.min(count, window)
      // Insertion: the times of one upstream hardly differ, and nothing is allocated.
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
