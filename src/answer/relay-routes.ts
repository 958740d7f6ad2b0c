/** Chooses a name's route: that of the closest zone at or above it. Looked up by hash, without strings. */
import { type } from '../dns/codes.ts'
import { createNameKey, type NameKey, readName } from '../table/name-key.ts'

/** A decision for names at and below a zone; structured-cloneable. */
export interface RelayZone {
  /** In wire form, lower case. */
  readonly zone: Uint8Array
  /** Index among the routes, or -1: the chain answers. */
  readonly route: number
  /** Types that stay on the chain. */
  readonly held: HeldTypes
}

export interface HeldTypes {
  readonly a: boolean
  readonly aaaa: boolean
  readonly others: boolean
}

export interface Routes {
  /** Index of the route of this name and type, or -1 for the chain. */
  find(key: NameKey, asked: number): number
}

/** `words`: the table's memory, which has the secrets of the hash. */
export function createRoutes(zones: readonly RelayZone[], words: Int32Array): Routes {
  let size = 16
  while (size < zones.length * 2) size *= 2
  /** Index of the zone + 1. */
  const slots = new Int32Array(size)
  const hashes = new Int32Array(zones.length)
  const key = createNameKey(words)
  for (const [i, { zone }] of zones.entries()) {
    readName(key, zone, 0, zone.length)
    hashes[i] = key.hashes[0]
    let slot = hashes[i] & (size - 1)
    while (slots[slot] !== 0) slot = (slot + 1) & (size - 1)
    slots[slot] = i + 1
  }

  function zoneAt(name: NameKey, label: number): RelayZone | undefined {
    const hash = name.hashes[label]
    for (let slot = hash & (size - 1); slots[slot] !== 0; slot = (slot + 1) & (size - 1)) {
      const i = slots[slot] - 1
      if (hashes[i] === hash && endsIn(name, label, zones[i].zone)) return zones[i]
    }
    return undefined
  }

  return {
    find(name, asked) {
      for (let label = 0; label <= name.labels; label++) {
        const found = zoneAt(name, label)
        if (found === undefined) continue
        return isHeld(found.held, asked) ? -1 : found.route
      }
      return -1
    },
  }
}

export function isHeld(held: HeldTypes, asked: number): boolean {
  if (asked === type.A) return held.a
  return asked === type.AAAA ? held.aaaa : held.others
}

function endsIn(name: NameKey, label: number, zone: Uint8Array): boolean {
  const start = name.starts[label]
  if (name.length - start !== zone.length) return false
  for (let i = 0; i < zone.length; i++) if (name.octets[start + i] !== zone[i]) return false
  return true
}
