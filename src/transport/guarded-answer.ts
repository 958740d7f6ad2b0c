/** The table's answers, for transports that must survive an exception in the responder. */
import { DROP, MISS, type Responder } from '../answer/api.ts'

/** A message without a complete header cannot be answered at all. */
const headerBytes = 12
/** Milliseconds between two reports of a transport. */
const reportEvery = 1000

export interface FailureReports {
  /** Counts every failure. */
  readonly count: () => void
  /** Called with a failure, at most once a second. */
  readonly report: (error: unknown) => void
  /** The time in milliseconds. */
  readonly now: () => number
}

/** Like `responder.answer`, but an exception becomes a miss: the plugin chain answers that query. */
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
