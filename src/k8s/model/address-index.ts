/**
 * Finds the slices that hold an address: 150,000 endpoints in typed arrays (12 octets per entry and 4 per bucket), where a Map
 * keyed by text would take 20 MB. An entry holds the hash and the number of a slice; whether the slice really holds the
 * address, and as which of its endpoints, is read from the slice itself.
 *
 * Chaining instead of probing: one address may be in thousands of slices (a node's, with host networking), and adding must
 * stay cheap in that case.
 */
export interface AddressIndex {
  /** The caller adds each pair of hash and slice number only once. */
  add(hash: number, slice: number): void
  remove(hash: number, slice: number): void
  /** Numbers of the slices added with this hash. */
  find(hash: number): number[]
  readonly size: number
}

const none = -1

export function createAddressIndex(): AddressIndex {
  let capacity = 1024
  /** By bucket: an entry's number, or -1. There are as many buckets as entries, a power of two. */
  let heads = new Int32Array(capacity).fill(none)
  let hashes = new Int32Array(capacity)
  let slices = new Int32Array(capacity)
  /** By entry: the next one of the chain, or of the free list; -1 ends it. */
  let next = new Int32Array(capacity)
  let free = none
  let used = 0
  let size = 0

  const grow = (): void => {
    const longer = (array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> => {
      const copy = new Int32Array(capacity * 2)
      copy.set(array)
      return copy
    }
    hashes = longer(hashes)
    slices = longer(slices)
    next = longer(next)
    capacity *= 2
    heads = new Int32Array(capacity).fill(none)
    // Growing happens when the free list is empty, so every entry is in a chain.
    for (let entry = 0; entry < used; entry++) {
      const bucket = hashes[entry] & (capacity - 1)
      next[entry] = heads[bucket]
      heads[bucket] = entry
    }
  }

  return {
    add(hash, slice) {
      if (free === none && used === capacity) grow()
      const entry = free === none ? used++ : free
      if (entry === free) free = next[entry]
      const bucket = hash & (capacity - 1)
      hashes[entry] = hash
      slices[entry] = slice
      next[entry] = heads[bucket]
      heads[bucket] = entry
      size++
    },
    remove(hash, slice) {
      const bucket = hash & (capacity - 1)
      let before = none
      for (let entry = heads[bucket]; entry !== none; before = entry, entry = next[entry]) {
        if (hashes[entry] !== (hash | 0) || slices[entry] !== slice) continue
        if (before === none) heads[bucket] = next[entry]
        else next[before] = next[entry]
        next[entry] = free
        free = entry
        size--
        return
      }
    },
    find(hash) {
      const found: number[] = []
      for (let entry = heads[hash & (capacity - 1)]; entry !== none; entry = next[entry]) {
        if (hashes[entry] === (hash | 0)) found.push(slices[entry])
      }
      return found
    },
    get size() {
      return size
    },
  }
}

/** A hash of the address at `at` whose low bits are well mixed. Injective for IPv4 addresses. */
export function hashAddress(bytes: Uint8Array, at: number, size: number): number {
  let hash = 0
  for (let i = at; i < at + size; i += 4) {
    hash ^= (bytes[i] << 24) | (bytes[i + 1] << 16) | (bytes[i + 2] << 8) | bytes[i + 3]
    // The finaliser of MurmurHash3: each step is invertible, so no two IPv4 addresses collide.
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
    hash ^= hash >>> 16
  }
  return hash
}
