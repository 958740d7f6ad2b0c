/** Delivers queries that the table answered to the plugins that observe them. */

import type { AnsweredQuery } from '../plugin/observer.ts'
import { errorStack } from '../telemetry/error-text.ts'
import type { Logger } from '../telemetry/log.ts'
import type { ListenerPlan } from './block.ts'

/** Calls those observers of the block that precede the plugin that answered. */
export function notifyObservers(query: AnsweredQuery, plan: ListenerPlan, answeredBy: string, log: Logger): void {
  const observers = plan.router.route(query.name, query.qtype)?.block.observers ?? []
  for (const { plugin, value, precedes } of observers) {
    if (!precedes.has(answeredBy)) continue
    try {
      value.observe(query)
    } catch (error) {
      log.error(`plugin/${plugin} failed to observe a query: ${errorStack(error)}`)
    }
  }
}
