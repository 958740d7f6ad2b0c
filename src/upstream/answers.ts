/** Whether octets that came from a server are the answer to a question (RFC 5452 §4, §9.1). */
import type { Message, Question } from '../dns/message.ts'
import { ParseError, parseMessage } from '../dns/wire.ts'

/**
 * `other`: a message with the right ID that answers no question, or another one. Over UDP it may be forged, so it must
 * not end the wait.
 */
export type ReplyVerdict = { readonly kind: 'answer'; readonly message: Message } | { readonly kind: 'other' }

const other: ReplyVerdict = { kind: 'other' }

/** The ID is the connection's matter; `question` is the one that was sent. */
export function classifyReply(bytes: Uint8Array, question: Question): ReplyVerdict {
  try {
    const message = parseMessage(bytes)
    return answers(message, question) ? { kind: 'answer', message } : other
  } catch (error) {
    if (!(error instanceof ParseError)) throw error
    // Cut or damaged behind the question: as CoreDNS, an empty answer with TC, so that the client asks over TCP.
    const { partial } = error
    return partial && answers(partial, question) ? { kind: 'answer', message: { ...partial, truncated: true } } : other
  }
}

/** Some servers send the name back in lower case, so case does not count. */
function answers(reply: Message, question: Question): boolean {
  if (!reply.response || reply.questions.length !== 1) return false
  const [asked] = reply.questions
  return (
    asked.type === question.type &&
    asked.class === question.class &&
    (asked.name === question.name || asked.name.toLowerCase() === question.name.toLowerCase())
  )
}
