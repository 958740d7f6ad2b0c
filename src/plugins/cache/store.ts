/** What is kept: whole replies in wire form, for they are small that way, in two caches of bounded size. */
import { LRUCache } from 'lru-cache'

export interface Entry {
  readonly key: string
  /** Lower case, absolute. */
  readonly name: string
  readonly type: number
  readonly class: number
  readonly dnssecOk: boolean
  readonly checkingDisabled: boolean
  /** The reply without OPT, every TTL set to `ttl`, AA set. */
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
  /** True when another entry had to go. */
  set(kind: Kind, entry: Entry): boolean
  remove(kind: Kind, key: string): void
  size(kind: Kind): number
}

/** `dropped` hears of each entry that is removed or replaced. */
export function createStore(capacity: Readonly<Record<Kind, number>>, dropped: (entry: Entry) => void): Store {
  // No `ttl`: lru-cache takes a TTL of 0 for "for ever", and stale entries are wanted (serve_stale). No `max`: it takes the
  // memory for so many entries at once, half a mebibyte for each `cache` of a Corefile and any amount where one asks for it.
  const create = (maxSize: number) =>
    new LRUCache<string, Entry>({ maxSize, sizeCalculation: () => 1, dispose: (entry) => dropped(entry) })
  const caches = { success: create(capacity.success), denial: create(capacity.denial) }
  return {
    get: (kind, key) => caches[kind].get(key),
    set(kind, entry) {
      const cache = caches[kind]
      const evicts = cache.size === capacity[kind] && !cache.has(entry.key)
      cache.set(entry.key, entry)
      return evicts
    },
    remove: (kind, key) => void caches[kind].delete(key),
    size: (kind) => caches[kind].size,
  }
}

/** Whole seconds left; 0 or less: expired so many seconds ago. */
export const secondsLeft = (entry: Entry, now: number): number => entry.ttl - Math.floor((now - entry.storedAt) / 1000)
