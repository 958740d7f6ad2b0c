/** From the outcome of a plugin chain to the octets that its client gets. */

import type { Message } from '../dns/message.ts'
import { finishReply } from '../dns/reply.ts'
import { type ExtendedErrorPolicy, extendedErrorFor } from '../plugin/extended-error.ts'
import type { Outcome } from '../plugin/query.ts'
import { rcodeReply } from '../plugin/rcode-reply.ts'
import type { Miss } from './ingress.ts'

/** What applies to every reply of the block that took the query, or of the listener if no block did. */
export interface BlockEffects {
  /** `bufsize` */
  readonly maxPayload: number | undefined
  /** `extended_errors` */
  readonly extendedErrors: ExtendedErrorPolicy
}

/** Undefined for a dropped query. Throws when the message cannot be encoded: a fault of the plugin that made it. */
export function replyOctets(
  outcome: Outcome,
  request: Message,
  miss: Pick<Miss, 'transport' | 'follow' | 'client'>,
  { maxPayload, extendedErrors }: BlockEffects,
): Uint8Array | undefined {
  if (outcome.kind === 'drop') return undefined
  const plain = outcome.kind === 'reply' ? outcome.message : rcodeReply(outcome, request)
  const reply = explained(plain, outcome, request, extendedErrors, miss.client.address)
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
  // Each TSIG covers the one before it.
  const first = finish(reply)
  if (outcome.kind === 'reply' && outcome.moreMessages) {
    const { moreMessages } = outcome
    if (miss.follow) miss.follow(encodeEach(moreMessages, finish))
    else moreMessages.return?.()
  }
  return first
}

/** Not a generator: a generator that was never started does not forward `return`. */
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

/** Adds the extended error for a client that uses EDNS. An error that a plugin has written itself is kept alone. */
function explained(
  reply: Message,
  { extendedError }: Outcome,
  request: Message,
  policy: ExtendedErrorPolicy,
  client: string,
): Message {
  if (extendedError === undefined || request.edns === undefined) return reply
  const option = extendedErrorFor(extendedError, policy, client)
  if (option === undefined) return reply
  const edns = reply.edns ?? { ...request.edns, version: 0, options: [] }
  if (edns.options.some(({ code }) => code === option.code)) return reply
  return { ...reply, edns: { ...edns, options: [...edns.options, option] } }
}
