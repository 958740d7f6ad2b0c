/** A zone's records by name, and what lookups need in addition: names with names below them, the order of names. */
import { type } from '../dns/codes.ts'
import type { ResourceRecord } from '../dns/message.ts'
import { isSubdomain, labelsOf, lowerName, nameToWire, parentOf } from '../dns/name.ts'
import { readSoa } from '../dns/rdata.ts'
import { createRecordStore, type RRsets } from './record-store.ts'

import { unlimitedAllowance, type ZoneAllowance } from './zone-memory.ts'

export type { RRsets } from './record-store.ts'

export interface Zone {
  /** Lower case and absolute. */
  readonly origin: string
  readonly serial: number
  /** Number of records, including the SOA. */
  readonly size: number
  /** Octets of memory. */
  readonly octets: number
  /** Number of records that point to other names of the zone, whose records then belong to the answer. */
  readonly leading: number
  readonly soa: ResourceRecord
  /** The zone's own name servers. */
  readonly ns: readonly ResourceRecord[]
  /** The signatures of the apex's SOA and NS. */
  readonly apexSignatures: readonly ResourceRecord[]
  /** Whether it has RRSIG records. */
  readonly isSigned: boolean
  /** Records of a name (lower case, in the zone), without the apex's SOA and NS and their signatures. */
  at(name: string): RRsets | undefined
  /** Whether a name below this one has records. */
  isAbove(name: string): boolean
  /** Every existing name, including the apex and empty non-terminals (RFC 4592 §2.2.2). */
  names(): Iterable<string>
  /** The owner of the NSEC record that matches the name or precedes it in canonical order (RFC 4034 §6.1). */
  denier(name: string): string | undefined
  /** All records except the SOA. */
  records(): Iterable<ResourceRecord>
  /** The zone is no longer used, and its memory no longer counted. */
  release(): void
}

export interface ZoneBuilder {
  /**
   * Owners are stored in lower case. False for a record outside the zone, which is ignored. Throws ZoneMemoryFull when the memory
   * limit is reached.
   */
  add(record: ResourceRecord): boolean
  /** The zone; it must have had an SOA. */
  finish(): Zone
  /** Discards the zone. */
  abandon(): void
}

export function createZoneBuilder(origin: string, allowance: ZoneAllowance = unlimitedAllowance): ZoneBuilder {
  const store = createRecordStore(origin)
  const ns: ResourceRecord[] = []
  const apexSignatures: ResourceRecord[] = []
  const deniers = createDeniers()
  let soa: ResourceRecord | undefined
  let size = 0
  let leading = 0
  /** Octets of what is outside the store: records of the apex, positions of NSEC owners. */
  let beside = 0
  let isSigned = false
  let isFinished = false

  function addAncestors(name: string): void {
    for (let at = name; at !== origin; ) {
      at = parentOf(at)
      if (store.setAbove(at)) return
    }
  }

  function addToName(name: string, record: ResourceRecord): void {
    if (store.add(name, record)) addAncestors(name)
    if (record.type !== type.NSEC) return
    deniers.add(store.place(name), canonicalKey(name))
    beside += placeOctets
  }

  function addToList(list: ResourceRecord[], record: ResourceRecord): void {
    list.push(record)
    beside += objectOctets + record.name.length + record.rdata.length
  }

  return {
    add(written) {
      const name = lowerName(written.name)
      if (!isSubdomain(origin, name)) return false
      size++
      if (leadingTypes.has(written.type)) leading++
      const covered = coveredType(written)
      if (covered !== undefined) isSigned = true
      if (name !== origin) addToName(name, written)
      else if (written.type === type.SOA) soa = { ...written, name }
      else if (written.type === type.NS) addToList(ns, { ...written, name })
      else if (covered === type.SOA || covered === type.NS) addToList(apexSignatures, { ...written, name })
      else addToName(name, written)
      allowance.take(store.octets + beside, size)
      return true
    },
    finish() {
      if (!soa) throw new Error(`the zone ${origin} has no SOA`)
      // The apex exists whatever it has.
      store.setAbove(origin)
      store.trim()
      allowance.take(store.octets + beside + deniers.sortingOctets, size)
      const inOrder = deniers.inOrder((place) => canonicalKey(store.nameAt(place)))
      const octets = store.octets + beside
      allowance.take(octets, size)
      isFinished = true
      const keyAt = (index: number): string => canonicalKey(store.nameAt(inOrder[index]))
      return {
        origin,
        serial: readSoa(soa.rdata).serial,
        size,
        octets,
        leading,
        soa,
        ns,
        apexSignatures,
        isSigned,
        at: store.at,
        isAbove: store.isAbove,
        names: store.names,
        denier(name) {
          const index = placeAfter(inOrder.length, keyAt, canonicalKey(name)) - 1
          return index < 0 ? undefined : store.nameAt(inOrder[index])
        },
        *records() {
          yield* ns
          yield* apexSignatures
          yield* store.records()
        },
        release: allowance.release,
      }
    },
    abandon() {
      if (!isFinished) store.free()
      allowance.abandon()
    },
  }
}

const leadingTypes: ReadonlySet<number> = new Set([type.CNAME, type.MX, type.SRV, type.SVCB, type.HTTPS])

/** Octets of a record as an object, in addition to its name and rdata. */
const objectOctets = 160
/** Octets of an NSEC owner's position, during collection and after. */
const placeOctets = 12
/** Octets of an NSEC owner's key while owners are sorted. */
const keyOctets = 160

/** The positions of NSEC owners. Most signed zones arrive in canonical order, so that no keys are kept. */
function createDeniers() {
  const places: number[] = []
  let isInOrder = true
  let last = ''
  return {
    add(place: number, key: string): void {
      isInOrder &&= last <= key
      last = key
      places.push(place)
    },
    get sortingOctets(): number {
      return isInOrder ? 0 : places.length * keyOctets
    },
    inOrder(keyOf: (place: number) => string): Uint32Array {
      if (isInOrder) return Uint32Array.from(places)
      const keyed = places.map((place) => ({ place, key: keyOf(place) }))
      return Uint32Array.from(
        keyed.sort((a, b) => (a.key < b.key ? -1 : 1)),
        ({ place }) => place,
      )
    },
  }
}

/** How many of the sorted keys are equal to or before `key`. A signed zone may have as many as records. */
function placeAfter(count: number, keyAt: (index: number) => string, key: string): number {
  let low = 0
  for (let high = count; low < high; ) {
    const middle = (low + high) >>> 1
    if (keyAt(middle) <= key) low = middle + 1
    else high = middle
  }
  return low
}

/** The type that an RRSIG signs (RFC 4034 §3.1.1). */
export const coveredType = ({ type: rrType, rdata }: ResourceRecord): number | undefined =>
  rrType === type.RRSIG && rdata.length > 1 ? (rdata[0] << 8) | rdata[1] : undefined

/**
 * A string that sorts like the name in canonical order: labels from the right, octet by octet. Octet 0 ends a label, so 0 and 1
 * inside a label are written as 1, 1 and 1, 2.
 */
export function canonicalKey(name: string): string {
  return labelsOf(lowerName(name))
    .reverse()
    .map((label) => {
      const octets = Buffer.from(nameToWire(`${label}.`))
        .toString('latin1')
        .slice(1, -1)
      return octets.replaceAll('\x01', '\x01\x02').replaceAll('\x00', '\x01\x01')
    })
    .map((label) => `${label}\x00`)
    .join('')
}
