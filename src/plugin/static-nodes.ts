/** What the answer table holds for a set of records: positive answers, NODATA, and which names it may deny. */
import { dnsClass, type } from '../dns/codes.ts'
import type { ResourceRecord } from '../dns/message.ts'
import { isSubdomain, lowerName, parentOf } from '../dns/name.ts'
import { readSoa } from '../dns/rdata.ts'
import type { AnswerSpec, NodeSpec, ZoneSpec } from '../table/spec.ts'
import type { ZoneWithoutSoa } from './capabilities/compiled-source.ts'

/** A zone that a plugin answers from records that it has. */
export interface StaticZone {
  /** Lower case and absolute. */
  readonly zone: string
  /** Missing names fall through to the next plugin: all of them, or those in these zones. `false`: none of them. */
  readonly fallthrough: boolean | readonly string[]
  /**
   * In a zone without SOA: types for which a name that has records of another type is answered with neither record nor
   * SOA.
   */
  readonly emptyTypes?: readonly number[]
}

/** Collects records one by one, then makes the nodes one by one: both in slices of the caller's choice. */
export interface NodeBuilder {
  add(record: ResourceRecord): void
  /** Makes the next node; false when all are made. */
  build(): boolean
  /** The nodes that are made. */
  readonly nodes: ReadonlyMap<string, NodeSpec>
  zones(): (ZoneSpec | ZoneWithoutSoa)[]
}

interface ZoneState {
  readonly zone: StaticZone
  soa: ResourceRecord | undefined
  /** It has RRSIG records: answers depend on the DO bit, so the chain gives them. */
  signed: boolean
}

type RRsets = Map<number, ResourceRecord[]>

export function createNodeBuilder(staticZones: readonly StaticZone[]): NodeBuilder {
  const zones = new Map(
    staticZones.map((zone): [string, ZoneState] => [zone.zone, { zone, soa: undefined, signed: false }]),
  )
  const names = new Map<string, RRsets>()
  /** Delegations and DNAMEs: the handler answers names below them. */
  const cuts = new Set<string>()
  /** Names with a wildcard below them. */
  const wild = new Set<string>()
  const nodes = new Map<string, NodeSpec>()
  const zoneOf = (name: string): ZoneState | undefined => {
    for (let at = name; ; at = parentOf(at)) {
      const found = zones.get(at)
      if (found || at === '.') return found
    }
  }
  let left: Iterator<[string, RRsets]> | undefined

  /** Empty non-terminals (RFC 4592 §2.2.2) are nodes, too, or the node above would deny them. */
  function addAncestors(name: string, apex: string): void {
    for (let at = name; at !== apex; ) {
      at = parentOf(at)
      if (names.has(at)) return
      names.set(at, new Map())
    }
  }

  return {
    add(record) {
      const name = lowerName(record.name)
      const state = zoneOf(name)
      if (!state || record.class !== dnsClass.IN) return
      const apex = state.zone.zone
      if (record.type === type.SOA && name === apex) state.soa = record
      if (record.type === type.RRSIG) state.signed = true
      if (name.startsWith('*.')) wild.add(parentOf(name))
      if (record.type === type.DNAME || isDelegation(record, name, apex)) cuts.add(name)
      const rrsets = names.get(name) ?? new Map<number, ResourceRecord[]>()
      if (rrsets.size === 0) addAncestors(name, apex)
      names.set(name, rrsets)
      const rrset = rrsets.get(record.type)
      if (rrset) rrset.push(record)
      else rrsets.set(record.type, [record])
    },
    build() {
      left ??= names.entries()
      const next = left.next()
      if (next.done) return false
      const [name, rrsets] = next.value
      const state = zoneOf(name)!
      if (rrsets.size > 0 || state.soa) nodes.set(name, nodeOf(name, rrsets, state, { cuts, wild }))
      return true
    },
    nodes,
    zones: () => [...zones.values()].map(zoneSpec),
  }
}

const isDelegation = ({ type: rrType }: ResourceRecord, name: string, apex: string): boolean =>
  rrType === type.NS && name !== apex

function zoneSpec({ zone: { zone }, soa }: ZoneState): ZoneSpec | ZoneWithoutSoa {
  return soa ? { zone, soa: { ...readSoa(soa.rdata), ttl: soa.ttl }, open: false } : { zone }
}

/** Names below which a missing name may have an answer. */
interface OpenNames {
  readonly cuts: ReadonlySet<string>
  readonly wild: ReadonlySet<string>
}

function nodeOf(name: string, rrsets: RRsets, { zone, soa, signed }: ZoneState, { cuts, wild }: OpenNames): NodeSpec {
  const apex = zone.zone
  const delegated = (name !== apex && rrsets.has(type.NS)) || isBelow(cuts, name, apex)
  // Beside a wildcard the handler decides what an empty non-terminal, and a name below it, is answered.
  const besideWildcard = isBelow(wild, name, apex)
  if (signed || name.startsWith('*.') || delegated || (besideWildcard && rrsets.size === 0)) return chainNode(apex)
  const through = zone.fallthrough === true ? [zone.zone] : zone.fallthrough || []
  const fallsThrough = through.some((each) => isSubdomain(each, name))
  const denies =
    soa !== undefined &&
    !fallsThrough &&
    !through.some((each) => isSubdomain(name, each)) &&
    !(besideWildcard || wild.has(name) || cuts.has(name))
  const answers = new Map<number, AnswerSpec>()
  for (const [rrType, rrset] of rrsets) answers.set(rrType, answerOf(rrType, rrset, name === zone.zone))
  if (!soa) for (const rrType of zone.emptyTypes ?? []) if (!answers.has(rrType)) answers.set(rrType, noRecords)
  // The target of a CNAME is looked up by the handler.
  const others =
    soa && !rrsets.has(type.CNAME) && !(fallsThrough && isBare(rrsets, name === zone.zone)) ? 'nodata' : 'chain'
  return { zone: zone.zone, below: denies ? 'closed' : 'open', otherTypes: others, answers }
}

/** An empty non-terminal falls through like a missing name, and so does an apex that has only SOA and NS. */
const isBare = (rrsets: RRsets, atApex: boolean): boolean =>
  [...rrsets.keys()].every((rrType) => atApex && (rrType === type.SOA || rrType === type.NS))

/** Whether one of `names` is above `name` and below the apex. */
function isBelow(names: ReadonlySet<string>, name: string, apex: string): boolean {
  for (let at = name; at !== apex; ) {
    at = parentOf(at)
    if (at !== apex && isSubdomain(apex, at) && names.has(at)) return true
  }
  return false
}

const noRecords: AnswerSpec = { kind: 'records', answer: [], additional: [] }

const chainNode = (zone: string): NodeSpec => ({ zone, below: 'open', otherTypes: 'chain', answers: new Map() })

function answerOf(rrType: number, rrset: readonly ResourceRecord[], atApex: boolean): AnswerSpec {
  if (rrType === type.SOA && atApex) return { kind: 'soa' }
  const [{ ttl }] = rrset
  const isAddress = rrType === type.A || rrType === type.AAAA
  if (isAddress && rrset.every((record) => record.ttl === ttl))
    return { kind: 'addresses', ttl, addresses: Buffer.concat(rrset.map(({ rdata }) => rdata)) }
  const answer = rrset.map((record) => ({ owner: '', type: rrType, ttl: record.ttl, rdata: record.rdata }))
  return { kind: 'records', answer, additional: [] }
}
