/**
 * Applies an UPDATE message to a zone (RFC 2136 §3), as CoreDNS does. Pure: it changes nothing but returns the new
 * zone.
 */
import { dnsClass, properTypeName, rcode, type } from '../../dns/codes.ts'
import type { ResourceRecord } from '../../dns/message.ts'
import { isSubdomain, lowerName } from '../../dns/name.ts'
import { rdata, readSoa } from '../../dns/rdata.ts'
import { recordKey } from '../../dns/record-key.ts'
import { isNewerSerial } from '../../dns/serial.ts'
import type { ZoneRecords } from './records.ts'

/** Types that no update may have, because they describe other records and would be wrong after the update. */
const unsupported: ReadonlySet<number> = new Set([
  type.SIG,
  type.KEY,
  type.NXT,
  type.DS,
  type.RRSIG,
  type.NSEC,
  type.DNSKEY,
  type.NSEC3,
  type.NSEC3PARAM,
  type.CDS,
  type.CDNSKEY,
  type.ZONEMD,
  // TALINK, TA and DLV have no name in src/dns.
  58,
  32_768,
  32_769,
])

const metaTypes: ReadonlySet<number> = new Set([
  type.ANY,
  type.AXFR,
  type.IXFR,
  type.MAILA,
  type.MAILB,
  type.OPT,
  type.TKEY,
  type.TSIG,
])

/** Types without an rdata format. */
const withoutData: ReadonlySet<number> = new Set([type.NONE, type.ATMA, type.UNSPEC, type.Reserved])

export const isUnsupported = (rrType: number): boolean => unsupported.has(rrType)
export const isMetaType = (rrType: number): boolean => metaTypes.has(rrType)
export const isKnown = (rrType: number): boolean =>
  !withoutData.has(rrType) && (properTypeName(rrType) !== undefined || unsupported.has(rrType))

/** RFC 2136 §3.2: NOERROR, or why the prerequisites are not met. */
export function checkPrerequisites(zone: ZoneRecords, prerequisites: readonly ResourceRecord[]): number {
  const wanted = new Map<string, ResourceRecord[]>()
  for (const record of prerequisites) {
    const code = checkPrerequisite(zone, record)
    if (code !== rcode.NOERROR) return code
    if (record.class !== dnsClass.IN) continue
    const rrset = `${record.type} ${lowerName(record.name)}`
    wanted.set(rrset, [...(wanted.get(rrset) ?? []), record])
  }
  for (const records of wanted.values()) {
    const keys = new Set(records.map(recordKey))
    const there = zone.of(records[0].name, records[0].type)
    if (there.length !== keys.size || !there.every((record) => keys.has(recordKey(record)))) return rcode.NXRRSET
  }
  return rcode.NOERROR
}

function checkPrerequisite(zone: ZoneRecords, record: ResourceRecord): number {
  const { name, type: rrType, class: recordClass } = record
  if (record.ttl !== 0) return rcode.FORMERR
  if (!isSubdomain(zone.origin, lowerName(name))) return rcode.NOTZONE
  if (isUnsupported(rrType)) return rcode.NOTIMP
  const isAny = rrType === type.ANY
  if (!isKnown(rrType) || (isMetaType(rrType) && !isAny)) return rcode.FORMERR
  if (recordClass === dnsClass.IN) return isAny ? rcode.FORMERR : rcode.NOERROR
  if ((recordClass !== dnsClass.ANY && recordClass !== dnsClass.NONE) || record.rdata.length > 0) return rcode.FORMERR
  const isThere = (isAny ? zone.at(name) : zone.of(name, rrType)).length > 0
  if (recordClass === dnsClass.ANY) return isThere ? rcode.NOERROR : isAny ? rcode.NXDOMAIN : rcode.NXRRSET
  return isThere ? (isAny ? rcode.YXDOMAIN : rcode.YXRRSET) : rcode.NOERROR
}

/** RFC 2136 §3.4.1: NOERROR, or why the updates cannot be carried out. */
export function checkUpdates(origin: string, updates: readonly ResourceRecord[]): number {
  for (const record of updates) {
    const code = checkUpdate(origin, record)
    if (code !== rcode.NOERROR) return code
    if (isUnsupported(record.type)) return rcode.NOTIMP
  }
  return rcode.NOERROR
}

