/** Cached replies, whole and in wire form because they are small that way, in two caches of bounded size. */
import { LRUCache } from 'lru-cache'
import type { CacheMemory } from './memory.ts'

export interface Entry {
  readonly key: string
  /** Lower case, absolute. */
  readonly name: string
  readonly type: number
  readonly class: number
  readonly dnssecOk: boolean
  readonly checkingDisabled: boolean
  /** The reply without OPT, every TTL set to `ttl`. */
  readonly wire: Uint8Array
  /** Of the reply without name compression. */
  readonly octets: number
  readonly rcode: number
  readonly authenticData: boolean
  /** SERVFAIL or NOTIMP. */
  readonly failure: boolean
  /** Milliseconds of the monotonic clock. */
  readonly storedAt: number
  /** Seconds. */
  readonly ttl: number
  hits: number
  lastHitAt: number
  /** A refresh is on its way, so no other one is begun. */
  refreshing: boolean
  /** Milliseconds of the monotonic clock before which a failed refresh is not tried again (`serve_stale` RECHECK). */
  recheckAt: number
}

export type Kind = 'success' | 'denial'

export interface Store {
  get(kind: Kind, key: string): Entry | undefined
  /** How many other entries had to go. */
  set(kind: Kind, entry: Entry): number
  remove(kind: Kind, key: string): void
  size(kind: Kind): number
  /** Takes no part in the bound on memory any more. */
  close(): void
}

/**
 * A reply takes the place of one entry for each kibibyte; most have 100 to 500 octets. Otherwise the owner of a
 * zone whose answers have 64 KiB could make a cache of 9,984 entries take 600 MiB.
 */
const placeOctets = 1024

/** Memory of an entry beside its reply, names and key: the object, its place in the map, the headers of its buffers. */
const entryOverhead = 600

const octetsOf = ({ wire, key, name }: Entry): number => entryOverhead + wire.length + key.length + name.length

export interface StoreOptions {
  readonly capacity: Readonly<Record<Kind, number>>
  readonly memory: CacheMemory
  /** Called with each entry that is removed or replaced. */
  readonly dropped: (entry: Entry) => void
}

export function createStore({ capacity, memory, dropped }: StoreOptions): Store {
  let evicted = 0
  // No `ttl`: lru-cache takes a TTL of 0 for "for ever", and stale entries are wanted (serve_stale). No `max`: it takes the
  // memory for so many entries at once, half a mebibyte for each `cache` of a Corefile and any amount where one asks for it.
  const create = (maxSize: number) =>
    new LRUCache<string, Entry>({
      maxSize,
      sizeCalculation: ({ wire }) => Math.ceil(wire.length / placeOctets),
      dispose(entry, _key, reason) {
        if (reason === 'evict') evicted++
        member.add(-octetsOf(entry))
        dropped(entry)
      },
    })
  const caches = { success: create(capacity.success), denial: create(capacity.denial) }
  const member = memory.join(() => {
    const { success, denial } = caches
    return (success.calculatedSize >= denial.calculatedSize ? success : denial).pop() !== undefined
  })
  return {
    get: (kind, key) => caches[kind].get(key),
    set(kind, entry) {
      const before = evicted
      const cache = caches[kind]
      cache.set(entry.key, entry)
      // A reply that is larger than the cache is not kept.
      if (cache.peek(entry.key) === entry) member.add(octetsOf(entry))
      return evicted - before
    },
    remove: (kind, key) => void caches[kind].delete(key),
    size: (kind) => caches[kind].size,
    close: member.leave,
  }
}

/** Whole seconds left; 0 or less: expired so many seconds ago. */
export const secondsLeft = (entry: Entry, now: number): number => entry.ttl - Math.floor((now - entry.storedAt) / 1000)
