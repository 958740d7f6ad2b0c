/** Gives plugins that ask for it access to the names of their block's listener. */

import { isSubdomain, lowerName } from '../dns/name.ts'
import { queryMessage } from '../dns/query.ts'
import { compiledSource } from '../plugin/capabilities/compiled-source.ts'
import { type OwnNames, ownNames } from '../plugin/capabilities/own-names.ts'
import { capabilityOf } from '../plugin/capability.ts'
import type { Clock } from '../scheduling/clock.ts'
import type { Block, ListenerPlan } from './block.ts'
import type { Dispatcher } from './dispatch.ts'

/** A block on several listeners gets the names of the first. */
export function offerOwnNames(plans: readonly ListenerPlan[], dispatcher: Dispatcher, clock: Clock): void {
  const offered = new Set<Block>()
  for (const plan of plans) {
    for (const block of plan.blocks) {
      if (offered.has(block)) continue
      offered.add(block)
      for (const { instance } of block.plugins) {
        capabilityOf(instance, ownNames)?.(namesOf(plan, dispatcher, clock))
      }
    }
  }
}

function namesOf(plan: ListenerPlan, dispatcher: Dispatcher, clock: Clock): OwnNames {
  return {
    async lookup(name, type) {
      const owners = ownersOf(plan, lowerName(name), type)
      if (owners.length === 0) return undefined
      const outcome = await dispatcher.outcome(queryMessage(name, type, true), plan, {
        transport: 'tcp',
        client: { address: '127.0.0.1', port: 0 },
        local: { address: plan.address || '127.0.0.1', port: plan.port },
        receivedAt: clock.now(),
        unrecorded: true,
      })
      return owners.includes(outcome.plugin) ? outcome : undefined
    },
  }
}

/** The plugins with their own data in a zone that holds the name. */
function ownersOf(plan: ListenerPlan, name: string, type: number): string[] {
  const { plugins = [] } = plan.router.route(name, type)?.block ?? {}
  return plugins.flatMap(({ plugin, instance }) => {
    const zones = capabilityOf(instance, compiledSource)?.zones ?? []
    return zones.some((zone) => isSubdomain(zone, name)) ? [plugin] : []
  })
}
