/** Whether octets that came from a server are the answer to a question (RFC 5452 §4, §9.1). */
import { rcode } from '../dns/codes.ts'
import type { Message, Question } from '../dns/message.ts'
import { ParseError, parseMessage } from '../dns/wire.ts'

/**
 * `other`: a message with the right ID that has no question, or another one. Over UDP it may be forged, so it must not
 * end the wait.
 */
export type ReplyVerdict = { readonly kind: 'answer'; readonly message: Message } | { readonly kind: 'other' }

const other: ReplyVerdict = { kind: 'other' }

/** `bytes` have the ID that was sent, which is the connection's to check; `question` is the one that was sent. */
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

/**
 * Some servers send the name back in lower case, so case does not count. A header with an error and no question is an
 * answer too: servers that do not know EDNS send it (FORMERR, NOTIMP). Port and ID stay for a forger to guess.
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
