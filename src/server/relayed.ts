/** Delivers replies that the relay sent without the chain to the plugins that keep them. */
import { parseRequest } from '../dns/reply.ts'
import { relayKeeper } from '../plugin/capabilities/relay.ts'
import { capabilityOf } from '../plugin/capability.ts'
import type { Outcome } from '../plugin/query.ts'
import type { ListenerPlan } from './block.ts'
import { queryFor } from './dispatch.ts'
import type { Relayed } from './ingress.ts'
import type { QuestionBudgets } from './question-budget.ts'
import { routeQuery } from './route-query.ts'

const noLookup = async (): Promise<Outcome> => ({ kind: 'drop', plugin: '' })

export function keepRelayed(relayed: Relayed, plan: ListenerPlan, budgets: QuestionBudgets): void {
  const { client, local, receivedAt } = relayed
  const asked = { transport: 'udp' as const, client, local, receivedAt, budget: budgets.open(receivedAt) }
  const { routed, query } = routeQuery(plan, queryFor(parseRequest(relayed.request), plan, asked, noLookup))
  if (!routed) return
  for (const { instance } of routed.block.plugins) {
    const keeper = capabilityOf(instance, relayKeeper)
    if (keeper) keeper.keep(query, relayed.reply)
  }
}
