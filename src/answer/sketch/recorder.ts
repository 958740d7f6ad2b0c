/**
 * A thread's side of the sketches (layout.ts). Counting a query takes almost a microsecond, so only about a thousand a
 * second are counted: below that rate all of them, above it one in `interval`, with that weight. They are selected at
 * random, so that no client can avoid being counted.
 */
import { rcode } from '../../dns/codes.ts'
import type { TableHandle } from '../../table/api.ts'
import type { NameKey } from '../../table/name-key.ts'
import {
  entryAt,
  entryWord,
  halfAt,
  halfCount,
  halfWord,
  headerWord,
  keyOctets,
  placeOwnerWord,
  placesIn,
  type SketchName,
  type SketchPlace,
  sets,
  sketchAt,
  sketches,
  ways,
} from './layout.ts'

/** Target number of counted queries per second. */
const wanted = 1_024
/** Milliseconds between adaptations of the interval to the rate. */
const period = 1_000
/** At a sudden rise at most twice the target is counted before the interval grows by this factor. */
const growth = 8
const largestInterval = 4_096

/** An answered query. */
export interface CountedQuery {
  readonly key: NameKey
  readonly rcode: number
  /** Octets of the client's address. */
  readonly client: Uint8Array
  readonly clientAt: number
  /** Labels of the name below the closest existing name, when the table denied it; otherwise 0. */
  readonly labelsBelow: number
  /** The selected variant of a split (VariantsSpec) plus 1; 0: none. */
  readonly picked: number
}

export interface SketchRecorder {
  /** Sets the time at which the queries counted from now on arrived, in milliseconds of a clock. */
  begin(now: number): void
  /** `family` is 1 for IPv4, 2 for IPv6. */
  count(query: CountedQuery, family: 1 | 2): void
}

