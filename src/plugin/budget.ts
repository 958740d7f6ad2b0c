/**
 * What one question may cause, in whatever it runs through: the chain, CNAMEs that are followed, lookups within lookups,
 * upstreams (docs/limits.md, "A question"). Without it one question of 45 octets can cause work without end, because
 * names can lead to many names.
 */
import type { StepAllowance } from '../regexp/index.ts'

export interface QueryLimits {
  /** Milliseconds after the query was received. */
  readonly time: number
  /** Names outside of the plugin that asks. */
  readonly lookups: number
  readonly names: number
  readonly octets: number
  /** Of searches with regular expressions: see StepAllowance. */
  readonly steps: number
}

/**
 * time: resolvers give up after 5 s. lookups: an answer with more than a few targets elsewhere is no use to a client
 * that connects to one. names: more than any chain of real Services, and a few milliseconds of work. octets: a message. steps: ten of the longest searches, some
 * 10 ms; a thousand ordinary rules take half of it.
 */
export const queryLimits: QueryLimits = { time: 5_000, lookups: 8, names: 64, octets: 65_535, steps: 400_000 }

/** Why a question has ended before its answer. `gone`: the client has closed its connection. */
export type QuestionEnd = 'deadline' | 'gone' | 'shutdown'

export interface QueryBudget {
  /** When all work for the question ends: milliseconds of the monotonic clock. */
  readonly deadline: number
  /** Aborted when the question ends before its answer: waiting for an upstream on its behalf then stops. */
  readonly signal: AbortSignal
  /** Why it has ended before its answer; undefined while it has not. */
  readonly ended: QuestionEnd | undefined
  /** Takes one lookup outside of the plugin that asks. False when the bound is reached. */
  spendLookup(): boolean
  /** Takes one name of a plugin's own that is followed. False when the bound is reached. */
  spendName(): boolean
  /** For searches with regular expressions, and expressions. */
  readonly steps: StepAllowance
  /** Counts a search or expression that has taken too many steps. */
  countSteps(): void
  /** Takes octets of an answer under construction. False when no message holds more. */
  spendOctets(octets: number): boolean
  /**
   * For work that outlives the question, or that other questions wait for, too (a shared lookup, a prefetch): it spends
   * from the same budget, and is ended by a deadline of its own and by shutdown alone. Close it when the work is done.
   */
  detach(): DetachedBudget
}

export interface DetachedBudget extends QueryBudget {
  close(): void
}
