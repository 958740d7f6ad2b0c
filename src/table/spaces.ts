/** Spaces, their zones, and profiles. Writer only. */
import { nameToWire } from '../dns/name.ts'
import type { Allocator } from './allocator.ts'
import type { AnswerProfile } from './api.ts'
import { encodeSoa, type ZoneName } from './encode.ts'
import type { Epochs } from './epochs.ts'
import {
  block,
  CLEAR_AA,
  CLEAR_RD,
  MINIMAL,
  maxProfiles,
  maxSpaces,
  OBSERVE_ANSWERS,
  OBSERVE_DENIALS,
  profileCell,
  rulesCell,
  SET_RA,
  SET_RD,
  SHUFFLE,
  spaceCell,
  zone,
} from './layout.ts'
import type { TableView } from './reader.ts'
import { createScratch } from './scratch.ts'
import type { ZoneSpec } from './spec.ts'

export interface ZoneEntry extends ZoneName {
  /** Offset of the zone's block. */
  readonly at: number
  /** The zone's name in wire form. */
  readonly wire: Uint8Array
}

export interface Spaces {
  create(): number
  serve(space: number, on: boolean): void
  /** Removes the space's zones and frees its index. The space must have no entries left. */
  release(space: number): void
  declare(space: number, spec: ZoneSpec): void
  knows(space: number, zone: string): boolean
  /** The octets of a block of rules. */
  putRules(space: number, image: Uint8Array): void
  /** Throws when the space is not in use or the zone is not declared in it. */
  zoneOf(space: number, name: string): ZoneEntry
}

export function createSpaces(view: TableView, allocator: Allocator, epochs: Epochs): Spaces {
  const { bytes, words } = view
  const zones = new Map<number, Map<string, ZoneEntry>>()
  /** Numbers to use next: each is the successor, at the same index, of a released one. */
  const free: number[] = []
  let created = 0
  const scratch = createScratch(1024)

  function zonesOf(space: number): Map<string, ZoneEntry> {
    const own = zones.get(space)
    if (!own) throw new RangeError(`space ${space} of the answer table is not in use`)
    return own
  }

  function publishSoa(spec: ZoneSpec, name: ZoneName): number {
    scratch.at = 0
    encodeSoa(scratch, spec, name, block.soa)
    const offset = allocator.allocate(scratch.at)
    bytes.set(scratch.bytes.subarray(0, scratch.at), offset)
    return offset
  }

  function createZone(spec: ZoneSpec): ZoneEntry {
    const wire = nameToWire(spec.zone)
    const soaAt = publishSoa(spec, { name: spec.zone, octets: wire.length })
    const at = allocator.allocate(zone.nameAt + wire.length)
    words[at >> 2] = 0
    words[(at >> 2) + 1] = block.zone << 16
    words[(at + zone.lengthAt) >> 2] = wire.length
    bytes.set(wire, at + zone.nameAt)
    Atomics.store(words, (at + zone.soaAt) >> 2, soaAt)
    return { name: spec.zone, octets: wire.length, at, wire }
  }

  function replaceRules(space: number, offset: number): void {
    const old = Atomics.exchange(words, rulesCell(space), offset)
    if (old !== 0) epochs.retire(old)
  }

  return {
    create() {
      const space = created < maxSpaces ? created++ : free.shift()
      if (space === undefined) throw new RangeError(`the answer table has at most ${maxSpaces} spaces`)
      zones.set(space, new Map())
      Atomics.store(words, spaceCell(space), space + 1)
      return space
    },
    serve(space, on) {
      Atomics.store(words, spaceCell(space), on ? space + 1 : 0)
    },
    release(space) {
      replaceRules(space, 0)
      for (const { at } of zonesOf(space).values()) {
        epochs.retire(words[(at + zone.soaAt) >> 2])
        epochs.retire(at)
      }
      zones.delete(space)
      free.push((space + maxSpaces) & 0x7fffffff)
    },
    declare(space, spec) {
      const own = zonesOf(space)
      const known = own.get(spec.zone)
      if (!known) {
        own.set(spec.zone, createZone(spec))
        return
      }
      const old = words[(known.at + zone.soaAt) >> 2]
      Atomics.store(words, (known.at + zone.soaAt) >> 2, publishSoa(spec, known))
      epochs.retire(old)
    },
    putRules(space, image) {
      zonesOf(space)
      const offset = allocator.allocate(image.length)
      bytes.set(image, offset)
      replaceRules(space, offset)
    },
    knows: (space, name) => zonesOf(space).has(name),
    zoneOf(space, name) {
      const found = zonesOf(space).get(name)
      if (!found) throw new RangeError(`zone ${name} is not declared in space ${space} of the answer table`)
      return found
    },
  }
}

export interface Profiles {
  /** Undefined when all numbers are in use. They are never released: counters and records of the query log refer to them. */
  define(spec: AnswerProfile): number | undefined
  specOf(number: number): AnswerProfile
  /** How many are defined. */
  count(): number
}

/** Counts what has no profile: misses and malformed messages. */
export const nobodysProfile = 0
const nobody: AnswerProfile = { server: '', zone: '', view: '', plugin: '', shuffle: false, maxPayload: 0 }

export function createProfiles({ words }: TableView): Profiles {
  const specs: AnswerProfile[] = [nobody]
  const numbers = new Map<string, number>()
  return {
    define(spec) {
      const effects = effectsOf(spec)
      const key = JSON.stringify([spec.server, spec.zone, spec.view, spec.plugin, effects])
      const known = numbers.get(key)
      if (known !== undefined) return known
      const number = specs.length
      if (number === maxProfiles) return undefined
      specs.push({ ...spec })
      numbers.set(key, number)
      Atomics.store(words, profileCell(number), effects)
      return number
    },
    specOf(number) {
      const spec = specs[number]
      if (!spec) throw new RangeError(`profile ${number} of the answer table is not defined`)
      return spec
    },
    count: () => specs.length - 1,
  }
}

function effectsOf({ maxPayload, shuffle, observe, minimal, header }: AnswerProfile): number {
  return (
    Math.min(maxPayload, 0xffff) |
    (shuffle ? SHUFFLE : 0) |
    (observe?.answers ? OBSERVE_ANSWERS : 0) |
    (observe?.denials ? OBSERVE_DENIALS : 0) |
    (minimal ? MINIMAL : 0) |
    (header?.authoritative === false ? CLEAR_AA : 0) |
    (header?.recursionAvailable === true ? SET_RA : 0) |
    (header?.recursionDesired === true ? SET_RD : 0) |
    (header?.recursionDesired === false ? CLEAR_RD : 0)
  )
}
