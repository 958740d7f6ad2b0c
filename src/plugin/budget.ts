/**
 * Bounds on the work of one question, wherever it is done: in the chain, CNAME chases, internal lookups, upstreams
 * (docs/limits.md, "A question"). Without them one question of 45 octets can cause unbounded work, because names can
 * lead to many names.
 */
import type { StepAllowance } from '../regexp/index.ts'

export interface QueryLimits {
  /** Milliseconds after the query was received. */
  readonly time: number
  /** Lookups outside of the plugin that asks. */
  readonly lookups: number
  readonly names: number
  readonly octets: number
  /** Steps of regular expressions and expressions: see StepAllowance. */
  readonly steps: number
}

/**
 * time: resolvers give up after 5 s. lookups: a client that connects to one target does not need more than a few.
 * names: more than any chain of real Services has, and a few milliseconds of work. octets: the largest message. steps:
 * ten of the longest searches, some 10 ms; a thousand ordinary rules take half of it.
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
  /** Takes one name that a plugin follows within its own data. False when the bound is reached. */
  spendName(): boolean
  /** For searches with regular expressions, and expressions. */
  readonly steps: StepAllowance
  /** Counts a search or expression that took too many steps. */
  countSteps(): void
  /** Takes octets of an answer under construction. False when no message holds more. */
  spendOctets(octets: number): boolean
  /**
   * For work that outlives the question or is shared with other questions (a shared lookup, a prefetch). It spends from
   * the same budget, but only its own deadline and shutdown end it. Close it when the work is done.
   */
  detach(): DetachedBudget
}

export interface DetachedBudget extends QueryBudget {
  close(): void
}
