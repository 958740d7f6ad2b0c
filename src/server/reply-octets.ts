/** From the outcome of a plugin chain to the octets that its client gets. */

import type { Message } from '../dns/message.ts'
import { finishReply } from '../dns/reply.ts'
import type { Outcome } from '../plugin/query.ts'
import { rcodeReply } from '../plugin/rcode-reply.ts'
import type { Miss } from './ingress.ts'

/**
 * `maxPayload`: `bufsize` of the block that took the query. Undefined for a dropped query. Throws when the message cannot
 * be written: a fault of the plugin that made it.
 */
export function replyOctets(
  outcome: Outcome,
  request: Message,
  miss: Pick<Miss, 'transport' | 'follow'>,
  maxPayload: number | undefined,
): Uint8Array | undefined {
  if (outcome.kind === 'drop') return undefined
  const reply = outcome.kind === 'reply' ? outcome.message : rcodeReply(outcome, request)
  const options = {
    transport: miss.transport,
    recursionDesired: outcome.recursionDesired,
    reserved: outcome.signer?.octets,
    ...(maxPayload !== undefined && { maxPayload }),
  }
  const finish = (message: Message): Uint8Array => {
    const octets = finishReply(message, request, options)
    return outcome.signer ? outcome.signer.sign(octets) : octets
  }
  // Each signature covers the one before it.
  const first = finish(reply)
  if (outcome.kind === 'reply' && outcome.moreMessages) {
    const { moreMessages } = outcome
    if (miss.follow) miss.follow(encodeEach(moreMessages, finish))
    else moreMessages.return?.()
  }
  return first
}

/** Not a generator: one that was never asked for a value would not pass `return` on. */
function encodeEach(messages: Iterator<Message>, encodeOne: (message: Message) => Uint8Array): Iterator<Uint8Array> {
  return {
    next() {
      const next = messages.next()
      return next.done ? { done: true, value: undefined } : { done: false, value: encodeOne(next.value) }
    },
    return() {
      messages.return?.()
      return { done: true, value: undefined }
    },
  }
}
