/** NSEC "black lies" (draft-valsorda-dnsop-black-lies): a name that is denied exists, without the type that was asked for. */
import { type } from '../../dns/codes.ts'
import type { ResourceRecord } from '../../dns/message.ts'
import { firstBelow, firstBeside, nsecRecord } from '../../dnssec/nsec.ts'

/** What CoreDNS says that any name has: an answer for one type must not deny the others. */
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

export interface DeniedQuestion {
  /** In its own case. */
  readonly qname: string
  readonly qtype: number
  /** It is the zone's own name. */
  readonly atApex: boolean
}

/** For NODATA and NXDOMAIN. */
export function denial({ qname, qtype, atApex }: DeniedQuestion, ttl: number): ResourceRecord {
  const all = atApex ? apex : qtype === type.DS ? delegation : anyName
  // NSEC itself is there; and DS is in no list.
  const types = qtype === type.NSEC ? all : all.filter((each) => each !== qtype)
  return nsecRecord({ owner: qname, next: firstBelow(qname), types, ttl })
}

/** A delegation without DS. Names below the cut are not this zone's to deny, so the record ends before them. */
export const insecureDelegation = (cut: string, ttl: number): ResourceRecord =>
  nsecRecord({ owner: cut, next: firstBeside(cut), types: delegation, ttl })
