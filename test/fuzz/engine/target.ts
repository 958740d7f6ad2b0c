import type { Random } from '../../hostile/random.ts'

/** What is fuzzed: one reader of hostile input, and what must hold whatever the input is. */
export interface Target {
  /** Inputs to begin with, besides the corpus. */
  readonly seeds: readonly Uint8Array[]
  /** What the input is made of, in pieces that chance hardly finds. */
  readonly words: readonly (string | Uint8Array)[]
  /** Octets that an input may have. */
  readonly maxOctets: number
  /** Steps (counted places of the sources) that an input of so many octets may cost. */
  maxSteps(octets: number): number
  /** A change that knows the format; undefined where the input has no such place. */
  mutate?(input: Uint8Array, random: Random): Uint8Array | undefined
  /** Throws where something does not hold. */
  check(input: Uint8Array): void | Promise<void>
}
