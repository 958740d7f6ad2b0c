/**
 * The answer table's nodes for zones. They are made by the handler's lookup, so both answer alike. The handler alone answers
 * names below a wildcard, a delegation or a DNAME, CNAMEs to other zones, answers with many records of other names, and, in a
 * signed zone, clients with DO.
 */
import { type } from '../dns/codes.ts'
import type { ResourceRecord } from '../dns/message.ts'
import { isSubdomain, parentOf } from '../dns/name.ts'
import { readName, readSoa } from '../dns/rdata.ts'
import type { ZoneWithoutSoa } from '../plugin/capabilities/compiled-source.ts'
import type { TableContents } from '../plugin/table-publisher.ts'
import { maxNameServers } from '../table/layout.ts'
import type { AnswerSpec, NodeSpec, RecordSpec, ZoneSpec } from '../table/spec.ts'
import { closest } from './closest.ts'
import { type Found, lookUp } from './lookup.ts'
import type { Zone } from './zone.ts'

/**
 * Maximum octets of other names' records in a stored answer: some 14 addresses. Otherwise a name that a thousand others point to
 * would be stored a thousand times.
 */
export const maxRepeatedOctets = 512

/** The zones at one point in time. */
interface ZonesContents extends TableContents {
  /** By name; undefined: the zone's contents are unknown. */
  readonly byName: ReadonlyMap<string, Zone | undefined>
}

/** `fallthrough`: zones whose missing names go on to the next plugin. */
export function zonesContents(
  byName: ReadonlyMap<string, Zone | undefined>,
  fallthrough: readonly string[],
): ZonesContents {
  /** The zone that answers for the name. */
  const zoneOf = (name: string): Zone | undefined => {
    const origin = closest(byName, name)
    return origin === undefined ? undefined : byName.get(origin)
  }

  function* names(): Generator<string, void, undefined> {
    for (const [origin, zone] of byName) {
      if (!zone) yield origin
      // Names that another of the zones answers for do not exist in this one.
      else for (const name of zone.names()) if (closest(byName, name) === origin) yield name
    }
  }

  return {
    byName,
    zones: [...byName].map(([origin, zone]) => zoneSpec(origin, zone)),
    names,
    has(name) {
      const origin = closest(byName, name)
      const zone = origin === undefined ? undefined : byName.get(origin)
      return origin === name || (zone !== undefined && (zone.isAbove(name) || zone.at(name) !== undefined))
    },
    node(name) {
      const zone = zoneOf(name)
      return zone ? nodeOf(zone, name, fallthrough) : chainNode(name)
    },
    isSame(name, earlier) {
      const zone = zoneOf(name)
      const { byName: before } = earlier as ZonesContents
      const origin = closest(before, name)
      return zone !== undefined && origin !== undefined && before.get(origin) === zone
    },
  }
}

function zoneSpec(origin: string, zone: Zone | undefined): ZoneSpec | ZoneWithoutSoa {
  if (!zone) return { zone: origin }
  const nameServers = zone.ns.map(({ ttl, rdata }) => ({ ttl, target: readName(rdata) }))
  return { zone: origin, soa: { ...readSoa(zone.soa.rdata), ttl: zone.soa.ttl }, nameServers, open: false }
}

const chainNode = (zone: string): NodeSpec => ({ zone, below: 'open', otherTypes: 'chain', answers: new Map() })

function nodeOf(zone: Zone, name: string, fallthrough: readonly string[]): NodeSpec {
  const { origin } = zone
  const rrsets = zone.at(name)
  if (isCut(zone, name) || isOccluded(zone, name)) return chainNode(origin)
  const fallsThrough = fallthrough.some((each) => isSubdomain(each, name))
  const denies =
    !(fallsThrough || fallthrough.some((each) => isSubdomain(name, each))) &&
    !rrsets?.has(type.DNAME) &&
    !hasWildcard(zone, name)
  // A name without records falls through like a missing one.
  const others = rrsets?.has(type.CNAME) || (fallsThrough && !rrsets) ? 'chain' : 'nodata'
  const types = [...(rrsets?.types() ?? []), ...(name === origin ? [type.SOA, type.NS] : [])]
  // The types that are mostly queried where there is a CNAME.
  const asked = rrsets?.has(type.CNAME) ? [type.CNAME, type.A, type.AAAA] : types
  return {
    zone: origin,
    below: denies ? 'closed' : 'open',
    otherTypes: others,
    withoutDo: zone.isSigned,
    answers: new Map(asked.map((rrType) => [rrType, answerOf(zone, name, rrType)])),
  }
}

const isCut = (zone: Zone, name: string): boolean => name !== zone.origin && (zone.at(name)?.has(type.NS) ?? false)

/** Below a delegation or a DNAME. */
function isOccluded(zone: Zone, name: string): boolean {
  for (let at = name; at !== zone.origin; ) {
    at = parentOf(at)
    if (isCut(zone, at) || zone.at(at)?.has(type.DNAME)) return true
  }
  return false
}

function hasWildcard(zone: Zone, name: string): boolean {
  const wildcard = name === '.' ? '*.' : `*.${name}`
  return zone.isAbove(wildcard) || zone.at(wildcard) !== undefined
}

function answerOf(zone: Zone, name: string, qtype: number): AnswerSpec {
  // The table would drop any beyond this number.
  if (zone.ns.length > maxNameServers) return { kind: 'chain' }
  if (name === zone.origin && qtype === type.SOA) return { kind: 'soa', withNameServers: true }
  const found = lookUp(zone, { name, qtype, dnssecOk: false, elsewhere: () => undefined })
  if (found instanceof Promise || found.kind !== 'success') return { kind: 'chain' }
  return constantAnswer(found, name, qtype)
}

function constantAnswer({ answer, authority, additional }: Found, name: string, qtype: number): AnswerSpec {
  const withNameServers = authority.length > 0
  const ttl = answer[0]?.ttl ?? 0
  const isAlike = (each: ResourceRecord) => each.type === qtype && each.ttl === ttl && each.name === name
  if ((qtype === type.A || qtype === type.AAAA) && answer.length > 0 && answer.every(isAlike))
    return { kind: 'addresses', ttl, addresses: Buffer.concat(answer.map(({ rdata }) => rdata)), withNameServers }
  const repeated = [...answer, ...additional].filter((each) => each.name !== name)
  if (repeated.reduce((sum, each) => sum + octetsOf(each), 0) > maxRepeatedOctets) return { kind: 'chain' }
  const specs = (records: readonly ResourceRecord[]): RecordSpec[] =>
    records.map((record) => ({ ...record, owner: record.name === name ? '' : record.name }))
  return { kind: 'records', answer: specs(answer), additional: specs(additional), withNameServers }
}

/** Octets in the table: offset, type, class, TTL and length in addition to name and rdata. */
const octetsOf = ({ name, rdata }: ResourceRecord): number => name.length + rdata.length + 16
