/** The table's answers, for a transport that must survive our own bugs. */
import { DROP, MISS, type Responder } from '../answer/api.ts'

/** A message without a whole header cannot be answered at all. */
const headerBytes = 12
/** Milliseconds between two reports of a transport. */
const reportEvery = 1000

export interface FailureReports {
  /** Counts each failure. */
  readonly count: () => void
  /** Hears of a failure, at most once a second. */
  readonly report: (error: unknown) => void
  /** Milliseconds. */
  readonly now: () => number
}

/** `responder.answer`, but what throws costs no more than that one query a detour: the plugin chain is asked. */
export function guardAnswer(responder: Responder, { count, report, now }: FailureReports): Responder['answer'] {
  let reportedAt = Number.NEGATIVE_INFINITY
  return (request, start, end, space, transport, reply, replyStart) => {
    try {
      return responder.answer(request, start, end, space, transport, reply, replyStart)
    } catch (error) {
      count()
      if (now() - reportedAt > reportEvery) {
        reportedAt = now()
        report(error)
      }
      return end - start < headerBytes ? DROP : MISS
    }
  }
}
