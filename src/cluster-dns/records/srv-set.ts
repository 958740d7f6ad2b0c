/**
 * The SRV records of one answer while they are collected, with their targets' addresses. A Service may have 15,000 ports
 * and a slice 1,000 endpoints: the set is full when it exceeds what any message holds, and further records are not computed.
 * Such an answer is cut to what fits and marked TC, over TCP too, as CoreDNS does with the whole.
 */
import { nameToWire } from '../../dns/name.ts'
import { maxMessageOctets } from '../../dns/reply.ts'
import type { ServicesSpec } from '../../table/spec.ts'
import { absoluteName } from '../names/cluster-name.ts'
import { distinctAddresses } from './distinct-addresses.ts'
import { recordOctets } from './message-octets.ts'

/** Priority, weight and port. */
const fixedOctets = 6
const maxWeight = 65_535
/** Of one target. A message of 64 KiB holds fewer; thousands of endpoints may share a hostname. */
const maxAddresses = 4096
/** Up to this many records are compared one by one: cheaper than an index, and nearly every set is as small. */
const fewRecords = 8

export interface SrvTarget {
  readonly index: number
  readonly name: string
  /** Of the name in a message. */
  readonly octets: number
  /** The first address of 4 and of 16 octets. */
  a: Uint8Array
  aaaa: Uint8Array
  /** Further addresses of both; the same may come twice. */
  more: Uint8Array[] | undefined
}

interface SrvRecord {
  readonly priority: number
  weight: number
  readonly port: number
  /** Index of the target. */
  readonly target: number
}

export interface SrvSet {
  /** By name: undefined for an invalid one. */
  readonly byName: Map<string, SrvTarget | undefined>
  readonly targets: SrvTarget[]
  readonly records: SrvRecord[]
  /** By target and port, once there are more than a few. */
  index: Map<number, SrvRecord> | undefined
  /** What made each record, where records of one source add up. */
  sources: Map<SrvRecord, object> | undefined
  octets: number
}

export const createSrvSet = (): SrvSet => ({
  byName: new Map(),
  targets: [],
  records: [],
  index: undefined,
  sources: undefined,
  octets: 0,
})

/** No reply could have a further record. */
export const isFull = (set: SrvSet): boolean => set.octets > maxMessageOctets

/** The target of this name, new or known. Undefined for an invalid name: its endpoint is left out. */
export function srvTarget(set: SrvSet, name: string): SrvTarget | undefined {
  const { byName, targets } = set
  const known = byName.get(name)
  if (known || byName.has(name)) return known
  const octets = octetsOf(name)
  const target =
    octets === undefined
      ? undefined
      : { index: targets.length, name, octets, a: noAddress, aaaa: noAddress, more: undefined }
  if (target) targets.push(target)
  byName.set(name, target)
  return target
}

/** Adds an address of 4 or 16 octets to what the additional section may have. */
export function addAddress(target: SrvTarget, address: Uint8Array): void {
  const family = address.length === 4 ? 'a' : 'aaaa'
  if (target[family].length === 0) target[family] = address
  else {
    target.more ??= []
    if (target.more.length < maxAddresses) target.more.push(address)
  }
}

/** Adds a record unless the set has one of this target and port; one of the same `source` gets the weight on top. */
export function addRecord(
  set: SrvSet,
  target: SrvTarget,
  port: number,
  priority: number,
  weight: number,
  source?: object,
): void {
  const known = find(set, target.index, port)
  if (known) {
    if (source && set.sources?.get(known) === source) known.weight = Math.min(maxWeight, known.weight + weight)
    return
  }
  const record = { priority, weight, port, target: target.index }
  set.records.push(record)
  set.index?.set(keyOf(record), record)
  set.octets += recordOctets + fixedOctets + target.octets
  if (!source) return
  set.sources ??= new Map()
  set.sources.set(record, source)
}

const keyOf = ({ target, port }: Pick<SrvRecord, 'target' | 'port'>): number => target * 65_536 + port

function find(set: SrvSet, target: number, port: number): SrvRecord | undefined {
  const { records } = set
  if (records.length <= fewRecords) return records.find((record) => record.target === target && record.port === port)
  set.index ??= new Map(records.map((record) => [keyOf(record), record]))
  return set.index.get(keyOf({ target, port }))
}

export const servicesOf = ({ targets, records }: SrvSet, ttl: number): ServicesSpec => ({
  kind: 'services',
  ttl,
  targets: targets.map(packed),
  records,
})

const noAddress = new Uint8Array(0)

/** The target's addresses, each once. */
function packed({ name, a, aaaa, more }: SrvTarget): ServicesSpec['targets'][number] {
  if (!more) return { name, a, aaaa }
  return { name, a: together(a, more, 4), aaaa: together(aaaa, more, 16) }
}

function together(first: Uint8Array, more: readonly Uint8Array[], width: 4 | 16): Uint8Array {
  const all = [first, ...more.filter(({ length }) => length === width)]
  return distinctAddresses(
    [{ width, addresses: Buffer.concat(all), count: first.length === 0 ? 0 : all.length }],
    width,
  )
}

/** Octets of the name in a message; undefined for an invalid name. Names of the API server need no parser. */
function octetsOf(name: string): number | undefined {
  let labelOctets = 0
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i)
    if (code === dot) {
      if (labelOctets === 0 || labelOctets > maxLabelOctets) return undefined
      labelOctets = 0
    } else if (code === backslash || code > lastAscii) {
      return absoluteName(name) === undefined ? undefined : nameToWire(name).length
    } else labelOctets++
  }
  return labelOctets === 0 && name.length < maxNameOctets ? name.length + 1 : undefined
}

const dot = 0x2e
const backslash = 0x5c
const lastAscii = 0x7e
/** RFC 1035 §2.3.4. */
const maxLabelOctets = 63
const maxNameOctets = 255
