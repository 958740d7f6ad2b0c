/**
 * A uniformly random order, only as far as it is needed: the first steps of a Fisher-Yates shuffle over an index that is
 * restored afterwards. 28 of 1,000 addresses cost 28 steps, and every subset and order is equally likely.
 */
import { randomFillSync } from 'node:crypto'

export interface Sampler {
  /** The identity (index[i] = i) between uses. */
  readonly index: Int32Array
  /** What was swapped with position i, to be restored. */
  readonly swapped: Int32Array
  /** Uniform in [0, 2^32). */
  readonly random: () => number
}

export function createSampler(length: number, random: (() => number) | undefined): Sampler {
  const index = new Int32Array(length)
  for (let i = 0; i < length; i++) index[i] = i
  return { index, swapped: new Int32Array(length), random: random ?? createRandom() }
}

/** The element at `position` of a random order of `length` elements; positions must be requested in turn from 0. */
export function drawNext(sampler: Sampler, position: number, length: number): number {
  const { index, swapped } = sampler
  const other = position + below(sampler, length - position)
  const drawn = index[other]
  index[other] = index[position]
  index[position] = drawn
  swapped[position] = other
  return drawn
}

/** Undoes the draws at positions below `drawn`. */
export function undoDraws(sampler: Sampler, drawn: number): void {
  const { index, swapped } = sampler
  for (let i = 0; i < drawn; i++) {
    index[swapped[i]] = swapped[i]
    index[i] = i
  }
}

/** Uniform in [0, bound), for bounds up to 2^32. */
export function below(sampler: Sampler, bound: number): number {
  return Math.floor((sampler.random() * bound) / 0x100000000)
}

/** sfc32 (Doty-Humphrey): fast, 128 bits of state, seeded by the system. The order need not be unpredictable. */
function createRandom(): () => number {
  const state = randomFillSync(new Int32Array(4))
  let a = state[0]
  let b = state[1]
  let c = state[2]
  let counter = state[3]
  return () => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    c |= 0
    return sum >>> 0
  }
}
