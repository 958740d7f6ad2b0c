/**
 * After a failed list or watch: how long to wait, and where to resume. Every failure is retried, at a pace that a server in
 * trouble survives.
 */
import type { Clock } from '../../scheduling/clock.ts'
import { createBackoff } from './backoff.ts'
import type { ApiFailure, FailureReason } from './failure.ts'
import type { EndsEarly } from './shared-waits.ts'
import { longestAfterSilence } from './timeouts.ts'

export interface Retry {
  /** Milliseconds to wait. */
  readonly wait: number
  /**
   * `watch`: from the last version seen, if there has been a list. `list`: list again, nothing older than that version.
   * `any`: list again, however stale the server's data is.
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
/** Failed watches in a row before listing again: the version that they start from may be the cause. */
const maxWatchFailures = 5
/** Milliseconds without a failure of a kind after which the next one counts as the first. */
const forgottenAfter = 10 * second
/** The longest Retry-After in milliseconds that is honoured: the server must not stop the watch for days. */
export const maxRetryAfter = 60 * second
/** Milliseconds. Whoever grants the missing right waits for the effect. */
const longestWhenForbidden = 10 * second

/** The server refused before doing any work, so a retry costs it as little. */
const refusals: readonly FailureReason[] = ['unauthorized', 'forbidden', 'throttled', 'server']

/** What may end the wait early. A list that broke in its middle has cost the server the work, so it is not used to probe. */
export function endsEarly({ reason, retryAfter }: ApiFailure, next: 'listing' | 'watching'): EndsEarly {
  if (retryAfter) return 'never'
  return next === 'watching' || refusals.includes(reason) ? 'probe' : 'success'
}

export function createRetryPolicy(clock: Clock): RetryPolicy {
  const backoff = createBackoff(clock)
  const failedAt = new Map<FailureReason, number>()
  let failures = 0

  /** Whether it is the first failure of its kind in a while: then the next attempt may succeed at once. */
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
        // An undecodable event may hide a change.
        return { wait: backoff.next(), resume: 'list' }
      case 'unauthorized':
        // Tokens are renewed: the retry reads the current one.
        return { wait: unlessFirst(reason), resume: 'watch' }
      case 'throttled':
        // `Retry-After: 0` would cause a loop without pauses.
        return { wait: retryAfter ? Math.min(retryAfter, maxRetryAfter) : backoff.next(), resume: 'watch' }
      case 'forbidden':
        return { wait: Math.min(backoff.next(), longestWhenForbidden), resume: 'watch' }
      case 'broken':
        // Cut off rather than refused: by a restart or a load balancer.
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
