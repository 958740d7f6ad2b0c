/** Chance that can be repeated: the same seed gives the same datagrams, streams and orders. */

export interface Random {
  /** 0 to limit - 1. */
  below(limit: number): number
  chance(probability: number): boolean
  pick<T>(list: readonly T[]): T
  bytes(length: number): Buffer
}

/** HOSTILE_SEED repeats a run. */
export const seed = Number(process.env.HOSTILE_SEED ?? 20_260_729)

/** sfc32 (Chris Doty-Humphrey): 128 bits of state, far more than these tests draw. */
export function createRandom(from: number): Random {
  let [a, b, c, d] = [from | 0, 0x9e3779b9 | 0, 0x243f6a88, 1]
  const next = (): number => {
    const sum = (a + b + d) | 0
    d = (d + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    return sum >>> 0
  }
  for (let i = 0; i < 15; i++) next()
  const below = (limit: number): number => Math.floor((next() / 2 ** 32) * limit)
  return {
    below,
    chance: (probability) => next() < probability * 2 ** 32,
    pick: (list) => list[below(list.length)]!,
    bytes(length) {
      const octets = Buffer.allocUnsafe(length)
      for (let i = 0; i < length; i++) octets[i] = next() >>> 24
      return octets
    },
  }
}
