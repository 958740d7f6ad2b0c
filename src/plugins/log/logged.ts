/** The facts of a log line, whether the table or the chain answered the query. */
import { rcode } from '../../dns/codes.ts'
import type { Message } from '../../dns/message.ts'
import { finishReply, replyTo } from '../../dns/reply.ts'
import type { AnsweredQuery } from '../../plugin/observer.ts'
import type { Outcome, Query } from '../../plugin/query.ts'
import { factsOf, factsOfAnswered } from '../../plugin/query-facts.ts'
import type { QueryFacts, ReplyFacts } from '../../plugin/query-format.ts'
import { messageOctets } from '../../plugin/size.ts'
import { classOf, type ReplyClass, type ReplyType, typeOf } from './classify.ts'

const TC = 0x0200

/**
 * As in CoreDNS 1.15, the query's size is without EDNS options if the server adds the OPT to a plugin's reply: CoreDNS
 * reuses the request's OPT for that and removes its options.
 */
export interface Logged extends QueryFacts {
  readonly seconds: number
}

/** A query of the chain. */
export function loggedOutcome(query: Query, chainReply: ChainReply, seconds: number): Logged {
  const { message, written } = chainReply
  const facts = factsOf(query)
  const { octets, limit } = facts
  return {
    ...facts,
    octets: written && message && !message.edns ? octets - optionOctets(query.request) : octets,
    reply: message && describe(query, message, octets, limit),
    seconds,
    metadata: query.metadata && withOwnLabels(query.metadata, chainReply),
  }
}

/** The labels that `log` itself sets, and those of the plugins of the block. */
function withOwnLabels(others: NonNullable<Query['metadata']>, reply: ChainReply): Query['metadata'] {
  return (label) => {
    if (label === 'log/type') return reply.type
    return label === 'log/class' ? reply.class : others(label)
  }
}

function optionOctets({ edns }: Message): number {
  return (edns?.options ?? []).reduce((octets, { data }) => octets + 4 + data.length, 0)
}

/** As in CoreDNS, the size is that before truncation, the flags are those after it. */
function describe({ request, transport }: Query, message: Message, asked: number, limit: number): ReplyFacts {
  const octets = messageOctets(message)
  // The OPT of a reply is no larger than the request, so most replies provably fit without being encoded.
  const cut = octets + asked > limit && (finishReply(message, request, { transport })[2] & 0x02) !== 0
  return { rcode: message.rcode, flags: flagsOf(message) | (cut ? TC : 0), octets }
}

/** A query that the table answered. */
export function loggedAnswer(query: AnsweredQuery): Logged {
  const reply = { rcode: query.rcode, flags: query.flags, octets: query.replyOctets }
  return { ...factsOfAnswered(query), reply, seconds: query.seconds }
}

/** As `classOf`: the table answers denials with SOA, and NOERROR. */
export const classOfAnswer = ({ denial }: AnsweredQuery): ReplyClass => (denial ? 'denial' : 'success')

export interface ChainReply {
  /** The client's reply; undefined when it gets none. */
  readonly message: Message | undefined
  readonly type: ReplyType
  readonly class: ReplyClass
  /** A plugin wrote it, not the server. */
  readonly written: boolean
}

/** `wallSeconds`: seconds since 1970. */
export function replyOf(query: Query, outcome: Outcome, wallSeconds: number): ChainReply {
  const message = messageOf(query, outcome)
  const type = typeOf(message, query.request.edns?.dnssecOk ?? false, wallSeconds)
  return { message, type, class: classOf(type), written: outcome.kind === 'reply' }
}

/** Rcodes for which the server writes the reply if no plugin did: that reply is logged. */
const serverWrites: ReadonlySet<number> = new Set([rcode.SERVFAIL, rcode.REFUSED, rcode.FORMERR, rcode.NOTIMP])

function messageOf(query: Query, outcome: Outcome): Message | undefined {
  if (outcome.kind === 'reply') return outcome.message
  if (outcome.kind === 'drop' || !serverWrites.has(outcome.rcode)) return undefined
  const reply = replyTo(query.request, { rcode: outcome.rcode })
  return { ...reply, recursionDesired: outcome.recursionDesired ?? reply.recursionDesired }
}

function flagsOf(message: Message): number {
  return (
    (message.response ? 0x8000 : 0) |
    (message.authoritative ? 0x0400 : 0) |
    (message.truncated ? TC : 0) |
    (message.recursionDesired ? 0x0100 : 0) |
    (message.recursionAvailable ? 0x0080 : 0) |
    (message.reserved ? 0x0040 : 0) |
    (message.authenticData ? 0x0020 : 0) |
    (message.checkingDisabled ? 0x0010 : 0)
  )
}
