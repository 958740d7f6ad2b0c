/** What a reply means for a cache (docs/coredns-behaviour.md §5), and for how long it holds. */
import { opcode, rcode, type } from '../../dns/codes.ts'
import type { Message, ResourceRecord } from '../../dns/message.ts'
import { readUint32 } from '../../dns/values.ts'

/**
 * success, denial: kept in the cache of that name. failure: SERVFAIL and NOTIMP, kept among the denials for a short
 * time. none: not kept.
 */
export type Class = 'success' | 'denial' | 'failure' | 'none'

/** Seconds: what a reply without a TTL of its own gets, before it is clamped. */
const shortTtl = 5
/** Seconds: no reply holds longer. */
const longestTtl = 3600

export interface Classified {
  readonly kind: Class
  /** Seconds: the lowest TTL of the reply, or a short one where that means nothing. */
  readonly ttl: number
}

/** `wallSeconds`: seconds since 1970, to see which signatures have expired. */
export function classify(reply: Message, wallSeconds: number): Classified {
  const kind = typify(reply, wallSeconds)
  const timed = kind.kind === 'success' || kind.kind === 'denial'
  return { kind: kind.kind, ttl: timed && !kind.delegation ? lowestTtl(reply) : shortTtl }
}

interface Typified {
  readonly kind: Class
  readonly delegation?: boolean
}

function typify(reply: Message, wallSeconds: number): Typified {
  const asked = reply.questions[0]?.type
  if (reply.opcode !== opcode.QUERY || asked === type.AXFR || asked === type.IXFR) return { kind: 'none' }
  if (reply.edns?.dnssecOk && hasExpiredSignature(reply, wallSeconds)) return { kind: 'none' }
  const hasSoa = reply.authority.some((record) => record.type === type.SOA)
  switch (reply.rcode) {
    case rcode.NOERROR:
      if (reply.answer.length > 0) {
        if (!isUnfinishedChain(reply.answer, asked)) return { kind: 'success' }
        return { kind: hasSoa ? 'denial' : 'none' }
      }
      if (hasSoa) return { kind: 'denial' }
      return { kind: 'success', delegation: reply.authority.some((record) => record.type === type.NS) }
    case rcode.NXDOMAIN:
      return { kind: hasSoa && reply.answer.length === 0 ? 'denial' : 'none' }
    case rcode.SERVFAIL:
    case rcode.NOTIMP:
      return { kind: 'failure' }
    default:
      return { kind: 'none' }
  }
}

/** Aliases only, where something else was asked for: the answer says where to look on, not what is there. */
function isUnfinishedChain(answer: readonly ResourceRecord[], asked: number | undefined): boolean {
  if (asked === type.CNAME || asked === type.DNAME || asked === type.ANY || asked === type.RRSIG) return false
  return answer.every(({ type: each }) => each === type.CNAME || each === type.DNAME || each === type.RRSIG)
}

/** RFC 4034 §3.1.5: the expiration is the second of the two times. */
const expirationOffset = 8

function hasExpiredSignature({ answer, authority, additional }: Message, wallSeconds: number): boolean {
  return [...answer, ...authority, ...additional].some(
    (record) => record.type === type.RRSIG && readUint32(record.rdata, expirationOffset) < wallSeconds,
  )
}

function lowestTtl({ answer, authority, additional }: Message): number {
  if (answer.length + authority.length + additional.length === 0) return shortTtl
  let lowest = longestTtl
  for (const section of [answer, authority, additional]) for (const { ttl } of section) lowest = Math.min(lowest, ttl)
  return lowest
}
