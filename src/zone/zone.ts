/** A zone's records by name, and what a lookup must know beyond them: names with names below, the order of names. */
import { type } from '../dns/codes.ts'
import type { ResourceRecord } from '../dns/message.ts'
import { isSubdomain, labelsOf, lowerName, nameToWire, parentOf } from '../dns/name.ts'
import { readSoa } from '../dns/rdata.ts'

/** Records of a zone: with its place in the answer table each takes up to 3 KB. */
export const maxZoneRecords = 250_000

export type RRsets = ReadonlyMap<number, readonly ResourceRecord[]>

export interface Zone {
  /** Lower case and absolute. */
  readonly origin: string
  readonly serial: number
  /** Records, the SOA among them. */
  readonly size: number
  readonly soa: ResourceRecord
  /** The zone's own name servers. */
  readonly ns: readonly ResourceRecord[]
  /** Records of a name (lower case) without SOA and NS of the apex, and the signatures of these. */
  readonly names: ReadonlyMap<string, RRsets>
  /** The signatures of the apex's SOA and NS. */
  readonly apexSignatures: readonly ResourceRecord[]
  /** Names with a name below them, whether or not they have records. */
  readonly above: ReadonlySet<string>
  /** The NSEC record's owner that is the name or comes before it in canonical order (RFC 4034 §6.1). */
  denier(name: string): string | undefined
  /** Everything but the SOA. */
  records(): Iterable<ResourceRecord>
}

export interface ZoneBuilder {
  /** Owners are kept in lower case. False for a record outside of the zone, which is left out. */
  add(record: ResourceRecord): boolean
  /** The zone; it must have had an SOA. */
  finish(): Zone
}

export function createZoneBuilder(origin: string): ZoneBuilder {
  const names = new Map<string, Map<number, ResourceRecord[]>>()
  const above = new Set<string>()
  const ns: ResourceRecord[] = []
  const apexSignatures: ResourceRecord[] = []
  const deniers: { readonly key: string; readonly name: string }[] = []
  let soa: ResourceRecord | undefined
  let size = 0

  function addAncestors(name: string): void {
    for (let at = name; at !== origin; ) {
      at = parentOf(at)
      if (above.has(at)) return
      above.add(at)
    }
  }

  function addToName(record: ResourceRecord): void {
    const { name, type: rrType } = record
    let rrsets = names.get(name)
    if (!rrsets) {
      rrsets = new Map()
      names.set(name, rrsets)
      addAncestors(name)
    }
    const rrset = rrsets.get(rrType)
    if (rrset) rrset.push(record)
    else rrsets.set(rrType, [record])
    if (rrType === type.NSEC) deniers.push({ key: canonicalKey(name), name })
  }

  return {
    add(written) {
      const name = lowerName(written.name)
      if (!isSubdomain(origin, name)) return false
      const record = { ...written, name }
      size++
      const covered = coveredType(record)
      if (name !== origin) addToName(record)
      else if (record.type === type.SOA) soa = record
      else if (record.type === type.NS) ns.push(record)
      else if (covered === type.SOA || covered === type.NS) apexSignatures.push(record)
      else addToName(record)
      return true
    },
    finish() {
      if (!soa) throw new Error(`the zone ${origin} has no SOA`)
      deniers.sort((a, b) => (a.key < b.key ? -1 : 1))
      return {
        origin,
        serial: readSoa(soa.rdata).serial,
        size,
        soa,
        ns,
        names,
        apexSignatures,
        above,
        denier(name) {
          const key = canonicalKey(name)
          return deniers[placeAfter(deniers, key) - 1]?.name
        },
        *records() {
          yield* ns
          yield* apexSignatures
          for (const rrsets of names.values()) for (const rrset of rrsets.values()) yield* rrset
        },
      }
    },
  }
}

/** How many of the sorted keys are `key` or before it. A signed zone may have as many as it has records. */
function placeAfter(sorted: readonly { readonly key: string }[], key: string): number {
  let low = 0
  for (let high = sorted.length; low < high; ) {
    const middle = (low + high) >>> 1
    if (sorted[middle].key <= key) low = middle + 1
    else high = middle
  }
  return low
}

/** The type that an RRSIG signs (RFC 4034 §3.1.1). */
export const coveredType = ({ type: rrType, rdata }: ResourceRecord): number | undefined =>
  rrType === type.RRSIG && rdata.length > 1 ? (rdata[0] << 8) | rdata[1] : undefined

/**
 * A string that sorts as the name does in canonical order: labels from the right, octet by octet. Octet 0 closes a label,
 * so 0 and 1 inside of one are written as 1, 1 and 1, 2.
 */
function canonicalKey(name: string): string {
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