/** `slot`: the reader's. Responders of one thread share an area. */
export function createSketchRecorder({ sketches: memory }: TableHandle, slot: number): SketchRecorder {
  const words = new Int32Array(memory)
  const bytes = new Uint8Array(memory)
  const cells = new Float64Array(memory)
  let halves: readonly Half[] | undefined
  let since = Number.NEGATIVE_INFINITY
  /** In this period: queries seen, and those counted since the interval grew. */
  let seen = 0
  let counted = 0
  /** One query in so many is counted, with that weight. */
  let interval = 1
  let left = 1
  /** Xorshift: the selection needs no cryptographic strength. */
  let random = (Math.random() * 0x7fffffff) | 1

  function half(generation: number): Half | undefined {
    halves ??= openHalves(memory, words, slot)
    const found = halves[generation & 1]
    if (found && Atomics.load(words, found.at >> 2) !== generation) empty(found, generation)
    return found
  }

  function empty({ at, places }: Half, generation: number): void {
    for (const name of sketches) {
      // Keys are left in place: an entry with count 0 is empty, whatever its key.
      words.fill(0, places[name].word, entryAt(places[name], sets * ways))
    }
    cells.fill(0, (at >> 3) + halfCount.queries, (at >> 3) + halfCount.wasted + 1)
    Atomics.store(words, (at >> 2) + halfWord.generation, generation)
  }

  function add(
    place: SketchPlace,
    hash: number,
    from: Uint8Array,
    at: number,
    octets: number,
    facts: number,
    stride: number,
  ) {
    // The multiplication spreads hashes that differ in few bits only.
    const set = (Math.imul(hash, 0x9e3779b1) >>> 27) * ways
    let least = 0
    let leastCount = 0x7fffffff
    for (let i = set; i < set + ways; i++) {
      const word = entryAt(place, i)
      const count = words[word + entryWord.count]
      if (count !== 0 && words[word + entryWord.hash] === hash && words[word + entryWord.facts] === facts) {
        words[word + entryWord.count] = count + interval
        return
      }
      if (count < leastCount) {
        leastCount = count
        least = i
      }
    }
    const word = entryAt(place, least)
    const version = words[word + entryWord.version]
    Atomics.store(words, word + entryWord.version, version + 1)
    words[word + entryWord.hash] = hash
    words[word + entryWord.count] = leastCount + interval
    words[word + entryWord.error] = leastCount
    words[word + entryWord.facts] = facts
    const to = place.keys + least * stride
    for (let i = 0; i < octets; i++) bytes[to + i] = from[at + i]
    Atomics.store(words, word + entryWord.version, version + 2)
  }

  /** An outside name with a search path behind it: two labels or more below any existing name of a cluster's zone. */
  function isWasted({ key, labelsBelow }: CountedQuery): boolean {
    if (labelsBelow < 2) return false
    for (let i = words[headerWord.zones] - 1; i >= 0; i--) {
      const labels = words[headerWord.zoneList + 2 * i + 1]
      if (key.labels > labels && key.hashes[key.labels - labels] === words[headerWord.zoneList + 2 * i]) return true
    }
    return false
  }

  function record(query: CountedQuery, family: 1 | 2, { at, places }: Half): void {
    const { key, client, clientAt, picked } = query
    const hash = key.hashes[0]
    cells[(at >> 3) + halfCount.queries] += interval
    cells[(at >> 3) + halfCount.counted] += 1
    add(places.names, hash, key.octets, 0, key.length, key.length, keyOctets.names)
    if (query.rcode === rcode.NXDOMAIN) {
      add(places.nxdomain, hash, key.octets, 0, key.length, key.length, keyOctets.nxdomain)
      if (isWasted(query)) cells[(at >> 3) + halfCount.wasted] += interval
    } else if (query.rcode === rcode.SERVFAIL)
      add(places.servfail, hash, key.octets, 0, key.length, key.length, keyOctets.servfail)
    if (picked !== 0) {
      const facts = key.length | (picked << 8)
      add(places.picks, hash ^ Math.imul(picked, 0x85ebca77), key.octets, 0, key.length, facts, keyOctets.picks)
    }
    const octets = family === 1 ? 4 : 16
    let address = key.seed
    for (let i = 0; i < octets; i++) address = Math.imul(address ^ client[clientAt + i], key.multiplier)
    add(places.clients, address ^ (address >>> 15), client, clientAt, octets, octets, keyOctets.clients)
  }

  return {
    begin(now) {
      const elapsed = now - since
      if (elapsed < period) return
      interval = Math.min(largestInterval, Math.max(1, Math.round((seen * period) / (elapsed * wanted))))
      if (left > interval) left = interval
      since = now
      seen = 0
      counted = 0
    },
    count(query, family) {
      seen++
      if (--left > 0) return
      random ^= random << 13
      random ^= random >>> 17
      random ^= random << 5
      if (++counted > 2 * wanted && interval < largestInterval) {
        interval *= growth
        counted = 0
      }
      // Random, with the interval as its mean.
      left = 1 + ((random >>> 8) % (2 * interval - 1))
      const generation = words[headerWord.generation]
      if (!generation) return
      const found = half(generation)
      if (found) record(query, family, found)
    },
  }
}

interface Half {
  readonly at: number
  readonly places: Readonly<Record<SketchName, SketchPlace>>
}

/** Takes an area for the slot, or returns the one that it has; [] when all are taken. */
function openHalves(memory: SharedArrayBuffer, words: Int32Array, slot: number): readonly Half[] {
  for (let place = 0; place < placesIn(memory); place++) {
    const owner = Atomics.compareExchange(words, placeOwnerWord + place, 0, slot + 1)
    if (owner !== 0 && owner !== slot + 1) continue
    if (owner === 0) Atomics.add(words, headerWord.places, 1)
    return [0, 1].map((half) => {
      const at = halfAt(place, half)
      const names = sketches.map((name) => [name, sketchAt(at, name)] as const)
      return { at, places: Object.fromEntries(names) as Record<SketchName, SketchPlace> }
    })
  }
  return []
}
