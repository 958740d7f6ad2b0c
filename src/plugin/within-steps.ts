/** What happens to a query whose regular expressions or expressions take too many steps. */
import { rcode } from '../dns/codes.ts'
import { StepsError } from '../regexp/index.ts'
import type { Outcome, Query } from './query.ts'

/**
 * The plugin's outcome. Where it throws or rejects with StepsError, it is not known whether a rule matches: SERVFAIL,
 * with the reason for the log.
 */
export function withinSteps(
  plugin: string,
  { budget }: Query,
  handle: () => Outcome | Promise<Outcome>,
): Outcome | Promise<Outcome> {
  const failed = (error: unknown): Outcome => {
    if (!(error instanceof StepsError)) throw error
    budget.countSteps()
    return { kind: 'rcode', rcode: rcode.SERVFAIL, plugin, ofQuestion: true, error }
  }
  try {
    const outcome = handle()
    return outcome instanceof Promise ? outcome.catch(failed) : outcome
  } catch (error) {
    return failed(error)
  }
}
