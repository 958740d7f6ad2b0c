/**
 * Questions that no upstream could answer, kept for a short time so that those who ask again do not wait again, and the
 * upstreams have rest (RFC 9520 §3.2). They are those of one `forward`: other upstreams may know better.
 */
import { rcode } from '../../dns/codes.ts'
import type { Clock } from '../../scheduling/clock.ts'
import { NoPlace } from '../../upstream/places.ts'
import type { ExchangeResult } from '../../upstream/question.ts'

export interface Failures {
  /** None is kept: there is nothing to look for. */
  readonly empty: boolean
  /** The failure that the question of this key has for now. */
  get(key: string): ExchangeResult | undefined
  /**
   * Takes the result of an exchange: a failure is kept, anything else ends the one before it. Gives the time, on the
   * monotonic clock, until which it is kept.
   */
  note(key: string, result: ExchangeResult): number | undefined
}

export interface FailuresOptions {
  readonly clock: Clock
  /** How often upstreams have come back: no failure from before holds then. */
  readonly recoveries: () => number
  /** Counts failures that make room for others. */
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
const mostFailures = 1024

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
      // A question goes on failing if it fails again soon after the end of its last failure.
      const goesOn = before !== undefined && now < before.until + before.lasts && before.recoveries === recoveries()
      const lasts = goesOn ? Math.min(longest, 2 * before.lasts) : shortest
      if (kept.size >= mostFailures) {
        kept.delete(kept.keys().next().value!)
        onEvicted()
      }
      kept.set(key, { result: failed, lasts, until: now + lasts, recoveries: recoveries() })
      return now + lasts
    },
  }
}

/** The result as it may be repeated, if it is a failure of the upstreams: a bound of ours says nothing about them. */
function failureOf(result: ExchangeResult): ExchangeResult | undefined {
  if (result.kind !== 'answer') return result.kind === 'failed' && result.error instanceof NoPlace ? undefined : result
  if (result.message.rcode !== rcode.SERVFAIL) return undefined
  return { ...result, message: { ...result.message, answer: [], authority: [], additional: [] } }
}
