/** The main thread's side of the sketches (layout.ts): it starts the counting, and sums over all threads. */
import type { TableHandle } from '../../table/api.ts'
import { createNameKey, readName } from '../../table/name-key.ts'
import {
  entryAt,
  entryWord,
  halfAt,
  halfCount,
  halfWord,
  headerWord,
  keyOctets,
  maxZones,
  type SketchName,
  sets,
  sketchAt,
  sketches,
  ways,
} from './layout.ts'

/** A key with its count and the count's error: the true count is at least `count - error`. */
export interface Counted {
  /** A name in wire form, or an address. */
  readonly octets: Uint8Array
  /** The variant's tag, in `picks`. */
  readonly tag: number
  readonly count: number
  readonly error: number
}

export interface SketchSums extends Readonly<Record<SketchName, readonly Counted[]>> {
  readonly queries: number
  /** Queries that the estimates are based on. */
  readonly sampled: number
  /** Queries for outside names below a cluster's zone, caused by search paths. */
  readonly wasted: number
}

export interface SketchReader {
  /** Starts counting, or continues in an emptied half: counts from before the last call are discarded. */
  advance(): void
  stop(): void
  /** The zones in which a search path wastes queries: names in wire form, lower case. */
  setZones(zones: readonly Uint8Array[]): void
  /** The counts since the second-last call of `advance`. */
  read(): SketchSums
}

export function createSketchReader({ memory, sketches: shared }: TableHandle): SketchReader {
  const words = new Int32Array(shared)
  const bytes = new Uint8Array(shared)
  const cells = new Float64Array(shared)
  const key = createNameKey(new Int32Array(memory))
  /** Raised every half minute: it does not overflow for a thousand years. */
  let generation = 0
  let counting = false

  function add(into: Map<string, Counted>, half: number, name: SketchName): void {
    const place = sketchAt(half, name)
    for (let entry = 0; entry < sets * ways; entry++) {
      const word = entryAt(place, entry)
      const version = Atomics.load(words, word + entryWord.version)
      const count = words[word + entryWord.count]
      const error = words[word + entryWord.error]
      const facts = words[word + entryWord.facts]
      const from = place.keys + entry * keyOctets[name]
      const octets = bytes.slice(from, from + Math.min(facts & 0xff, keyOctets[name]))
      // The thread is writing this entry: the next read includes it.
      if (count === 0 || version & 1 || Atomics.load(words, word + entryWord.version) !== version) continue
      const tag = facts >>> 8
      const id = `${tag} ${Buffer.from(octets).toString('latin1')}`
      const before = into.get(id)
      into.set(id, { octets, tag, count: count + (before?.count ?? 0), error: error + (before?.error ?? 0) })
    }
  }

  return {
    advance() {
      // After a pause neither half may belong to the previous generation.
      generation += counting ? 1 : 2
      counting = true
      Atomics.store(words, headerWord.generation, generation)
    },
    stop() {
      counting = false
      Atomics.store(words, headerWord.generation, 0)
    },
    setZones(zones) {
      const taken = zones.slice(0, maxZones)
      for (const [i, zone] of taken.entries()) {
        readName(key, zone, 0, zone.length)
        words[headerWord.zoneList + 2 * i] = key.hashes[0]
        words[headerWord.zoneList + 2 * i + 1] = key.labels
      }
      Atomics.store(words, headerWord.zones, taken.length)
    },
    read() {
      const sums = new Map(sketches.map((name) => [name, new Map<string, Counted>()]))
      let queries = 0
      let sampled = 0
      let wasted = 0
      for (let place = 0; place < words[headerWord.places]; place++)
        for (const which of [0, 1]) {
          const half = halfAt(place, which)
          const of = Atomics.load(words, (half >> 2) + halfWord.generation)
          if (!counting || of === 0 || (of !== generation && of !== generation - 1)) continue
          queries += cells[(half >> 3) + halfCount.queries]
          sampled += cells[(half >> 3) + halfCount.counted]
          wasted += cells[(half >> 3) + halfCount.wasted]
          for (const name of sketches) add(sums.get(name)!, half, name)
        }
      const sorted = sketches.map((name) => [name, mostFirst(sums.get(name)!)] as const)
      return { ...(Object.fromEntries(sorted) as Record<SketchName, Counted[]>), queries, sampled, wasted }
    },
  }
}

const mostFirst = (counted: ReadonlyMap<string, Counted>): Counted[] =>
  [...counted.values()].sort((a, b) => b.count - a.count)