function checkUpdate(origin: string, record: ResourceRecord): number {
  const { type: rrType, class: recordClass, ttl, rdata: octets } = record
  const name = lowerName(record.name)
  if (!isSubdomain(origin, name)) return rcode.NOTZONE
  if (!isKnown(rrType)) return rcode.FORMERR
  const isMeta = isMetaType(rrType)
  if (recordClass === dnsClass.IN) {
    // Older servers do not take 0 for a serial (RFC 2136 §4.2).
    const isBadSoa = rrType === type.SOA && (name !== origin || readSoa(octets).serial === 0)
    return isMeta || isBadSoa ? rcode.FORMERR : rcode.NOERROR
  }
  if (recordClass === dnsClass.ANY)
    return ttl !== 0 || octets.length > 0 || (isMeta && rrType !== type.ANY) ? rcode.FORMERR : rcode.NOERROR
  if (recordClass === dnsClass.NONE) return ttl !== 0 || isMeta ? rcode.FORMERR : rcode.NOERROR
  return rcode.FORMERR
}

/** RFC 2136 §3.4.2: the zone after the updates, its serial raised; undefined where they change nothing. */
export function applyUpdates(before: ZoneRecords, updates: readonly ResourceRecord[]): ZoneRecords | undefined {
  const zone = before.copy()
  let hasChanged = false
  for (const record of updates) hasChanged = applyUpdate(zone, record) || hasChanged
  if (!hasChanged) return undefined
  const soa = zone.soa() as ResourceRecord
  const { serial } = readSoa(soa.rdata)
  if (serial === readSoa((before.soa() as ResourceRecord).rdata).serial) {
    zone.remove(soa)
    zone.put({ ...soa, rdata: rdata.soa({ ...readSoa(soa.rdata), serial: nextSerial(serial) }) })
  }
  return zone
}

/** Skips 0 (RFC 2136 §7.11). */
const nextSerial = (serial: number): number => (serial + 1) >>> 0 || 1

/** Whether it changes something. */
function applyUpdate(zone: ZoneRecords, record: ResourceRecord): boolean {
  if (record.class === dnsClass.IN) return add(zone, record)
  if (record.class === dnsClass.NONE) return removeOne(zone, record)
  const atApex = lowerName(record.name) === zone.origin
  const found = record.type === type.ANY ? zone.at(record.name) : zone.of(record.name, record.type)
  // SOA and NS of the apex stay (RFC 2136 §3.4.2.3).
  const removed = found.filter((each) => !(atApex && (each.type === type.SOA || each.type === type.NS)))
  for (const each of removed) zone.remove(each)
  return removed.length > 0
}

function removeOne(zone: ZoneRecords, record: ResourceRecord): boolean {
  const atApex = lowerName(record.name) === zone.origin
  if (atApex && record.type === type.SOA) return false
  if (atApex && record.type === type.NS && zone.of(record.name, type.NS).length <= 1) return false
  const there = zone.has(record)
  if (there) zone.remove(there)
  return there !== undefined
}

function add(zone: ZoneRecords, record: ResourceRecord): boolean {
  const { name, type: rrType, ttl } = record
  if (rrType === type.SOA) return replaceSoa(zone, record)
  const others = zone.at(name)
  if (rrType === type.CNAME) {
    if (others.some((other) => other.type !== type.CNAME)) return false
    const there = zone.has(record)
    if (there?.ttl === ttl && others.length === 1) return false
    for (const other of others) zone.remove(other)
    zone.put(record)
    return true
  }
  if (others.some((other) => other.type === type.CNAME)) return false
  if (zone.has(record)?.ttl === ttl) return false
  zone.put(record)
  return true
}

function replaceSoa(zone: ZoneRecords, record: ResourceRecord): boolean {
  const current = zone.soa() as ResourceRecord
  if (!isNewerSerial(readSoa(record.rdata).serial, readSoa(current.rdata).serial)) return false
  zone.remove(current)
  zone.put(record)
  return true
}
