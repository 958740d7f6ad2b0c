/**
 * Bounds the memory of all caches of the process together. The Corefile bounds the entries of a `cache`, not their
 * size: 9,984 replies of 1 KiB in each of a few caches are more than a small container has.
 */
export interface CacheMemory {
  /** Adds a cache. `evictOldest` drops the least recently used entry; false when the cache is empty. */
  join(evictOldest: () => boolean): CacheMember
}

export interface CacheMember {
  /**
   * The cache grew by so many octets (shrank, when negative). When all caches together exceed the limit, the largest
   * evicts.
   */
  add(octets: number): void
  leave(): void
}

export function createCacheMemory(limit: number, onEvicted: () => void): CacheMemory {
  const members = new Set<{ octets: number; readonly evictOldest: () => boolean }>()
  let total = 0
  let evicting = false

  function evict(): void {
    // An eviction reports what it freed through `add`.
    if (evicting) return
    evicting = true
    while (total > limit) {
      const [largest] = [...members].sort((a, b) => b.octets - a.octets)
      if (!largest?.evictOldest()) break
      onEvicted()
    }
    evicting = false
  }

  return {
    join(evictOldest) {
      const member = { octets: 0, evictOldest }
      members.add(member)
      return {
        add(octets) {
          member.octets += octets
          total += octets
          evict()
        },
        leave() {
          if (members.delete(member)) total -= member.octets
        },
      }
    },
  }
}
