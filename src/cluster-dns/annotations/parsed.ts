/** What reading one annotation's text gives: its value, or why it is none. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  /** `reason`: a word for the metric's label. `rule`: a sentence for people, that names what would be right. */
  | { readonly ok: false; readonly reason: ProblemReason; readonly rule: string }

/**
 * syntax: it cannot be read. range: a number beyond its limits. unknown: no such key. refused: readable, not allowed.
 * advice: it is in effect, if hardly as it was meant.
 */
export type ProblemReason = 'syntax' | 'range' | 'unknown' | 'refused' | 'advice'

/** An annotation that is ignored. */
export interface Problem {
  /** The whole key: `slicedns.io/ttl`. */
  readonly key: string
  readonly reason: ProblemReason
  readonly rule: string
}

export const parsed = <T>(value: T): Parsed<T> => ({ ok: true, value })

export const problem = (reason: ProblemReason, rule: string): Parsed<never> => ({ ok: false, reason, rule })
