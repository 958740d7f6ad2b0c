import type { Outcome } from './query.ts'

/** Applies `change` to an outcome, synchronously unless it is a promise: most are not. */
export function withOutcome(
  outcome: Outcome | Promise<Outcome>,
  change: (outcome: Outcome) => Outcome,
): Outcome | Promise<Outcome> {
  return outcome instanceof Promise ? outcome.then(change) : change(outcome)
}

/** The rcode that the client gets; a dropped query counts as NOERROR (0). */
export function rcodeOf(outcome: Outcome): number {
  if (outcome.kind === 'reply') return outcome.message.rcode
  return outcome.kind === 'rcode' ? outcome.rcode : 0
}
