/** Whether and for how long a reply may be cached (docs/coredns-behaviour.md §5). */
import { opcode, rcode, type } from '../../dns/codes.ts'
import type { Message } from '../../dns/message.ts'
import { hasInvalidSignature } from '../../dns/signatures.ts'
import { isAnswered } from './answered.ts'

/**
 * success, denial: cached under that kind. failure: SERVFAIL and NOTIMP, cached as denials for a short time. other: not
 * cached.
 */
export type Class = 'success' | 'denial' | 'failure' | 'other'

/** Seconds: the TTL of a reply without one, before it is clamped. */
const shortTtl = 5

export interface Classified {
  readonly kind: Class
  /** Whether it may be cached: a denial without SOA may not, nor may CNAMEs without their target (RFC 2308 §5). */
  readonly lasting: boolean
  /** Seconds: the lowest TTL of the reply, or a short one where no TTL of the reply counts. */
  readonly ttl: number
  /** The reply answers its question (answered.ts). */
  readonly answered: boolean
}

/** `wallSeconds`: seconds since 1970, to see which signatures have expired. */
export function classify(reply: Message, wallSeconds: number): Classified {
  const answered = isAnswered(reply)
  const hasSoa = reply.authority.some((record) => record.type === type.SOA)
  const kind = classOf(reply, wallSeconds, answered, hasSoa)
  const isAliasOnly = kind === 'success' && reply.answer.length > 0 && !answered
  return {
    kind,
    lasting: !reply.truncated && kind !== 'other' && (kind !== 'denial' || hasSoa) && !isAliasOnly,
    ttl: (kind === 'success' && !isDelegation(reply)) || kind === 'denial' ? lowestTtl(reply) : shortTtl,
    answered,
  }
}

function classOf(reply: Message, wallSeconds: number, answered: boolean, hasSoa: boolean): Class {
  const asked = reply.questions[0]?.type
  if (reply.opcode !== opcode.QUERY || asked === type.AXFR || asked === type.IXFR) return 'other'
  if (reply.edns?.dnssecOk && hasInvalidSignature(reply, wallSeconds)) return 'other'
  switch (reply.rcode) {
    case rcode.NOERROR:
      return hasSoa && !answered ? 'denial' : 'success'
    case rcode.NXDOMAIN:
      return reply.answer.length === 0 ? 'denial' : 'other'
    case rcode.SERVFAIL:
    case rcode.NOTIMP:
      return 'failure'
    default:
      return 'other'
  }
}

const isDelegation = ({ answer, authority }: Message): boolean =>
  answer.length === 0 && authority.some((record) => record.type === type.NS)

function lowestTtl({ answer, authority, additional }: Message): number {
  let lowest = Number.POSITIVE_INFINITY
  for (const section of [answer, authority, additional]) for (const { ttl } of section) lowest = Math.min(lowest, ttl)
  return lowest === Number.POSITIVE_INFINITY ? shortTtl : lowest
}
