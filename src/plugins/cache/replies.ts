/** Replies on their way into the cache and out of it. */
import { opcode } from '../../dns/codes.ts'
import type { Message, ResourceRecord } from '../../dns/message.ts'
import { replyTo } from '../../dns/reply.ts'
import { encodeMessage, parseMessage } from '../../dns/wire.ts'
import type { Query } from '../../plugin/query.ts'
import { messageOctets } from '../../plugin/size.ts'
import type { Entry } from './store.ts'

/** Questions with one key share an answer. Who asks, how, and RD and AD make no difference. */
export const cacheKey = (query: Query): string =>
  `${query.name} ${query.qtype} ${query.qclass} ${wantsDnssec(query) ? 1 : 0}${query.request.checkingDisabled ? 1 : 0}`

const wantsDnssec = (query: Query): boolean => query.request.edns?.dnssecOk ?? false

/** AD is for those who show that they understand it (RFC 6840 §5.7, §5.8). */
const understandsAd = (query: Query): boolean => wantsDnssec(query) || query.request.authenticData

/** Whether the reply answers the query's question. */
export function answersQuestion({ questions }: Message, query: Query): boolean {
  if (questions.length !== 1) return false
  const [{ name, type, class: questionClass }] = questions
  return type === query.qtype && questionClass === query.qclass && name.toLowerCase() === query.name
}

/** The reply as it goes on: one TTL for all records, no OPT, AD only for those who understand it. */
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

/** An entry for `reply`; `key` is the query's. */
export function createEntry(
  reply: Message,
  key: string,
  query: Query,
  ttl: number,
  now: number,
  failure: boolean,
): Entry {
  const kept: Message = { ...flattened(reply, ttl, query), authenticData: reply.authenticData }
  return {
    key,
    name: query.name,
    type: query.qtype,
    class: query.qclass,
    dnssecOk: wantsDnssec(query),
    checkingDisabled: query.request.checkingDisabled,
    wire: encodeMessage(kept, { limit: 0xffff }),
    octets: messageOctets(kept),
    rcode: kept.rcode,
    authenticData: reply.authenticData,
    failure,
    storedAt: now,
    ttl,
    hits: 0,
    lastHitAt: now,
    refreshing: false,
    recheckAt: 0,
  }
}

/** The answer that an entry gives to a query. AA is that of the reply that was kept, as in CoreDNS 1.15. */
export function replyFrom(entry: Entry, query: Query, ttl: number): Message {
  const kept = parseMessage(entry.wire)
  return {
    ...replyTo(query.request, { rcode: entry.rcode, authoritative: kept.authoritative }),
    recursionAvailable: kept.recursionAvailable,
    authenticData: entry.authenticData && understandsAd(query),
    answer: withTtl(kept.answer, ttl),
    authority: withTtl(kept.authority, ttl),
    additional: withTtl(kept.additional, ttl),
  }
}

/**
 * The query as it goes on to the next plugin: always with AD, so that the answer is complete for every later client.
 */
export const askingForAd = (query: Query): Query =>
  query.request.authenticData ? query : { ...query, request: { ...query.request, authenticData: true } }

export const isCacheable = ({ request }: Query): boolean => request.opcode === opcode.QUERY
