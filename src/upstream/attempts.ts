/** Which upstream a question goes to next, and when a silent one is hedged. */
import type { Upstream } from './upstream.ts'

export interface AttemptPlan {
  /**
   * The upstream to ask next, or undefined when the attempts are used up or every upstream is being asked. A lone
   * upstream may be asked again while it is: its answer may be lost.
   */
  next(isAsked: (upstream: Upstream) => boolean): Upstream | undefined
  /** The attempt that has just ended had an answer: `max_connect_attempts` counts those that had none. */
  answered(): void
  /** Each upstream has had its turn. */
  readonly exhausted: boolean
  /** When the next upstream is asked too, given when the last attempt began; Infinity once each has been asked. */
  hedgeAt(lastStartedAt: number): number
}

/** `max_connect_attempts 0` means no limit, but upstreams that refuse at once must not be asked for five seconds on end. */
const mostAttempts = 1000

/**
 * Milliseconds that one of so many upstreams may be silent before the next one is asked too: each has its turn within
 * `readTimeout`. A lone upstream is asked again after half of it.
 */
export function patienceWith(upstreams: number, hedgeDelay: number, readTimeout: number): number {
  return upstreams > 1
    ? Math.min(hedgeDelay, readTimeout / upstreams)
    : Math.min(readTimeout, Math.max(hedgeDelay, readTimeout / 2))
}

/** `limit` 0: no limit. `readTimeout`: milliseconds that one upstream may take. */
export function createAttemptPlan(order: readonly Upstream[], limit: number, readTimeout: number): AttemptPlan {
  let most = limit === 0 ? mostAttempts : limit
  let used = 0
  return {
    next(isAsked) {
      if (used >= most) return undefined
      for (let skipped = 0; skipped < order.length; skipped++) {
        const upstream = order[(used + skipped) % order.length]
        if (order.length > 1 && isAsked(upstream)) continue
        used += skipped + 1
        return upstream
      }
      return undefined
    },
    answered() {
      most++
    },
    get exhausted() {
      return used >= order.length
    },
    hedgeAt(lastStartedAt) {
      if (used >= Math.max(2, order.length) || used >= most) return Number.POSITIVE_INFINITY
      const delay = order[(used - 1) % order.length].hedgeDelay.milliseconds
      return lastStartedAt + patienceWith(order.length, delay, readTimeout)
    },
  }
}
