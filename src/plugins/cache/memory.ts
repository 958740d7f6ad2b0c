/**
 * The octets that all caches of the process may hold together. The entries of a `cache` are bounded by its Corefile; what
 * they take is not: 9,984 replies of a kibibyte in each of a few caches are more than a small container has.
 */
export interface CacheMemory {
  /** A cache takes part. `evictOldest` drops the entry that was used least recently; false when the cache is empty. */
  join(evictOldest: () => boolean): CacheMember
}

export interface CacheMember {
  /** The cache has so many octets more (less, when negative). When they are too many in all, the largest cache evicts. */
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
