/** Questions recently handed over to the chain, by hash; newer ones overwrite others. */

/** Milliseconds for which the chain gets a question again after a hand-over: it caches failures, and shares slow exchanges. */
const handedOverFor = 5000
const handedOverCells = 4096

export interface HandedOver {
  has(hash: number, now: number): boolean
  add(hash: number, now: number): void
}

export function createHandedOver(): HandedOver {
  const hashes = new Int32Array(handedOverCells)
  const until = new Float64Array(handedOverCells)
  const cellOf = (hash: number): number => (hash ^ (hash >>> 15)) & (handedOverCells - 1)
  return {
    has(hash, now) {
      const cell = cellOf(hash)
      return hashes[cell] === hash && now < until[cell]
    },
    add(hash, now) {
      const cell = cellOf(hash)
      hashes[cell] = hash
      until[cell] = now + handedOverFor
    },
  }
}
