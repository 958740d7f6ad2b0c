/**
 * What is asked most, in fixed memory: space-saving sketches (Metwally, Agrawal, El Abbadi: Efficient computation of
 * frequent and top-k elements in data streams, 2005). A new key replaces the one with the lowest count and continues from
 * that count, which is its error: the true count lies between count − error and count. To find the lowest without a heap,
 * a sketch is divided into sets of eight; a key's hash chooses its set.
 *
 * Memory: a header, then an area for each thread that counts. An area has two halves: when the generation in the header is
 * raised, all threads switch to the other half, emptied, so that both together cover the last minute.
 */

/** Words of the header, all written by the main thread except `places`. */
export const headerWord = {
  /** 0: nothing is counted. Else the half in use is its lowest bit. */
  generation: 0,
  /** Areas in use. */
  places: 1,
  /** Zones of clusters: their number, then the hash and the label count of each one's name. */
  zones: 2,
  zoneList: 3,
} as const
export const maxZones = 8
/** By area: the reader slot of its owner + 1. */
export const placeOwnerWord = 32
/** There are at most as many threads as CPUs; threads beyond this number are not counted. */
export const maxPlaces = 64
const headerOctets = 4 * (placeOwnerWord + maxPlaces)

export const sketches = ['names', 'nxdomain', 'servfail', 'clients', 'picks'] as const
export type SketchName = (typeof sketches)[number]

/** A power of two. */
export const sets = 32
export const ways = 8
const entries = sets * ways

/** Words of an entry. The version is odd while the entry is written. */
export const entryWord = { version: 0, hash: 1, count: 2, error: 3, facts: 4 } as const
const entryWords = 5
/** Octets of a key: a name in wire form; an address. */
export const keyOctets: Readonly<Record<SketchName, number>> = {
  names: 256,
  nxdomain: 256,
  servfail: 256,
  clients: 16,
  picks: 256,
}

/** A half: its generation, then 64-bit counts, then the sketches one after the other, each its entries and their keys. */
export const halfWord = { generation: 0 } as const
/** In 64-bit floats from the start of the half. `queries`: an estimate; `counted`: the queries that it is based on. */
export const halfCount = { queries: 1, counted: 2, wasted: 3 } as const
const halfHeaderOctets = 32

export interface SketchPlace {
  /** Index of the first word of the first entry. */
  readonly word: number
  /** Offset of the first entry's key. */
  readonly keys: number
}

const sketchOctets = (name: SketchName): number => entries * (4 * entryWords + keyOctets[name])
const halfOctets = halfHeaderOctets + sketches.reduce((sum, name) => sum + sketchOctets(name), 0)
const placeOctets = 2 * halfOctets

/** Areas that the memory holds. */
export const placesIn = ({ byteLength }: SharedArrayBuffer): number =>
  Math.max(0, Math.min(maxPlaces, Math.floor((byteLength - headerOctets) / placeOctets)))

/** Offset of an area's half. */
export const halfAt = (place: number, half: number): number => headerOctets + place * placeOctets + half * halfOctets

/** Location of a sketch in a half. */
export function sketchAt(half: number, name: SketchName): SketchPlace {
  let at = half + halfHeaderOctets
  for (const other of sketches) {
    if (other === name) break
    at += sketchOctets(other)
  }
  return { word: at >> 2, keys: at + entries * 4 * entryWords }
}

export const entryAt = ({ word }: SketchPlace, entry: number): number => word + entry * entryWords
