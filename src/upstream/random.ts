import { randomFillSync } from 'node:crypto'

/** Random octets are drawn in bulk: one system call serves 2,048 questions. */
const pool = new Uint16Array(2048)
let used = pool.length

/** An unpredictable ID (RFC 5452 §9.2). */
export function randomId(): number {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  return pool[used++]
}

/** Uniform in [0, 2^32), equally unpredictable. */
export const randomWord = (): number => ((randomId() << 16) | randomId()) >>> 0

/** A copy of the message with another ID. */
export function withId(wire: Uint8Array, id: number): Uint8Array {
  const copy = wire.slice()
  copy[0] = id >> 8
  copy[1] = id & 0xff
  return copy
}

/** The list in random order. */
export function shuffled<T>(list: readonly T[]): T[] {
  const result = [...list]
  for (let last = result.length - 1; last > 0; last--) {
    const other = randomId() % (last + 1)
    const moved = result[last]
    result[last] = result[other]
    result[other] = moved
  }
  return result
}
