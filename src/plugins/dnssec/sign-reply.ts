/**
 * Decides which sets of a reply are signed, and by which zone, as CoreDNS's dnssec does (docs/coredns-behaviour.md
 * §11).
 */
import { opcode, rcode, type as rrType } from '../../dns/codes.ts'
import type { Message, ResourceRecord } from '../../dns/message.ts'
import { lowerName } from '../../dns/name.ts'
import { hasInvalidSignature } from '../../dns/signatures.ts'
import type { RRset } from '../../dnssec/rrsig.ts'
import type { Query } from '../../plugin/query.ts'
import { denial, insecureDelegation } from './denial.ts'
import type { SetToSign, Signed } from './signatures.ts'

type Section = 'answer' | 'authority' | 'additional'

interface PlannedSet extends SetToSign {
  readonly section: Section
  /** Seconds: of the RRSIG records. */
  readonly ttl: number
}

/** How a reply is signed. */
export interface SigningPlan {
  readonly sets: readonly PlannedSet[]
  /** The reply with the signatures of `sets`, in their order. */
  finish(signed: readonly Signed[]): Message
}

export interface SignedZones {
  /** The innermost zone of the plugin that has the name, which is lower case. */
  zoneOf(name: string): string | undefined
  /** Seconds since 1970. */
  now(): number
}

/** `zone`: that of the question. */
export function planSigning(query: Query, message: Message, zone: string, zones: SignedZones): SigningPlan {
  switch (kindOf(query, message, zones.now())) {
    case 'delegation':
      return delegationPlan(message, zone)
    case 'denial':
      return denialPlan(query, message, zone)
    case 'records':
      return recordsPlan(message, zones)
  }
}

/** As CoreDNS classifies replies: one with expired signatures is signed like one with records. */
function kindOf(query: Query, message: Message, now: number): 'delegation' | 'denial' | 'records' {
  const { answer, authority, rcode: code } = message
  const isTransfer = query.qtype === rrType.AXFR || query.qtype === rrType.IXFR
  if (message.opcode !== opcode.QUERY || isTransfer || answer.length > 0) return 'records'
  if (hasInvalidSignature(message, now)) return 'records'
  const hasSoa = authority.some(({ type }) => type === rrType.SOA)
  if (code === rcode.NXDOMAIN || (code === rcode.NOERROR && hasSoa)) return 'denial'
  const isReferral = code === rcode.NOERROR && authority.some(({ type }) => type === rrType.NS)
  return isReferral ? 'delegation' : 'records'
}

/**
 * Signs the DS records, or the proof that there are none. NS records of a delegation belong to the child (RFC 4035
 * §2.2).
 */
function delegationPlan(message: Message, zone: string): SigningPlan {
  const { authority } = message
  const [{ ttl }] = authority
  const ds = authority.filter(({ type }) => type === rrType.DS)
  const cut = authority.find(({ type }) => type === rrType.NS)!.name
  const rrset = ds.length > 0 ? ds : [insecureDelegation(cut, ttl)]
  const made = ds.length > 0 ? [] : rrset
  const set: PlannedSet = { rrset, signer: zone, section: 'authority', ttl }
  return {
    sets: [set],
    finish: ([signed]) => ({ ...message, authority: [...authority, ...rrsigs(set, signed), ...made] }),
  }
}

/** A reply with anything but one SOA record (as of a zone that is signed already) stays as it is. */
function denialPlan({ qname, name, qtype }: Query, message: Message, zone: string): SigningPlan {
  const { authority } = message
  const [soa] = authority
  if (authority.length !== 1 || soa.type !== rrType.SOA) return { sets: [], finish: () => message }
  const nsec = denial({ qname, qtype, atApex: name === zone }, soa.ttl)
  const common = { signer: zone, section: 'authority', ttl: soa.ttl } as const
  const sets = [
    { ...common, rrset: [soa] },
    { ...common, rrset: [nsec] },
  ]
  return {
    sets,
    finish([soaSigned, nsecSigned]) {
      const proof = [...rrsigs(sets[1], nsecSigned), nsec]
      // A query for the NSEC record itself gets it as the answer.
      if (qtype === rrType.NSEC) return { ...message, rcode: rcode.NOERROR, answer: proof, authority: [] }
      const all = [soa, ...rrsigs(sets[0], soaSigned), ...proof]
      return { ...message, rcode: rcode.NOERROR, authority: all }
    },
  }
}

/** Octets of the largest message: sets beyond that are cut off, and need no signature. */
const maxOctets = 65_535

/** The least octets of a record: a compression pointer for its name, and for names in its rdata. */
const recordOctets = 14
/** As above: the fixed part of an RRSIG's rdata, a signer, and the signature of the smallest key. */
const signatureOctets = recordOctets + 18 + 1 + 64

function recordsPlan(message: Message, zones: SignedZones): SigningPlan {
  let octets = 0
  const sets = (['answer', 'authority', 'additional'] as const).flatMap((section) =>
    setsIn(message[section]).flatMap((rrset): PlannedSet[] => {
      octets += rrset.length * recordOctets + signatureOctets
      const signer = zones.zoneOf(lowerName(rrset[0].name))
      if (signer === undefined || octets > maxOctets) return []
      return [{ rrset, signer, section, ttl: rrset[0].ttl }]
    }),
  )
  return {
    sets,
    finish(signed) {
      const sections = {
        answer: [...message.answer],
        authority: [...message.authority],
        additional: [...message.additional],
      }
      for (const [at, set] of sets.entries()) {
        const records = sections[set.section]
        // Records from an internal lookup are signed already.
        for (const each of rrsigs(set, signed[at]))
          if (!records.some((other) => isSame(each, other))) records.push(each)
      }
      return { ...message, ...sections }
    },
  }
}

/** The RRsets of a section but RRSIGs, which are not signed. */
function setsIn(records: readonly ResourceRecord[]): readonly RRset[] {
  if (records.length < 2) return records.length === 0 || records[0].type === rrType.RRSIG ? [] : [records]
  const sets = new Map<string, ResourceRecord[]>()
  for (const record of records) {
    if (record.type === rrType.RRSIG) continue
    const key = `${record.type} ${lowerName(record.name)}`
    const set = sets.get(key)
    if (set) set.push(record)
    else sets.set(key, [record])
  }
  return [...sets.values()]
}

const rrsigs = ({ rrset: [{ name, class: rrClass }], ttl }: PlannedSet, signed: Signed): ResourceRecord[] =>
  signed.map((rdata) => ({ name, type: rrType.RRSIG, class: rrClass, ttl, rdata }))

const isSame = (one: ResourceRecord, other: ResourceRecord): boolean =>
  other.type === rrType.RRSIG &&
  lowerName(one.name) === lowerName(other.name) &&
  Buffer.compare(one.rdata, other.rdata) === 0
