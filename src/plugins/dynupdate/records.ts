/** The records of a dynamic zone by owner and type, without duplicates (RFC 2136 §1.1). */
import { type } from '../../dns/codes.ts'
import type { ResourceRecord } from '../../dns/message.ts'
import { lowerName } from '../../dns/name.ts'
import { recordKey } from '../../dns/record-key.ts'

export interface ZoneRecords {
  /** Lower case and absolute. */
  readonly origin: string
  readonly size: number
  /** Octets of all records, uncompressed. */
  readonly octets: number
  soa(): ResourceRecord | undefined
  all(): Iterable<ResourceRecord>
  at(name: string): readonly ResourceRecord[]
  of(name: string, rrType: number): readonly ResourceRecord[]
  has(record: ResourceRecord): ResourceRecord | undefined
  put(record: ResourceRecord): void
  remove(record: ResourceRecord): void
  copy(): ZoneRecords
}

/** Type, class, TTL and length of the rdata; a name is one octet longer on the wire than in text. */
const fixedOctets = 10 + 1

const octetsOf = ({ name, rdata }: ResourceRecord): number => name.length + fixedOctets + rdata.length

type ByName = Map<string, Map<string, ResourceRecord>>

/** `names`: the maps of another version, copied on write. */
export function createZoneRecords(origin: string, names: ByName = new Map(), octetsBefore = 0): ZoneRecords {
  const byName: ByName = new Map(names)
  /** Names whose map was copied for this version. */
  const own = new Set<string>()
  let octets = octetsBefore
  let size = 0
  for (const records of byName.values()) size += records.size

  function mapOf(name: string): Map<string, ResourceRecord> {
    const found = byName.get(name)
    if (found && own.has(name)) return found
    const copy = new Map(found)
    own.add(name)
    byName.set(name, copy)
    return copy
  }

  function remove(record: ResourceRecord): void {
    const name = lowerName(record.name)
    const key = recordKey(record)
    const there = byName.get(name)?.get(key)
    if (!there) return
    octets -= octetsOf(there)
    size--
    const map = mapOf(name)
    map.delete(key)
    if (map.size === 0) byName.delete(name)
  }

  const at = (name: string): readonly ResourceRecord[] => [...(byName.get(lowerName(name))?.values() ?? [])]
  const of = (name: string, rrType: number) => at(name).filter((record) => record.type === rrType)

  return {
    origin,
    get size() {
      return size
    },
    get octets() {
      return octets
    },
    soa: () => of(origin, type.SOA)[0],
    *all() {
      for (const records of byName.values()) yield* records.values()
    },
    at,
    of,
    has: (record) => byName.get(lowerName(record.name))?.get(recordKey(record)),
    put(record) {
      remove(record)
      mapOf(lowerName(record.name)).set(recordKey(record), record)
      octets += octetsOf(record)
      size++
    },
    remove,
    copy: () => createZoneRecords(origin, byName, octets),
  }
}
