/** Encodes answers as FORMAT.md defines them. Each function appends one body to the scratch, aligned to 4 octets. */
import { type } from '../dns/codes.ts'
import { layoutOf } from '../dns/layout.ts'
import { isSubdomain, lowerName, writeName } from '../dns/name.ts'
import { IN_ZONE, MIXED, maxChoices, maxNameServers, maxRuns, soa } from './layout.ts'
import {
  align,
  putBytes,
  putU8,
  putU16,
  putU16Network,
  putU32,
  putU32Network,
  reserve,
  type Scratch,
} from './scratch.ts'
import type { AddressesSpec, RecordSpec, RecordsSpec, ServicesSpec, ZoneSpec } from './spec.ts'

/** A zone, which names are stored relative to. */
export interface ZoneName {
  readonly name: string
  /** Octets of the name in wire form. */
  readonly octets: number
}

const maxNameOctets = 255
const maxTtl = 0x7fffffff

const validTtl = (ttl: number): number => Math.min(Math.max(Math.trunc(ttl), 0), maxTtl)

export function encodeAddresses(scratch: Scratch, spec: AddressesSpec, recordType: number): void {
  const size = recordType === type.A ? 4 : 16
  const count = Math.min(Math.floor(spec.addresses.length / size), maxChoices)
  if (count === 0) throw new RangeError('an answer of kind addresses needs at least one address')
  reserve(scratch, 8)
  putU32(scratch, validTtl(spec.ttl))
  putU32(scratch, count)
  putBytes(scratch, spec.addresses.subarray(0, count * size))
}

export function encodeServices(scratch: Scratch, spec: ServicesSpec, zone: ZoneName): void {
  const body = scratch.at
  const targets = spec.targets.slice(0, maxChoices)
  const kept = spec.records.filter(({ target }) => target < targets.length).slice(0, maxChoices)
  const list = spec.order === 'weighted' ? kept.toSorted(byWeight) : kept
  const runs = spec.order === 'weighted' ? runsOf(list) : []
  const glue = collectGlue(targets)
  const glueOctets = glue.count * (2 + glue.stride) + 4
  reserve(scratch, 16 + list.length * 8 + targets.length * 4 + glueOctets + runs.length * 4)
  putU32(scratch, validTtl(spec.ttl))
  putU16(scratch, list.length)
  putU16(scratch, targets.length)
  putU32(scratch, glue.count)
  putU8(scratch, glue.stride)
  putU8(scratch, 0)
  putU16(scratch, runs.length)
  for (const record of list) {
    putU16Network(scratch, record.priority)
    putU16Network(scratch, record.weight)
    putU16Network(scratch, record.port)
    putU16(scratch, record.target)
  }
  const directory = scratch.at
  scratch.at += targets.length * 4
  encodeGlue(scratch, targets, glue)
  for (const end of runs) putU32(scratch, end)
  for (let i = 0; i < targets.length; i++) {
    const offset = scratch.at - body
    reserve(scratch, 1 + maxNameOctets)
    const inZone = encodeName(scratch, targets[i].name, zone)
    scratch.view.setUint32(directory + i * 4, offset * 2 + (inZone ? IN_ZONE : 0), true)
  }
}

type ServiceRecord = ServicesSpec['records'][number]

const byWeight = (a: ServiceRecord, b: ServiceRecord): number => a.priority - b.priority || b.weight - a.weight

/** Where each run of records with equal priority and weight ends. */
function runsOf(list: readonly ServiceRecord[]): number[] {
  const ends: number[] = []
  for (let i = 1; i <= list.length; i++) if (i === list.length || byWeight(list[i - 1], list[i]) !== 0) ends.push(i)
  if (ends.length > maxRuns) throw new RangeError(`${ends.length} different weights: at most ${maxRuns} fit`)
  return ends
}

interface Glue {
  readonly count: number
  readonly stride: number
}

/** The number of addresses, up to what a reply could ever carry, and their spacing in octets. */
function collectGlue(targets: ServicesSpec['targets']): Glue {
  let v4 = 0
  let v6 = 0
  for (const { a, aaaa } of targets) {
    v4 += a.length >> 2
    v6 += aaaa.length >> 4
  }
  const stride = v4 > 0 && v6 > 0 ? MIXED : v6 > 0 ? 16 : 4
  return { count: Math.min(v4 + v6, maxChoices), stride }
}

function encodeGlue(scratch: Scratch, targets: ServicesSpec['targets'], { count, stride }: Glue): void {
  let owners = scratch.at
  scratch.at += count * 2
  align(scratch)
  let left = count
  for (let i = 0; i < targets.length && left > 0; i++) {
    const { a, aaaa } = targets[i]
    for (let at = 0; at + 4 <= a.length && left > 0; at += 4, left--, owners += 2) {
      scratch.view.setUint16(owners, i, true)
      encodeGlueAddress(scratch, a, at, 4, stride)
    }
    for (let at = 0; at + 16 <= aaaa.length && left > 0; at += 16, left--, owners += 2) {
      scratch.view.setUint16(owners, i, true)
      encodeGlueAddress(scratch, aaaa, at, 16, stride)
    }
  }
}

function encodeGlueAddress(scratch: Scratch, from: Uint8Array, at: number, size: number, stride: number): void {
  const start = scratch.at
  if (stride === MIXED) putU32(scratch, size)
  for (let i = 0; i < size; i++) scratch.bytes[scratch.at + i] = from[at + i]
  if (stride === MIXED && size === 4) scratch.bytes.fill(0, scratch.at + 4, start + MIXED)
  scratch.at = start + stride
}

