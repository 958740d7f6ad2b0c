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

const window = 64
const recalculateEvery = 16

export function createHedgeDelay(): HedgeDelay {
  const recent = new Float64Array(window)
  let count = 0
  let delay: number = bounds.min
  return {
    record(milliseconds) {
      recent[count++ % window] = milliseconds
      if (count % recalculateEvery !== 0) return
      const sorted = recent.slice(0, Math.min(count, window)).sort()
      const late = sorted[Math.floor(sorted.length * 0.95)]
      delay = Math.min(bounds.max, Math.max(bounds.min, late * 1.5))
    },
    get milliseconds() {
      return delay
    },
  }
}
