/**
 * How long a server may be silent before another one is asked as well: one and a half times what nearly all of its
 * recent answers took. Asking twice is then rare (few answers in a hundred are later) and a lost server costs little.
 */
export interface HedgeDelay {
  /** An answer took so many milliseconds. */
  answered(milliseconds: number): void
  /** Milliseconds to wait before the next server is asked. */
  readonly wait: number
}

/** Never less than `least`: a hedge is no cure for a slow zone. Never more than `most`: a silent server is found out. */
const patienceLimits = { least: 100, most: 1000 } as const

const remembered = 64
const recalculateAfter = 16

export function createHedgeDelay(): HedgeDelay {
  const recent = new Float64Array(remembered)
  let count = 0
  let wait: number = patienceLimits.least
  return {
    answered(milliseconds) {
      recent[count++ % remembered] = milliseconds
      if (count % recalculateAfter !== 0) return
      const sorted = recent.slice(0, Math.min(count, remembered)).sort()
      const late = sorted[Math.floor(sorted.length * 0.95)]
      wait = Math.min(patienceLimits.most, Math.max(patienceLimits.least, late * 1.5))
    },
    get wait() {
      return wait
    },
  }
}
