/**
 * Zones of plugins that answer from live data and pass names that they lack to the next plugin (`fallthrough`). The
 * next plugin's answers are cached; before one is repeated, the plugin of the zone is asked whether it has the name by
 * now. So a new pod or Service is in the next answer.
 */
import { rcode } from '../../dns/codes.ts'
import { isSubdomain } from '../../dns/name.ts'
import type { Provider } from '../../plugin/contract.ts'
import type { Outcome, Query } from '../../plugin/query.ts'
import type { DynamicZones } from './capability.ts'

export interface BlockDynamicZones {
  /** Whether the named plugin has such zones. */
  belongTo(plugin: string): boolean
  /** Whether a plugin of these zones answers the query now. */
  answer(query: Query): boolean
  /** Whether the name is in one of the zones. */
  contain(name: string): boolean
}

const passed: Outcome = { kind: 'drop', plugin: '' }

export function createDynamicZones(providers: readonly Provider<DynamicZones>[]): BlockDynamicZones {
  const dynamic = providers.map(({ value }) => value)
  const owners = new Set(providers.map(({ plugin }) => plugin))
  const isIn = (zones: readonly string[], name: string): boolean => zones.some((zone) => isSubdomain(zone, name))
  return {
    belongTo: (plugin) => owners.has(plugin),
    answer: (query) =>
      dynamic.some(({ zones, handler }) => {
        if (!isIn(zones, query.name)) return false
        // Only whether there is an answer counts; no client waits for it.
        const outcome = handler({ ...query, releaseSlot: undefined }, () => passed)
        if (outcome instanceof Promise) outcome.catch(() => undefined)
        return outcome instanceof Promise || !isMissing(outcome)
      }),
    contain: (name) => dynamic.some(({ zones }) => isIn(zones, name)),
  }
}

/** Passed on, or denied: a cached answer for a name that the plugin denies came from an earlier plugin (`autopath`). */
const isMissing = (outcome: Outcome): boolean =>
  outcome === passed || (outcome.kind === 'reply' && outcome.message.rcode === rcode.NXDOMAIN)
