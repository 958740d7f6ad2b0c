/** The table's one writer. Readers see each change at once and complete; FORMAT.md has the protocol. */
import { randomFillSync } from 'node:crypto'
import { writeName } from '../dns/name.ts'
import { createAllocator, TableFull } from './allocator.ts'
import type { CachedEntry, TableWriter, UnservedReason } from './api.ts'
import { createEpochs } from './epochs.ts'
import { block, cell, formatVersion, headerBytes, maxSpaces, maxTableBytes, node, spaceIndex } from './layout.ts'
import { cachedSalt, createNameKey, finishHash, type NameKey, readName } from './name-key.ts'
import { createNodes } from './nodes.ts'
import { findCached, findNode, openTable } from './reader.ts'
import { createEviction, encodeReply, keyFlags } from './replies.ts'
import { encodeRules } from './rules.ts'
import { createSlots } from './slots.ts'
import { createProfiles, createSpaces, nobodysProfile } from './spaces.ts'
import type { NodeSpec } from './spec.ts'

export interface TableOptions {
  /** Reserved memory; it costs nothing until touched. Default and maximum: 1 GiB. */
  readonly reserveBytes?: number
  /** The same for the readers' counters. Default 64 MiB: 65,000 pairs of reader and profile. */
  readonly counterBytes?: number
  /** Limits of the cached replies. Default 32,768 entries and 16 MiB; the oldest are evicted first. */
  readonly maxCachedEntries?: number
  readonly maxCachedBytes?: number
  /** Milliseconds of the monotonic clock shared by all threads. */
  readonly now?: () => number
  /** Called once for each reason that leaves a space to the chain. */
  readonly onUnserved?: (reason: UnservedReason) => void
}

/** Milliseconds of a clock that all threads share. performance.now() is not one: it starts with its thread. */
export function monotonicMilliseconds(): number {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1e3 + nanoseconds / 1e6
}

/** Holds the sketches of 64 readers (src/answer/sketch/layout.ts); costs nothing until somebody looks at them. */
const sketchBytes = 2 ** 26

/** Entries that one slice of sweeping retired spaces visits: about half a millisecond. */
const sweepSlice = 2000

