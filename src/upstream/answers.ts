/** Decides whether octets received from a server answer a question (RFC 5452 §4, §9.1). */
import { rcode } from '../dns/codes.ts'
import type { Message, Question } from '../dns/message.ts'
import { ParseError, parseMessage } from '../dns/wire.ts'

/**
 * `other`: a message with the right ID but no question, or a different one. Over UDP it may be forged, so it must not end
 * the wait.
 */
export type ReplyVerdict = { readonly kind: 'answer'; readonly message: Message } | { readonly kind: 'other' }

const other: ReplyVerdict = { kind: 'other' }

/** `bytes` carry the ID that was sent: the connection has checked that. `question` is the one that was sent. */
export function classifyReply(bytes: Uint8Array, question: Question): ReplyVerdict {
  try {
    const message = parseMessage(bytes)
    return answers(message, question) ? { kind: 'answer', message } : other
  } catch (error) {
    if (!(error instanceof ParseError)) throw error
    // Truncated or malformed after the question: like CoreDNS, an empty answer with TC, so that the client retries over TCP.
    const { partial } = error
    return partial && answers(partial, question) ? { kind: 'answer', message: { ...partial, truncated: true } } : other
  }
}

/**
 * Case is ignored: some servers return the name in lower case. An error response without a question counts as an answer,
 * because servers without EDNS support send it (FORMERR, NOTIMP); a forger still has to guess port and ID.
 */
function answers(reply: Message, question: Question): boolean {
  if (!reply.response) return false
  if (isBareError(reply)) return true
  if (reply.questions.length !== 1) return false
  const [asked] = reply.questions
  return (
    asked.type === question.type &&
    asked.class === question.class &&
    (asked.name === question.name || asked.name.toLowerCase() === question.name.toLowerCase())
  )
}

function isBareError({ questions, answer, authority, rcode: code }: Message): boolean {
  const records = questions.length + answer.length + authority.length
  return records === 0 && code !== rcode.NOERROR && code !== rcode.NXDOMAIN
}
