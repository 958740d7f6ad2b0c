/** Asks the next plugin, and marks outcomes that are for one client only. */
import { forClient, type Next, type Outcome, type Query } from '../../plugin/query.ts'
import { withOutcome } from '../../plugin/with-outcome.ts'
import { askingForAd } from './replies.ts'

/**
 * Asks the next plugin. If an internal lookup (of the target of a CNAME, say) had an outcome for this client only,
 * because `acl` or a `view` decided about it, then so is the answer.
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
