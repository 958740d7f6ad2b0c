/** Which upstream a question goes to next, and when a silent upstream is hedged. */
import type { Upstream } from './upstream.ts'

export interface AttemptPlan {
  /**
   * The upstream to ask next, or undefined when the attempts are used up or every upstream is being asked. A lone
   * upstream may be asked again while it is being asked, in case a datagram was lost.
   */
  next(isAsked: (upstream: Upstream) => boolean): Upstream | undefined
  /** Excludes the last attempt from `max_connect_attempts`, which counts attempts without an answer. */
  answered(): void
  /** Each upstream has been asked. */
  readonly exhausted: boolean
  /** When the next upstream is to be asked too, if the last attempt began at `lastStartedAt`; Infinity once all were asked. */
  hedgeAt(lastStartedAt: number): number
}

/** `max_connect_attempts 0` means no limit, but upstreams that refuse at once must not be asked in a loop for five seconds. */
const mostAttempts = 1000

/**
 * Milliseconds of silence after which the next upstream is asked too: each of them must get its turn within `readTimeout`.
 * A lone upstream is asked again after half of it.
 */
export function hedgeDelayFor(upstreams: number, hedgeDelay: number, readTimeout: number): number {
  return upstreams > 1
    ? Math.min(hedgeDelay, readTimeout / upstreams)
    : Math.min(readTimeout, Math.max(hedgeDelay, readTimeout / 2))
}

/** `limit` 0: no limit. `readTimeout`: milliseconds per upstream. */
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
      return lastStartedAt + hedgeDelayFor(order.length, delay, readTimeout)
    },
  }
}
