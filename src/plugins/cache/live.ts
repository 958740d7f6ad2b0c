/**
 * Plugins that answer from live data and let others answer what it lacks (`fallthrough`). What the others said is kept,
 * but a pod or Service that comes is in the next answer: each hit in their zones is first seen to be none of theirs yet.
 */
import { rcode } from '../../dns/codes.ts'
import { isSubdomain } from '../../dns/name.ts'
import type { Instance } from '../../plugin/contract.ts'
import type { Outcome, Query } from '../../plugin/query.ts'

export interface DynamicZones {
  /** One of them has the name that is asked for, by now. */
  have(query: Query): boolean
  /** The name is in a zone of theirs: only they know for how long something is true of it. */
  mayHave(name: string): boolean
}

const passed: Outcome = { kind: 'drop', plugin: '' }

export function livePlugins(instances: readonly Instance[]): DynamicZones {
  const live = instances.flatMap(({ live: zones, handler }) => (zones && handler ? [{ zones, handler }] : []))
  const isIn = (zones: readonly string[], name: string): boolean => zones.some((zone) => isSubdomain(zone, name))
  return {
    have: (query) =>
      live.some(({ zones, handler }) => {
        if (!isIn(zones, query.name)) return false
        // Nobody waits for what it says.
        const outcome = handler({ ...query, releaseSlot: undefined }, () => passed)
        if (outcome instanceof Promise) outcome.catch(() => undefined)
        return outcome instanceof Promise || !isMissing(outcome)
      }),
    mayHave: (name) => live.some(({ zones }) => isIn(zones, name)),
  }
}

/** Passed on, or denied: what is kept of a name that it denies came from a plugin before it (`autopath`). */
const isMissing = (outcome: Outcome): boolean =>
  outcome === passed || (outcome.kind === 'reply' && outcome.message.rcode === rcode.NXDOMAIN)
