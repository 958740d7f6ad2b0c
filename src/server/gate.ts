/** What stands between a source and the answer table: the plugins before it in the chain. */

import { type DataPlaneEffects, dataPlaneEffects } from '../plugin/capabilities/data-plane-effects.ts'
import { decisions } from '../plugin/capabilities/decisions.ts'
import { extendedErrors } from '../plugin/capabilities/extended-errors.ts'
import { type QueryObserver, queryObserver } from '../plugin/capabilities/query-observer.ts'
import { type Claim, type Transparency, transparency } from '../plugin/capabilities/transparency.ts'
import { type Capability, capabilityOf } from '../plugin/capability.ts'
import type { BlockPlugin, Instance } from '../plugin/contract.ts'
import { defaultPolicy, type ExtendedErrorPolicy } from '../plugin/extended-error.ts'
import type { Observed, TableWriter } from '../table/api.ts'

/** A server block on one listener, reduced to what publishing needs. */
export interface PublishedBlock {
  /** In chain order. */
  readonly plugins: readonly BlockPlugin[]
  /** The block's zones on this listener. */
  readonly zones: readonly string[]
  readonly server: string
  readonly view: string
  /** True when this block answers `name` on this listener for every client. */
  owns(name: string): boolean
  /** Zones of other blocks on the listener below `name`. */
  foreignZonesBelow(name: string): readonly string[]
  /** The block's zone that holds `name`: the `zone` label of metrics. */
  zoneOf(name: string): string
}

/** What the plugins before a source let into the table, and what the data plane does on their behalf. */
export interface Gate {
  readonly block: PublishedBlock
  readonly space: number
  readonly writer: TableWriter
  /** Names and zones that are left entirely to the chain. */
  readonly claimed: readonly string[]
  /** What plugins before this one claim of the answers at the name. */
  claims(name: string): readonly Claim[]
  /** Whether the chain decides about all missing names below this one. */
  isOpenBelow(name: string): boolean
  profileFor(name: string): number
  /** `extended_errors` of the block. */
  readonly extendedErrors: ExtendedErrorPolicy
  /** The profile of a node that leaves everything to the chain: it belongs to no plugin. */
  chainProfile(name: string): number
}

export function createGate(block: PublishedBlock, position: number, space: number, writer: TableWriter): Gate {
  const { plugins } = block
  const { plugin } = plugins[position]
  const earlier = block.plugins.slice(0, position)
  const opaque = earlier.flatMap(({ instance }) => claimsOf(instance) ?? [])
  const effects = combineEffects(earlier)
  const observers = allOf(earlier, queryObserver)
  const profiles = new Map<string, number>()
  return {
    block,
    space,
    writer,
    claimed: opaque.flatMap(({ questions = [] }) =>
      questions.flatMap(({ zone, missing }) => (missing === 'whole' ? [zone] : [])),
    ),
    claims: (name) => opaque.flatMap((each) => each.claims(name) ?? []),
    extendedErrors: plugins.flatMap(({ instance }) => capabilityOf(instance, extendedErrors) ?? [])[0] ?? defaultPolicy,
    isOpenBelow: (name) => opaque.some((each) => each.claimsBelow(name) !== undefined),
    chainProfile(name) {
      const labels = { server: block.server, zone: block.zoneOf(name), view: block.view, plugin: '' }
      return writer.defineProfile(space, { ...labels, ...noEffects })
    },
    profileFor(name) {
      const zone = block.zoneOf(name)
      const observe = combineObservers(observers, name)
      const key = observe ? `${zone} ${Object.values(observe).join(' ')}` : zone
      let number = profiles.get(key)
      if (number === undefined) {
        const labels = { server: block.server, zone, view: block.view, plugin }
        number = writer.defineProfile(space, { ...labels, ...effects, ...(observe && { observe }) })
        profiles.set(key, number)
      }
      return number
    },
  }
}

/** What the plugin claims from the table; undefined when the rules of the space decide all of it. */
export function claimsOf(instance: Instance): Transparency | undefined {
  return capabilityOf(instance, decisions)?.complete ? undefined : capabilityOf(instance, transparency)
}

function allOf<T>(plugins: readonly BlockPlugin[], capability: Capability<T>): T[] {
  return plugins.flatMap(({ instance }) => capabilityOf(instance, capability) ?? [])
}

const noEffects: Required<DataPlaneEffects> = { shuffle: false, maxPayload: 0, minimal: false, header: {} }

/** The combined effects of all of them; a payload of 0 is no limit. */
export function combineEffects(plugins: readonly BlockPlugin[]): Required<DataPlaneEffects> {
  const all = allOf(plugins, dataPlaneEffects)
  const payloads = all.flatMap(({ maxPayload }) => maxPayload || [])
  return {
    shuffle: all.some(({ shuffle }) => shuffle),
    maxPayload: payloads.length > 0 ? Math.min(...payloads) : 0,
    minimal: all.some(({ minimal }) => minimal),
    header: Object.assign({}, ...all.map(({ header }) => header)),
  }
}

/** What any of them observes of the name and the names below it; undefined if nothing. */
function combineObservers(observers: readonly QueryObserver[], name: string): Observed | undefined {
  let answers = false
  let denials = false
  for (const observer of observers) {
    const wanted = observer.wants(name)
    answers ||= wanted.answers
    denials ||= wanted.denials
  }
  return answers || denials ? { answers, denials } : undefined
}