export function createTable(options: TableOptions = {}): TableWriter {
  const reserve = Math.min(options.reserveBytes ?? maxTableBytes, maxTableBytes)
  const handle = {
    memory: new SharedArrayBuffer(Math.max(reserve & ~0xffff, headerBytes + 0x100000)),
    counters: new SharedArrayBuffer(options.counterBytes ?? 2 ** 26),
    sketches: new SharedArrayBuffer(sketchBytes),
  }
  format(new Int32Array(handle.memory))
  const view = openTable(handle)
  const { bytes, words } = view
  const allocator = createAllocator(words, headerBytes)
  const epochs = createEpochs(words, allocator)
  const slots = createSlots(words, allocator, epochs)
  const nodes = createNodes(view, allocator, epochs)
  const spaces = createSpaces(view, allocator, epochs)
  const classes = createProfiles(view)
  const eviction = createEviction(view, allocator.sizeOf)
  const now = options.now ?? monotonicMilliseconds
  const maxCachedEntries = options.maxCachedEntries ?? 32_768
  const maxCachedBytes = options.maxCachedBytes ?? 16 * 2 ** 20
  const key = createNameKey(words)
  const inUse = new Set<number>()
  /** Spaces among them that are left to the chain. */
  const unserved = new Set<number>()
  const timesUnserved: Record<UnservedReason, number> = { memory: 0, profiles: 0 }
  /** Spaces whose entries are being dropped, oldest first. */
  const retired: number[] = []
  let sweepFrom = 0
  let sweepGeneration = 0
  let sweeping = false

  function drop(entry: number): void {
    slots.remove(entry)
    if (bytes[entry + 6] === block.node) nodes.retire(entry)
    else {
      eviction.remove(entry)
      epochs.retire(entry)
    }
  }

  /** Visits up to `most` entries and drops those of the oldest retired space; releases the space after the last entry. */
  function sweep(most: number): void {
    if (retired.length === 0) return
    if (sweepGeneration !== slots.generation()) sweepFrom = 0
    sweepGeneration = slots.generation()
    let left = most
    sweepFrom = slots.sweep(sweepFrom, (entry) => {
      if ((words[(entry >> 2) + 1] & 0xffff) === spaceIndex(retired[0])) drop(entry)
      return --left > 0
    })
    if (sweepFrom !== -1) return
    sweepFrom = 0
    spaces.release(retired.shift()!)
  }

  function sweepLater(): void {
    if (sweeping) return
    sweeping = true
    setImmediate(() => {
      sweeping = false
      sweep(sweepSlice)
      if (retired.length > 0) sweepLater()
      else epochs.reclaim()
    }).unref()
  }

  /** From now on the chain answers every question of the space. */
  function leaveToChain(space: number, reason: UnservedReason): void {
    if (unserved.has(space)) return
    unserved.add(space)
    spaces.serve(space, false)
    if (timesUnserved[reason]++ === 0) options.onUnserved?.(reason)
  }

  /**
   * When memory runs out the table must not keep giving outdated answers: the chain takes over the whole space.
   */
  function orUnserved<T>(space: number, work: () => T): T {
    try {
      return work()
    } catch (error) {
      if (error instanceof TableFull) leaveToChain(space, 'memory')
      throw error
    }
  }

  function put(space: number, profileId: number, name: string, spec: NodeSpec): void {
    const { shuffle } = classes.specOf(profileId)
    const zone = spaces.zoneOf(space, spec.zone)
    keyOf(key, name)
    // A reply would point to the zone within the question, which does not contain it.
    if (!endsIn(key, zone.wire)) throw new RangeError(`${name} is not in the zone ${zone.name}`)
    const hash = finishHash(key.hashes[0], spaceIndex(space), 0)
    const old = findNode(view, key, 0, spaceIndex(space))
    const entry = nodes.build({ key, hash, space, profileId, shuffle, zone, zoneAt: zone.at }, spec)
    if (old !== 0) {
      slots.replace(old, entry)
      nodes.retire(old)
      return
    }
    try {
      slots.insert(entry)
    } catch (error) {
      nodes.retire(entry)
      throw error
    }
  }

  function putCached(space: number, profileId: number, entry: CachedEntry): void {
    classes.specOf(profileId)
    keyOf(key, entry.name)
    const flags = keyFlags(entry.dnssecOk, entry.checkingDisabled)
    const hash = finishHash(key.hashes[0], spaceIndex(space), cachedSalt(entry.type, flags))
    const old = findCached(view, key, spaceIndex(space), entry.type, flags)
    // Even if the new reply cannot be stored, an older one must not remain.
    if (old !== 0) drop(old)
    const image = encodeReply({ key, hash, space, profileId, now: now() }, entry)
    if (!image || image.length > maxCachedBytes) return
    while (eviction.entries() >= maxCachedEntries || eviction.bytes() + image.length > maxCachedBytes) {
      drop(eviction.oldest())
    }
    try {
      const fresh = allocator.allocate(image.length)
      bytes.set(image, fresh)
      slots.insert(fresh)
      eviction.add(fresh)
    } catch (error) {
      // Dropping a reply that does not fit is allowed: it is only a cache.
      if (!(error instanceof TableFull)) throw error
    }
  }

  return {
    handle,
    createSpace() {
      // Numbers become free as retired spaces are swept: when all are taken, sweeping cannot wait.
      while (inUse.size + retired.length >= maxSpaces && retired.length > 0) sweep(sweepSlice)
      const space = spaces.create()
      inUse.add(space)
      return space
    },
    retireSpace(space) {
      if (!inUse.delete(space)) return
      unserved.delete(space)
      spaces.serve(space, false)
      retired.push(space)
      sweepLater()
    },
    defineProfile(space, spec) {
      const number = classes.define(spec)
      if (number === undefined && inUse.has(space)) leaveToChain(space, 'profiles')
      return number ?? nobodysProfile
    },
    profileOf: (number) => classes.specOf(number),
    zone(space, spec) {
      if (inUse.has(space)) orUnserved(space, () => spaces.declare(space, spec))
    },
    zoneUnlessKnown(space, spec) {
      if (inUse.has(space) && !spaces.knows(space, spec.zone)) orUnserved(space, () => spaces.declare(space, spec))
    },
    rules(space, given) {
      if (!inUse.has(space)) return
      const image = encodeRules(given, (name) => keyOf(key, name), classes.specOf)
      orUnserved(space, () => spaces.putRules(space, image))
    },
    put(space, profileId, name, spec) {
      if (inUse.has(space)) orUnserved(space, () => put(space, profileId, name, spec))
    },
    remove(space, name) {
      if (!inUse.has(space)) return
      keyOf(key, name)
      const entry = findNode(view, key, 0, spaceIndex(space))
      if (entry !== 0) drop(entry)
    },
    putCached(space, profileId, entry) {
      if (inUse.has(space)) putCached(space, profileId, entry)
    },
    removeCached(space, name, type, dnssecOk, checkingDisabled) {
      if (!inUse.has(space)) return
      keyOf(key, name)
      const entry = findCached(view, key, spaceIndex(space), type, keyFlags(dnssecOk, checkingDisabled))
      if (entry !== 0) drop(entry)
    },
    pluginAt(space, name) {
      if (!inUse.has(space)) return undefined
      keyOf(key, name)
      const entry = findNode(view, key, 0, spaceIndex(space))
      return entry === 0 ? undefined : classes.specOf(words[(entry + node.profileAt) >> 2] & 0xffff).plugin
    },
    addReader: () => epochs.addReader(),
    reclaim() {
      sweep(sweepSlice)
      epochs.reclaim()
    },
    stats: () => ({
      entries: slots.entries(),
      cachedEntries: eviction.entries(),
      cachedBytes: eviction.bytes(),
      slots: slots.size(),
      liveBytes: allocator.liveBytes() - epochs.retiredBytes(),
      retiredBytes: epochs.retiredBytes(),
      committedBytes: allocator.committedBytes(),
      profiles: classes.count(),
      unserved: timesUnserved,
    }),
  }
}

/** Initialises the fixed cells. The seeds are secret: names chosen to collide would slow the lookups down. */
function format(words: Int32Array): void {
  const secrets = randomFillSync(new Int32Array(2))
  words[cell.seed] = secrets[0]
  words[cell.multiplier] = secrets[1] | 1
  Atomics.store(words, cell.version, formatVersion)
}

const wire = new Uint8Array(256)

function keyOf(key: NameKey, name: string): NameKey {
  readName(key, wire, 0, writeName(name, wire, 0))
  return key
}

/** Whether the key's name is the zone or below it. */
function endsIn(key: NameKey, zone: Uint8Array): boolean {
  const start = key.length - zone.length
  return (
    key.starts.subarray(0, key.labels + 1).includes(start) && zone.every((octet, i) => key.octets[start + i] === octet)
  )
}
