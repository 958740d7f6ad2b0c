/** RRSIG records (RFC 4034 §3), and the canonical form of the signed records (RFC 4034 §6). */
import { type as rrType } from '../dns/codes.ts'
import { fieldEnd, layoutOf } from '../dns/layout.ts'
import type { ResourceRecord } from '../dns/message.ts'
import { labelsOf, lowerName, nameEnd, nameToWire, wireToName } from '../dns/name.ts'
import { join, uint16, uint32 } from '../dns/values.ts'
import type { SigningKey } from './key.ts'

export interface SignatureTerms {
  /** The zone whose key signs: lower case and absolute. */
  readonly signer: string
  /** Seconds. Validators substitute it for the TTL that a cache has decremented (RFC 4034 §3.1.4). */
  readonly originalTtl: number
  /** Seconds since 1970, modulo 2^32 on the wire (RFC 4034 §3.1.5). */
  readonly inception: number
  readonly expiration: number
}

/** Records of one name, class and type; at least one. */
export type RRset = readonly ResourceRecord[]

/** The signed form: equal for sets that differ only in order, TTL, or the case of names. */
export function canonicalRRset(rrset: RRset, originalTtl: number): Uint8Array {
  const [{ name, type, class: rrClass }] = rrset
  const head = join(nameToWire(lowerName(name)), uint16(type), uint16(rrClass), uint32(originalTtl))
  const all = rrset.map((record) => canonicalRdata(record)).sort(Buffer.compare)
  // RFC 4034 §6.3: duplicate records count once.
  const distinct = all.filter((rdata, at) => at === 0 || Buffer.compare(rdata, all[at - 1]) !== 0)
  return join(...distinct.flatMap((rdata) => [head, uint16(rdata.length), rdata]))
}

/** Types whose names keep their case: RFC 6840 §5.1, and types newer than RFC 4034 §6.2. */
const keepsCase: ReadonlySet<number> = new Set([rrType.NSEC, rrType.SVCB, rrType.HTTPS])

function canonicalRdata({ type, rdata }: ResourceRecord): Uint8Array {
  const layout = layoutOf(type)
  if (!layout?.hasNames || keepsCase.has(type)) return rdata
  const parts: Uint8Array[] = []
  let at = 0
  for (const field of layout.fields) {
    const end = field === 'name' ? nameEnd(rdata, at, rdata.length) : fieldEnd(field, rdata, at, rdata.length)
    parts.push(field === 'name' ? nameToWire(lowerName(wireToName(rdata, at))) : rdata.subarray(at, end))
    at = end
  }
  return join(...parts)
}

/** The rdata of the RRSIG. `canonical`: the canonical set. `record`: any record of the set. */
export async function signRRset(
  key: SigningKey,
  record: ResourceRecord,
  canonical: Uint8Array,
  terms: SignatureTerms,
): Promise<Uint8Array> {
  const head = headOf(key, record, terms)
  return join(head, await key.sign(join(head, canonical)))
}

/** The same synchronously; `key` must support it. */
export function signRRsetAtOnce(
  key: SigningKey,
  record: ResourceRecord,
  canonical: Uint8Array,
  terms: SignatureTerms,
): Uint8Array {
  const head = headOf(key, record, terms)
  return join(head, key.signAtOnce!(join(head, canonical)))
}

/** The part before the signature, which is signed together with the set. */
function headOf(
  { algorithm, tag }: SigningKey,
  { name, type }: ResourceRecord,
  { signer, originalTtl, inception, expiration }: SignatureTerms,
): Uint8Array {
  return join(
    uint16(type),
    Uint8Array.of(algorithm, labelCount(name)),
    uint32(originalTtl),
    uint32(expiration >>> 0),
    uint32(inception >>> 0),
    uint16(tag),
    nameToWire(signer),
  )
}

/** RFC 4034 §3.1.3: the label of a wildcard is not counted. */
const labelCount = (name: string): number => labelsOf(name).length - (name.startsWith('*.') ? 1 : 0)
