/**
 * After a list or a watch failed: how long to wait, and where to go on. Whatever fails is tried again, at a pace that a
 * struggling server survives.
 */
import type { Clock } from '../../scheduling/clock.ts'
import { createBackoff } from './backoff.ts'
import type { ApiFailure, FailureReason } from './failure.ts'
import { longestAfterSilence } from './patience.ts'
import type { EndsEarly } from './shared-waits.ts'

export interface Retry {
  /** Milliseconds to wait. */
  readonly wait: number
  /**
   * `watch`: from the last version seen, if there has been a list. `list`: everything again, nothing older than that
   * version. `any`: everything again, as old as the server has it.
   */
  readonly resume: 'watch' | 'list' | 'any'
}

export interface RetryPolicy {
  after(failure: ApiFailure): Retry
  succeeded(): void
  /** Failures since the last success. */
  readonly failures: number
}

const second = 1000
/** Watches that fail in a row before the list is taken anew: the version that they start from may be what is wrong. */
const maxWatchFailures = 5
/** A failure is the first of its kind when there was none for so long. Milliseconds. */
const forgottenAfter = 10 * second
/** The longest Retry-After that is obeyed: the server must not stop the watch for days. Milliseconds. */
export const maxRetryAfter = 60 * second
/** A person who grants the missing right watches for the effect. Milliseconds. */
const longestWhenForbidden = 10 * second

/** The server said no before it did any work, so that asking again costs it as little. */
const refusals: readonly FailureReason[] = ['unauthorized', 'forbidden', 'throttled', 'server']

/** What may end the wait before its time. A list that breaks in its middle has cost the server the work: no tries for all with it. */
export function endsEarly({ reason, retryAfter }: ApiFailure, next: 'listing' | 'watching'): EndsEarly {
  if (retryAfter) return 'never'
  return next === 'watching' || refusals.includes(reason) ? 'probe' : 'success'
}

export function createRetryPolicy(clock: Clock): RetryPolicy {
  const backoff = createBackoff(clock)
  const failedAt = new Map<FailureReason, number>()
  let failures = 0

  /** True for the first failure of its kind in a while: the next attempt may succeed at once. */
  const isFirst = (reason: FailureReason): boolean => {
    const last = failedAt.get(reason) ?? Number.NEGATIVE_INFINITY
    failedAt.set(reason, clock.now())
    return clock.now() - last > forgottenAfter
  }

  const unlessFirst = (reason: FailureReason): number => (isFirst(reason) ? 0 : backoff.next())

  const orList = (): Retry['resume'] => (failures >= maxWatchFailures ? 'list' : 'watch')

  const retry = ({ reason, retryAfter }: ApiFailure): Retry => {
    switch (reason) {
      case 'expired':
        // A new list is the remedy, at once the first time.
        return { wait: unlessFirst(reason), resume: 'list' }
      case 'ahead':
        return { wait: unlessFirst(reason), resume: 'any' }
      case 'malformed':
        // An event may have been lost in what could not be decoded.
        return { wait: backoff.next(), resume: 'list' }
      case 'unauthorized':
        // Tokens are renewed: it is read again.
        return { wait: unlessFirst(reason), resume: 'watch' }
      case 'throttled':
        // `Retry-After: 0` would be a loop without a pause.
        return { wait: retryAfter ? Math.min(retryAfter, maxRetryAfter) : backoff.next(), resume: 'watch' }
      case 'forbidden':
        return { wait: Math.min(backoff.next(), longestWhenForbidden), resume: 'watch' }
      case 'broken':
        // Cut off rather than refused: by a restart, a load balancer.
        return { wait: unlessFirst(reason), resume: orList() }
      case 'silent':
      case 'timeout':
        return { wait: Math.min(unlessFirst(reason), longestAfterSilence), resume: orList() }
      default:
        return { wait: backoff.next(), resume: orList() }
    }
  }

  return {
    after(failure) {
      failures++
      return retry(failure)
    },
    succeeded() {
      failures = 0
    },
    get failures() {
      return failures
    },
  }
}
