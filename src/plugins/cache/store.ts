/** Cached replies in two bounded caches, in wire form, which is small. */
import { LRUCache } from 'lru-cache'
import type { CacheMemory } from './memory.ts'

/** A cached reply. There are 10,000 in a small cache: nothing is kept that the key or the octets already give. */
export interface Entry {
  /** The reply without OPT, every TTL set to `ttl`, one character per octet: a third of the memory of a Uint8Array. */
  readonly wire: string
  /** Octets of the reply without name compression. */
  readonly octets: number
  readonly rcode: number
  readonly authenticData: boolean
  /** Failures in a row (SERVFAIL, NOTIMP), this one included; 0 for other replies. */
  readonly failures: number
  /** Of a failure: the `recoveries` of upstreams at that time. */
  readonly recoveries: number
  /** The reply answers its question. */
  readonly answered: boolean
  /** Milliseconds of the monotonic clock. */
  readonly storedAt: number
  /** Seconds. */
  readonly ttl: number
  hits: number
  lastHitAt: number
  /** A renewal is under way, so no other is begun. */
  refreshing: boolean
  /** Milliseconds of the monotonic clock before which a failed renewal is not tried again (`serve_stale` RECHECK). */
  recheckAt: number
  /** The answer that this reply, which is not an answer, replaced (`prefer_positive`). */
  readonly lastAnswer: Entry | undefined
  /** The wildcard of a zone that made the answer (metadata `zone/wildcard`). */
  readonly wildcard: string | undefined
}

export type Kind = 'success' | 'denial'

export interface Store {
  get(kind: Kind, key: string): Entry | undefined
  /** Returns the number of entries evicted for it. */
  set(kind: Kind, key: string, entry: Entry): number
  remove(kind: Kind, key: string): void
  size(kind: Kind): number
  /** Leaves the shared bound on memory. */
  close(): void
}

/**
 * A reply counts as one entry for each kibibyte; most have 100 to 500 octets. Otherwise the owner of a zone with
 * answers of 64 KiB could make a cache of 9,984 entries take 600 MiB.
 */
const placeOctets = 1024

/** Memory of an entry beside its reply and key: the object, its place in the map, the headers of its strings. */
const entryOverhead = 400

const octetsOf = ({ wire, wildcard, lastAnswer }: Entry, key: string): number =>
  entryOverhead +
  wire.length +
  key.length +
  (wildcard?.length ?? 0) +
  (lastAnswer ? entryOverhead + lastAnswer.wire.length : 0)

export interface StoreOptions {
  readonly capacity: Readonly<Record<Kind, number>>
  readonly memory: CacheMemory
  /** Called with each entry that is removed or replaced. */
  readonly dropped: (key: string, entry: Entry) => void
}

export function createStore({ capacity, memory, dropped }: StoreOptions): Store {
  let evicted = 0
  // No `ttl`: lru-cache reads a TTL of 0 as "for ever", and stale entries are wanted (serve_stale). No `max`: it
  // allocates the memory for so many entries at once, half a mebibyte for each `cache` of a Corefile, more for a larger
  // CAP.
  const create = (maxSize: number) =>
    new LRUCache<string, Entry>({
      maxSize,
      sizeCalculation: ({ wire }) => Math.ceil(wire.length / placeOctets),
      dispose(entry, key, reason) {
        if (reason === 'evict') evicted++
        member.add(-octetsOf(entry, key))
        dropped(key, entry)
      },
    })
  const caches = { success: create(capacity.success), denial: create(capacity.denial) }
  const member = memory.join(() => {
    const { success, denial } = caches
    return (success.calculatedSize >= denial.calculatedSize ? success : denial).pop() !== undefined
  })
  return {
    get: (kind, key) => caches[kind].get(key),
    set(kind, key, entry) {
      const before = evicted
      const cache = caches[kind]
      cache.set(key, entry)
      // A reply that is larger than the cache is not kept.
      if (cache.peek(key) === entry) member.add(octetsOf(entry, key))
      return evicted - before
    },
    remove: (kind, key) => void caches[kind].delete(key),
    size: (kind) => caches[kind].size,
    close: member.leave,
  }
}

/** Whole seconds left; 0 or less: expired so many seconds ago. */
export const secondsLeft = (entry: Entry, now: number): number => entry.ttl - Math.floor((now - entry.storedAt) / 1000)
