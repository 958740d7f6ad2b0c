/**
 * Which clients cause most of a thread's recent misses: counts by a hash of the client's address, salted so that nobody can
 * choose whom to collide with. Allocates nothing.
 */
import { randomInt } from 'node:crypto'

export interface RecentClients {
  /** Counts a miss of the client with the address at `at`. True if more than a quarter of the recent ones are its. */
  dominates(bytes: Uint8Array, at: number, length: number): boolean
}

const cells = 1024
/** Misses after which all counts are halved, so that old ones fade. */
const halvedAfter = 2048
/** Below this count nobody dominates: a few queries of one client fill nothing. */
const fewest = 64
const share = 1 / 4

export function createRecentClients(salt: number = randomInt(2 ** 31)): RecentClients {
  const counts = new Uint16Array(cells)
  let total = 0
  return {
    dominates(bytes, at, length) {
      let hash = salt
      for (let i = 0; i < length; i++) hash = Math.imul(hash ^ bytes[at + i], 0x01000193)
      const cell = (hash ^ (hash >>> 15)) & (cells - 1)
      counts[cell]++
      if (++total >= halvedAfter) {
        total = 0
        for (let i = 0; i < cells; i++) total += counts[i] >>= 1
      }
      return counts[cell] > Math.max(fewest, total * share)
    },
  }
}
