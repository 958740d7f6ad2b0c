/** Questions that were handed over to the chain lately, by hash; newer ones take the places of others. */

/** Milliseconds for which the chain gets a question that has been handed over: it keeps failures, and shares what is slow. */
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