/**
 * Appends u8 length and the name's octets, without the zone's if the name ends in them, in which case it returns true. The
 * case of the labels is kept. 256 octets must be free.
 */
function encodeName(scratch: Scratch, name: string, zone: ZoneName): boolean {
  const start = scratch.at
  const end = writeName(name, scratch.bytes, start + 1)
  const inZone = isIn(zone.name, name)
  const octets = end - start - 1 - (inZone ? zone.octets : 0)
  scratch.bytes[start] = octets
  scratch.at = start + 1 + octets
  return inZone
}

function isIn(zone: string, name: string): boolean {
  return isSubdomain(zone, name) || isSubdomain(zone, lowerName(name))
}

/** `shuffled`: records are put in the order that `loadbalance` gives them: CNAMEs, others, addresses. */
export function encodeRecords(scratch: Scratch, spec: RecordsSpec, shuffled: boolean): void {
  const answer = shuffled ? inShuffleOrder(spec.answer) : spec.answer
  const additional = shuffled ? inShuffleOrder(spec.additional) : spec.additional
  const authority = spec.authority ?? []
  const all = [...answer, ...authority, ...additional]
  if (all.length > maxChoices) throw new RangeError(`an answer of ${all.length} records: at most ${maxChoices} fit`)
  const body = scratch.at
  reserve(scratch, 16 + (all.length + 1) * 4)
  putU16(scratch, answer.length)
  putU16(scratch, additional.length)
  putU16(scratch, authority.length === 0 && all.every(isCuttable) ? 1 : 0)
  putU16(scratch, authority.length)
  const answerRun = shuffledRun(answer)
  putU16(scratch, answerRun)
  putU16(scratch, answer.length)
  putU16(scratch, answer.length + authority.length + shuffledRun(additional))
  putU16(scratch, all.length)
  let offsets = scratch.at
  scratch.at += (all.length + 1) * 4
  for (const record of all) {
    scratch.view.setUint32(offsets, scratch.at - body, true)
    offsets += 4
    encodeRecord(scratch, record)
  }
  scratch.view.setUint32(offsets, scratch.at - body, true)
}

function encodeRecord(scratch: Scratch, record: RecordSpec): void {
  reserve(scratch, 1 + maxNameOctets + 10)
  const start = scratch.at++
  if (record.owner !== '') scratch.at = writeName(record.owner, scratch.bytes, scratch.at)
  scratch.bytes[start] = scratch.at - start - 1
  putU16Network(scratch, record.type)
  putU16Network(scratch, 1)
  putU32Network(scratch, validTtl(record.ttl))
  putU16Network(scratch, record.rdata.length)
  putBytes(scratch, record.rdata)
}

/**
 * A reply must be truncated where the chain's encoder would do it, which compresses names as well as possible. Only
 * records whose owner is the question's name and whose rdata has no compressible names have the same size here.
 */
function isCuttable(record: RecordSpec): boolean {
  return record.owner === '' && !layoutOf(record.type)?.compressible
}

const isAddress = (record: RecordSpec): boolean => record.type === type.A || record.type === type.AAAA

function inShuffleOrder(section: readonly RecordSpec[]): readonly RecordSpec[] {
  const rank = (record: RecordSpec): number => {
    if (record.type === type.CNAME) return 0
    if (isAddress(record)) return 2
    return record.type === type.MX ? 3 : 1
  }
  return [...section].sort((a, b) => rank(a) - rank(b))
}

/** Where the section's final run of records that may be permuted begins: addresses, or mail exchangers. */
function shuffledRun(section: readonly RecordSpec[]): number {
  let start = section.length
  const last = section.at(-1)
  if (!last || !(isAddress(last) || last.type === type.MX)) return start
  const alike = (record: RecordSpec): boolean => (isAddress(last) ? isAddress(record) : record.type === type.MX)
  while (start > 0 && alike(section[start - 1])) start--
  return start
}

/** The SOA block, including its kind. */
export function encodeSoa(scratch: Scratch, spec: ZoneSpec, zone: ZoneName, kind: number): void {
  const { serial, refresh, retry, expire, minimum } = spec.soa
  reserve(scratch, soa.namesAt + 2 * (1 + maxNameOctets))
  putU32(scratch, spec.open ? 1 : 0)
  putU32(scratch, kind << 16)
  putU32(scratch, validTtl(spec.soa.ttl))
  const facts = scratch.at
  scratch.at += 4
  for (const number of [serial, refresh, retry, expire, minimum]) putU32Network(scratch, number)
  const servers = (spec.nameServers ?? []).slice(0, maxNameServers)
  putU16(scratch, servers.length)
  const list = scratch.at
  scratch.at += 2
  for (const [i, name] of [spec.soa.mname, spec.soa.rname].entries())
    encodeNameAndFacts(scratch, name, zone, facts + i * 2)
  scratch.view.setUint16(list, scratch.at, true)
  for (const { ttl, target } of servers) {
    reserve(scratch, 6 + 1 + maxNameOctets)
    putU32Network(scratch, validTtl(ttl))
    scratch.at += 2
    encodeNameAndFacts(scratch, target, zone, scratch.at - 2)
  }
}

/** Like encodeName, but writes the length, and whether the zone's name follows, at `facts`. */
function encodeNameAndFacts(scratch: Scratch, name: string, zone: ZoneName, facts: number): void {
  const start = scratch.at
  const inZone = encodeName(scratch, name, zone)
  scratch.bytes[facts] = scratch.bytes[start]
  scratch.bytes[facts + 1] = inZone ? 1 : 0
  scratch.bytes.copyWithin(start, start + 1, scratch.at)
  scratch.at--
}
