/** Judges every answer: what was never true is wrong; the rest of what a client may suffer is counted. */
import type { Heard } from './asker.ts'
import type { Model } from './model.ts'
import { isOutside, type OutsideNames } from './outside-names.ts'

export interface Counts {
  answers: number
  /** Answers that were true at no moment that the server may speak of, NXDOMAIN and NODATA among them. */
  wrong: number
  /** SERVFAIL, and whatever else is no answer. */
  failed: number
  /** Tries without a reply, of those outside of a documented window. */
  lost: number
  /** Questions without a reply to two tries. */
  missing: number
  /** Processes that ended by themselves. */
  crashes: number
  /** Milliseconds since the oldest answer was true last, when it was asked for. */
  oldest: number
  /** Milliseconds from the end of faults until every name was right, the longest. Infinity: not within the time allowed. */
  recovery: number
}

export const noCounts = (): Counts => ({
  answers: 0,
  wrong: 0,
  failed: 0,
  lost: 0,
  missing: 0,
  crashes: 0,
  oldest: 0,
  recovery: 0,
})

export interface Judge {
  readonly counts: Counts
  /** What is wrong, in words: the first fifty. */
  readonly failures: readonly string[]
  /** `since`: from when on the server may not have heard of what was true. */
  hear(answer: Heard, since: number): void
  lose(name: string, asked: number): void
  miss(name: string, asked: number): void
  fail(text: string): void
}

export const servfail = 2
const nxdomain = 3
const mostFailures = 50

/**
 * Times in what is wrong are those of `performance`, as in the report of the faults. `upstreamsMayFail`: the upstreams are in the test's own process, and did not answer
 * while it had no turn.
 */
export function createJudge(model: Model, outside: OutsideNames, upstreamsMayFail: () => boolean): Judge {
  const counts = noCounts()
  const failures: string[] = []

  const fail = (text: string): void => {
    if (failures.length < mostFailures) failures.push(text)
  }

  function faultInside({ name, rcode, addresses, heardAt }: Heard, since: number): string | undefined {
    if (rcode === 0 && addresses.length === 0) return 'NODATA'
    return model.faultOf(name, addresses, since, heardAt)
  }

  return {
    counts,
    failures,
    hear(answer, since) {
      counts.answers++
      const { name, rcode, addresses, sentAt, asked, answered, isExcused } = answer
      const when = `asked at ${Math.round(asked)} ms, answered at ${Math.round(answered)} ms`
      if (rcode !== 0 && rcode !== nxdomain) {
        // What waited behind more than the server can do is refused.
        if (isOutside(name) && rcode === servfail && (isExcused || upstreamsMayFail())) return
        counts.failed++
        fail(`${name} is answered rcode ${rcode}, ${when}`)
        return
      }
      if (!isOutside(name)) counts.oldest = Math.max(counts.oldest, model.ageOf(name, addresses, sentAt) ?? 0)
      const fault = isOutside(name) ? outside.faultOf(answer) : faultInside(answer, since)
      if (fault === undefined) return
      counts.wrong++
      fail(`${name} is answered ${fault}, ${when}`)
    },
    lose(name, asked) {
      counts.lost++
      fail(`${name} has no reply to one try, asked at ${Math.round(asked)} ms`)
    },
    miss(name, asked) {
      counts.missing++
      fail(`${name} has no answer, asked at ${Math.round(asked)} ms`)
    },
    fail,
  }
}
