/** Replies on their way into the cache and out of it. */
import { opcode } from '../../dns/codes.ts'
import type { Message, ResourceRecord } from '../../dns/message.ts'
import { replyTo } from '../../dns/reply.ts'
import { encodeMessage, parseMessage } from '../../dns/wire.ts'
import type { Query, Reply } from '../../plugin/query.ts'
import { messageOctets } from '../../plugin/size.ts'
import type { Entry } from './store.ts'

/** Questions with one key share an answer. The client, the transport, RD and AD make no difference. */
export const cacheKey = (query: Query): string =>
  `${query.qtype} ${query.qclass} ${wantsDnssec(query) ? 1 : 0}${query.request.checkingDisabled ? 1 : 0} ${query.name}`

/** The parts of a key. */
export interface KeyParts {
  /** Lower case, absolute. */
  readonly name: string
  readonly type: number
  readonly class: number
  readonly dnssecOk: boolean
  readonly checkingDisabled: boolean
}

export function keyParts(key: string): KeyParts {
  const [type, qclass, flags] = key.split(' ', 3)
  return {
    name: key.slice(type.length + qclass.length + flags.length + 3),
    type: Number(type),
    class: Number(qclass),
    dnssecOk: flags[0] === '1',
    checkingDisabled: flags[1] === '1',
  }
}

const wantsDnssec = (query: Query): boolean => query.request.edns?.dnssecOk ?? false

/** AD is set only for clients that show that they understand it (RFC 6840 §5.7, §5.8). */
const understandsAd = (query: Query): boolean => wantsDnssec(query) || query.request.authenticData

/** Whether the reply is to the query's question. */
export function repeatsQuestion({ questions }: Message, query: Query): boolean {
  if (questions.length !== 1) return false
  const [{ name, type, class: questionClass }] = questions
  return type === query.qtype && questionClass === query.qclass && name.toLowerCase() === query.name
}

/** The reply for the client: one TTL for all records, no OPT, AD only for clients that understand it. */
export function flattened(reply: Message, ttl: number, query: Query): Message {
  return {
    ...reply,
    answer: withTtl(reply.answer, ttl),
    authority: withTtl(reply.authority, ttl),
    additional: withTtl(reply.additional, ttl),
    authenticData: reply.authenticData && understandsAd(query),
    edns: undefined,
  }
}

const withTtl = (records: readonly ResourceRecord[], ttl: number): ResourceRecord[] =>
  records.map((record) => ({ ...record, ttl }))

export interface EntryFacts {
  /** Seconds. */
  readonly ttl: number
  /** Milliseconds of the monotonic clock. */
  readonly now: number
  readonly answered: boolean
  readonly failures: number
  readonly recoveries: number
  readonly lastAnswer: Entry | undefined
}

/** The label that `file` sets on an answer, and `cache` on a hit. */
export const wildcardLabel = 'zone/wildcard'

/** An entry for `reply`. */
export function createEntry(
  reply: Message,
  query: Query,
  { ttl, now, answered, failures, recoveries, lastAnswer }: EntryFacts,
): Entry {
  const kept: Message = { ...flattened(reply, ttl, query), authenticData: reply.authenticData }
  const octets = encodeMessage(kept, { limit: 0xffff })
  return {
    wire: Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('latin1'),
    octets: messageOctets(kept),
    rcode: kept.rcode,
    authenticData: reply.authenticData,
    failures,
    recoveries,
    answered,
    storedAt: now,
    ttl,
    hits: 0,
    lastHitAt: now,
    refreshing: false,
    recheckAt: 0,
    lastAnswer,
    wildcard: query.metadata?.(wildcardLabel),
  }
}

/** The octets of the reply that is kept. */
export const wireOf = (entry: Entry): Uint8Array => Buffer.from(entry.wire, 'latin1')

/** The answer that an entry gives to a query. AA is that of the cached reply, as in CoreDNS 1.15. */
export function replyFrom(entry: Entry, query: Query, ttl: number): Reply {
  const kept = parseMessage(wireOf(entry))
  const message = {
    ...replyTo(query.request, { rcode: entry.rcode, authoritative: kept.authoritative }),
    recursionAvailable: kept.recursionAvailable,
    authenticData: entry.authenticData && understandsAd(query),
    answer: withTtl(kept.answer, ttl),
    authority: withTtl(kept.authority, ttl),
    additional: withTtl(kept.additional, ttl),
  }
  return { kind: 'reply', message, plugin: 'cache' }
}

/** The query for the next plugin: always with AD, so that the answer is complete for every later client. */
export const askingForAd = (query: Query): Query =>
  query.request.authenticData ? query : { ...query, request: { ...query.request, authenticData: true } }

export const isCacheable = ({ request }: Query): boolean => request.opcode === opcode.QUERY
