/**
 * NSEC "black lies" (draft-valsorda-dnsop-black-lies): a missing name is denied as one that exists without the type
 * asked for.
 */
import { type } from '../../dns/codes.ts'
import type { ResourceRecord } from '../../dns/message.ts'
import { typesBitmap } from '../../dns/values.ts'
import { firstBelow, firstBeside, nsecRecord } from '../../dnssec/nsec.ts'

/** The types that CoreDNS claims for any name: a denial of one type must not deny the others. */
const anyName = [
  type.A,
  type.HINFO,
  type.TXT,
  type.AAAA,
  type.LOC,
  type.SRV,
  type.CERT,
  type.SSHFP,
  type.RRSIG,
  type.NSEC,
  type.TLSA,
  type.HIP,
  type.OPENPGPKEY,
  type.SPF,
]
const delegation = [...anyName, type.NS]
const apex = [...anyName, type.NS, type.SOA, type.MX, type.DNSKEY]

/** The bitmap of a list, and those of the list without one type. NSEC itself is always in. */
interface Bitmaps {
  readonly whole: Uint8Array
  readonly without: ReadonlyMap<number, Uint8Array>
}

function bitmapsOf(types: readonly number[]): Bitmaps {
  const others = types.filter((each) => each !== type.NSEC)
  const without = others.map((each) => [each, typesBitmap(types.filter((other) => other !== each))] as const)
  return { whole: typesBitmap(types), without: new Map(without) }
}

const bitmaps = { anyName: bitmapsOf(anyName), delegation: bitmapsOf(delegation), apex: bitmapsOf(apex) }

export interface DeniedQuestion {
  /** In its own case. */
  readonly qname: string
  readonly qtype: number
  /** The name is the zone's apex. */
  readonly atApex: boolean
}

/** For NODATA and NXDOMAIN. */
export function denial({ qname, qtype, atApex }: DeniedQuestion, ttl: number): ResourceRecord {
  const { whole, without } = bitmaps[atApex ? 'apex' : qtype === type.DS ? 'delegation' : 'anyName']
  return nsecRecord({ owner: qname, next: firstBelow(qname), bitmap: without.get(qtype) ?? whole, ttl })
}

/** A delegation without DS. Names below the cut are not this zone's to deny, so the record ends before them. */
export const insecureDelegation = (cut: string, ttl: number): ResourceRecord =>
  nsecRecord({ owner: cut, next: firstBeside(cut), bitmap: bitmaps.delegation.whole, ttl })
