/** One tap: sends messages about queries, replies and exchanges with upstreams. */

import type { Message } from '../../dns/message.ts'
import { finishReply } from '../../dns/reply.ts'
import { encodeMessage } from '../../dns/wire.ts'
import type { AnsweredQuery } from '../../plugin/observer.ts'
import { type Outcome, protocolOf, type Query } from '../../plugin/query.ts'
import { factsOf, factsOfAnswered } from '../../plugin/query-facts.ts'
import { compileFormat, hasMetadata, type QueryFacts } from '../../plugin/query-format.ts'
import { rcodeReply } from '../../plugin/rcode-reply.ts'
import type { EndedExchange } from '../forward/capability.ts'
import { encodeTap, messageType, type TapIdentity, type TapMessage } from './message.ts'
import type { Sink } from './sink.ts'

export interface Tap {
  query(query: Query): void
  /** Returns the outcome; that of a zone transfer taps each message as it is made. */
  outcome(query: Query, outcome: Outcome): Outcome
  answered(query: AnsweredQuery): void
  exchange(exchange: EndedExchange): void
}

export interface TapOptions extends TapIdentity {
  readonly full: boolean
  /** The format of the extra field; '' for none. */
  readonly extra: string
  /** Milliseconds since 1970 of a time of the monotonic clock; of now without one. */
  readonly wall: (monotonic?: number) => number
  readonly sink: () => Pick<Sink, 'wanted' | 'push'> | undefined
}

const nothing = new Uint8Array(0)
const largest = { limit: 0xffff }

export function createTap(options: TapOptions): Tap {
  const { full, wall } = options
  /** Without a sink no message is encoded. */
  const wanted = (): boolean => options.sink()?.wanted() === true
  const format = compileFormat(options.extra)
  const octetsOf = (message: Message): Uint8Array | undefined => (full ? encodeMessage(message, largest) : undefined)

  function send(message: TapMessage, facts: () => QueryFacts): void {
    const extra = options.extra === '' ? nothing : Buffer.from(format(facts()))
    options.sink()?.push(encodeTap(message, options, extra))
  }

  function respond(query: Query, message: Message, recursionDesired?: boolean): void {
    const { request, transport, client } = query
    send(
      {
        type: messageType.clientResponse,
        transport: protocolOf(transport),
        query: client,
        queriedAt: wall(query.receivedAt),
        respondedAt: wall(),
        responseMessage: full ? finishReply(message, request, { transport, recursionDesired }) : undefined,
      },
      () => factsOf(query),
    )
  }

  function tapEach(query: Query, messages: Iterator<Message>): Iterator<Message> {
    return {
      next() {
        const next = messages.next()
        if (!next.done) respond(query, next.value)
        return next
      },
      return() {
        messages.return?.()
        return { done: true, value: undefined }
      },
    }
  }

  return {
    query(query) {
      if (!wanted()) return
      send(
        {
          type: messageType.clientQuery,
          transport: protocolOf(query.transport),
          query: query.client,
          queriedAt: wall(query.receivedAt),
          queryMessage: octetsOf(query.request),
        },
        () => factsOf(query),
      )
    },
    outcome(query, outcome) {
      if (outcome.kind === 'drop' || !wanted()) return outcome
      if (outcome.kind === 'rcode') {
        respond(query, rcodeReply(outcome, query.request), outcome.recursionDesired)
        return outcome
      }
      respond(query, outcome.message, outcome.recursionDesired)
      if (outcome.moreMessages === undefined) return outcome
      return { ...outcome, moreMessages: tapEach(query, outcome.moreMessages) }
    },
    answered(query) {
      if (!wanted()) return
      const { transport, client, receivedAt, messages } = query
      const queriedAt = wall(receivedAt)
      const common = { transport, query: client, queriedAt }
      const facts = () => factsOfAnswered(query)
      send({ ...common, type: messageType.clientQuery, queryMessage: full ? messages?.request : undefined }, facts)
      const respondedAt = queriedAt + query.seconds * 1000
      const responseMessage = full ? messages?.reply : undefined
      send({ ...common, type: messageType.clientResponse, respondedAt, responseMessage }, facts)
    },
    exchange({ query, upstream, transport, local, startedAt, request, reply }) {
      if (!wanted()) return
      const queriedAt = wall(startedAt)
      const common = { transport, query: local, response: upstream, queriedAt }
      const facts = () => factsOf(query)
      const queryMessage = full ? withId(request, query.request.id) : undefined
      send({ ...common, type: messageType.forwarderQuery, queryMessage }, facts)
      if (reply === undefined) return
      const responseMessage = full ? withId(reply, query.request.id) : undefined
      send({ ...common, type: messageType.forwarderResponse, respondedAt: wall(), responseMessage }, facts)
    },
  }
}

/** Whether a tap needs a query's metadata, which answers of the data plane do not have. */
export const needsMetadata = ({ extra }: { readonly extra: string }): boolean => hasMetadata(extra)

/** As in CoreDNS a message of an exchange carries the ID of the client's query, not that of the connection. */
function withId(message: Uint8Array, id: number): Uint8Array {
  const copy = Uint8Array.from(message)
  copy[0] = id >> 8
  copy[1] = id
  return copy
}
