/**
 * Questions that no upstream could answer, kept for a short time so that clients that ask again do not wait, and the
 * upstreams are spared (RFC 9520 §3.2). Each `forward` has its own, because other upstreams may have an answer.
 */
import { rcode } from '../../dns/codes.ts'
import type { Clock } from '../../scheduling/clock.ts'
import { NoPlace } from '../../upstream/places.ts'
import type { ExchangeResult } from '../../upstream/question.ts'

export interface Failures {
  /** No failure is kept. */
  readonly empty: boolean
  /** The current failure of the question with this key. */
  get(key: string): ExchangeResult | undefined
  /**
   * Takes the result of an exchange: a failure is kept, any other result removes the kept one. Returns the time, on the
   * monotonic clock, until which it is kept.
   */
  note(key: string, result: ExchangeResult): number | undefined
}

export interface FailuresOptions {
  readonly clock: Clock
  /** How often upstreams have recovered: earlier failures no longer hold then. */
  readonly recoveries: () => number
  /** Counts failures that are dropped for newer ones. */
  readonly onEvicted: () => void
}

interface Failure {
  readonly result: ExchangeResult
  /** Milliseconds that it is kept. */
  readonly lasts: number
  readonly until: number
  readonly recoveries: number
}

/** Milliseconds: the first failure of a question, and the longest (RFC 9520 §3.2: from a second to five minutes). */
const shortest = 1000
const longest = 5000

/** Failures of one `forward`, of some 300 octets each. */
const maxFailures = 1024

export function createFailures({ clock, recoveries, onEvicted }: FailuresOptions): Failures {
  /** In the order in which they were kept. */
  const kept = new Map<string, Failure>()
  return {
    get empty() {
      return kept.size === 0
    },
    get(key) {
      const failure = kept.get(key)
      if (!failure || failure.recoveries !== recoveries()) return undefined
      return clock.now() < failure.until ? failure.result : undefined
    },
    note(key, result) {
      const before = kept.get(key)
      kept.delete(key)
      const failed = failureOf(result)
      if (!failed) return undefined
      const now = clock.now()
      // It is the same failure if the question fails again soon after the last one expired.
      const goesOn = before !== undefined && now < before.until + before.lasts && before.recoveries === recoveries()
      const lasts = goesOn ? Math.min(longest, 2 * before.lasts) : shortest
      if (kept.size >= maxFailures) {
        kept.delete(kept.keys().next().value!)
        onEvicted()
      }
      kept.set(key, { result: failed, lasts, until: now + lasts, recoveries: recoveries() })
      return now + lasts
    },
  }
}

/** The result to repeat, if the upstreams failed. A bound of this server says nothing about them. */
function failureOf(result: ExchangeResult): ExchangeResult | undefined {
  if (result.kind !== 'answer') return result.kind === 'failed' && result.error instanceof NoPlace ? undefined : result
  if (result.message.rcode !== rcode.SERVFAIL) return undefined
  return { ...result, message: { ...result.message, answer: [], authority: [], additional: [] } }
}
