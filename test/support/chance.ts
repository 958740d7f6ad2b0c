/** Statistics for tests: bounds that a right program exceeds less than once in 10^10 runs, and a random source to fix. */
import assert from 'node:assert/strict'

/** ln(2 / 10^-10) */
const rarity = Math.log(2e10)

/** By how much the count of events of this probability may differ from its mean in so many trials (Bernstein's bound). */
export function deviation(trials: number, probability: number): number {
  const variance = trials * probability * (1 - probability)
  return rarity / 3 + Math.sqrt((rarity / 3) ** 2 + 2 * variance * rarity)
}

/** `slack`: by how much the probability itself may differ, in parts of it. */
export function assertShare(count: number, trials: number, probability: number, what: string, slack = 0): void {
  const allowed = deviation(trials, probability) + trials * probability * slack
  const distance = Math.abs(count - trials * probability)
  assert.ok(distance <= allowed, `${what}: ${count} of ${trials}, which should be ${probability} of them`)
}

/** Uniform in [0, 2^32), the same numbers for the same seed (mulberry32). */
export function fixedRandom(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
}
