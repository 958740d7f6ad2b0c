/** The question as the next plugin gets it, and whether its outcome is for one client alone. */
import { forClient, type Next, type Outcome, type Query } from '../../plugin/query.ts'
import { withOutcome } from '../../plugin/with-outcome.ts'
import { askingForAd } from './replies.ts'

/**
 * Asks the next plugin. What a plugin has looked up for its answer (the target of a CNAME, say) may be for this client
 * alone, because `acl` or a `view` decides about it: then so is the answer.
 */
export function askNext(query: Query, next: Next): Outcome | Promise<Outcome> {
  let isForClient = false
  const lookup: Query['lookup'] = async (name, type, passing) => {
    const found = await query.lookup(name, type, passing)
    isForClient ||= found.forClient ?? false
    return found
  }
  return withOutcome(next({ ...askingForAd(query), lookup }), (outcome) => (isForClient ? forClient(outcome) : outcome))
}
