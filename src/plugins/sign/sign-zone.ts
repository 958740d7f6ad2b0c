/** Signs a zone: adds NSEC and RRSIG records (RFC 4035 §2), as CoreDNS's sign does. */
import { dnsClass, type as rrType, typeName } from '../../dns/codes.ts'
import type { ResourceRecord } from '../../dns/message.ts'
import { lowerName, parentOf } from '../../dns/name.ts'
import { readSoa } from '../../dns/rdata.ts'
import { join, typesBitmap, uint32 } from '../../dns/values.ts'
import { childRecords } from '../../dnssec/ds.ts'
import type { SigningKey } from '../../dnssec/key.ts'
import { nsecRecord } from '../../dnssec/nsec.ts'
import { canonicalRRset, signRRset } from '../../dnssec/rrsig.ts'
import type { CooperativeScheduler } from '../../scheduling/cooperative-scheduler.ts'
import { canonicalKey } from '../../zone/zone.ts'

export interface SigningTerms {
  /** Lower case and absolute. */
  readonly zone: string
  readonly keys: readonly SigningKey[]
  readonly serial: number
  /** Seconds since 1970. */
  readonly inception: number
  readonly expiration: number
  /** Queries come before the zone. */
  readonly scheduler: CooperativeScheduler
}

type RRsets = Map<number, ResourceRecord[]>

/** Types that signing makes; those of the file are left out. */
const madeTypes: ReadonlySet<number> = new Set([rrType.DNSKEY, rrType.RRSIG, rrType.NSEC, rrType.CDS, rrType.CDNSKEY])

export interface UnsignedZone {
  /** Takes a record of the zone. */
  add(record: ResourceRecord): void
  /**
   * The records of the signed zone, name by name in canonical order, the apex and its SOA first. Signatures are made in
   * threads, one name at a time.
   */
  sign(terms: SigningTerms): AsyncGenerator<readonly ResourceRecord[], void, undefined>
}

export function createUnsignedZone(): UnsignedZone {
  const names = new Map<string, RRsets>()
  const put = (record: ResourceRecord): void => {
    const rrsets = names.get(record.name) ?? new Map<number, ResourceRecord[]>()
    names.set(record.name, rrsets)
    const rrset = rrsets.get(record.type)
    if (rrset) rrset.push(record)
    else rrsets.set(record.type, [record])
  }

  return {
    add(record) {
      if (!madeTypes.has(record.type)) put({ ...record, name: lowerName(record.name) })
    },
    async *sign(terms) {
      const { zone, keys, serial } = terms
      const apex = names.get(zone)
      const soa = apex?.get(rrType.SOA)?.[0]
      if (!apex || !soa) throw new RangeError(`there is no SOA record of ${zone}`)
      // The SOA must be the first record of the file.
      names.set(
        zone,
        new Map([[rrType.SOA, [withSerial(soa, serial)]], ...[...apex].filter(([each]) => each !== rrType.SOA)]),
      )
      for (const key of keys) {
        put({ ...key.record, name: zone, class: dnsClass.IN, ttl: soa.ttl })
        for (const each of childRecords(key, zone, soa.ttl)) put(each)
      }
      const { authoritative, others } = await inOrder(names, terms)
      const { minimum } = readSoa(soa.rdata)
      for (const [at, name] of authoritative.entries()) {
        const rrsets = names.get(name)!
        const next = authoritative[(at + 1) % authoritative.length]
        yield await signName(name, next, rrsets, terms, minimum)
      }
      for (const name of others) yield [...names.get(name)!.values()].flat()
    },
  }
}

/** Authoritative names, and names below delegations and DNAMEs (RFC 4035 §2.2), both in canonical order. */
async function inOrder(names: ReadonlyMap<string, RRsets>, { zone, scheduler }: SigningTerms) {
  const isCut = (name: string): boolean => {
    const rrsets = names.get(name)
    return rrsets !== undefined && ((name !== zone && rrsets.has(rrType.NS)) || rrsets.has(rrType.DNAME))
  }
  const isBelowCut = (name: string): boolean => {
    for (let at = name; at !== zone; ) {
      at = parentOf(at)
      if (isCut(at)) return true
    }
    return false
  }
  scheduler.begin()
  const sorted: { readonly name: string; readonly key: string }[] = []
  for (const name of names.keys()) {
    sorted.push({ name, key: canonicalKey(name) })
    if (scheduler.due) await scheduler.rest()
  }
  sorted.sort((one, other) => (one.key < other.key ? -1 : 1))
  const authoritative: string[] = []
  const others: string[] = []
  for (const { name } of sorted) {
    ;(isBelowCut(name) ? others : authoritative).push(name)
    if (scheduler.due) await scheduler.rest()
  }
  return { authoritative, others }
}

/** At a delegation only DS and NSEC are signed; NS and glue belong to the child. */
async function signName(
  name: string,
  next: string,
  rrsets: RRsets,
  terms: SigningTerms,
  nsecTtl: number,
): Promise<readonly ResourceRecord[]> {
  const isDelegation = name !== terms.zone && rrsets.has(rrType.NS)
  const own = [...rrsets.keys()].filter((each) => !isDelegation || each === rrType.NS || each === rrType.DS)
  const bitmap = typesBitmap([...own, rrType.RRSIG, rrType.NSEC])
  const nsec = nsecRecord({ owner: name, next, bitmap, ttl: nsecTtl })
  const signed: (readonly ResourceRecord[])[] = own
    .filter((each) => !(isDelegation && each === rrType.NS))
    .map((each) => rrsets.get(each)!)
  const sets = [...signed, [nsec]].map(withOneTtl)
  const unsigned = [...rrsets].flatMap(([each, rrset]) => (signed.includes(rrset) || each === rrType.NSEC ? [] : rrset))
  const signatures = await Promise.all(sets.map((rrset) => signSet(rrset, terms)))
  return [...sets.flatMap((rrset, at) => [...rrset, ...signatures[at]]), ...unsigned]
}

/** Octets of a message, which holds each set whole, and of a record beside its data, its owner a pointer. */
const maxSetOctets = 65_535
const recordHead = 12

/** RFC 2181 §5.2: the records of a set have one TTL. */
function withOneTtl(rrset: readonly ResourceRecord[]): readonly ResourceRecord[] {
  const octets = rrset.reduce((sum, { rdata }) => sum + recordHead + rdata.length, 0)
  if (octets > maxSetOctets) {
    const [{ name, type }] = rrset
    throw new RangeError(`the ${rrset.length} ${typeName(type)} records of ${name} are more than a message holds`)
  }
  const ttl = Math.min(...rrset.map((record) => record.ttl))
  return rrset.every((record) => record.ttl === ttl) ? rrset : rrset.map((record) => ({ ...record, ttl }))
}

async function signSet(rrset: readonly ResourceRecord[], terms: SigningTerms): Promise<readonly ResourceRecord[]> {
  const [record] = rrset
  const { ttl } = record
  const signing = { ...terms, signer: terms.zone, originalTtl: ttl }
  const canonical = canonicalRRset(rrset, ttl)
  const made = await Promise.all(terms.keys.map((key) => signRRset(key, record, canonical, signing)))
  return made.map((rdata) => ({ ...record, type: rrType.RRSIG, rdata }))
}

/** The serial is the fifth number from the end. */
function withSerial(soa: ResourceRecord, serial: number): ResourceRecord {
  const { rdata } = soa
  const at = rdata.length - 20
  return { ...soa, rdata: join(rdata.subarray(0, at), uint32(serial >>> 0), rdata.subarray(at + 4)) }
}
