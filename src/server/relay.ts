/**
 * What the UDP threads of a listener may pass to upstreams by themselves: the names that every plugin before `forward`
 * would only pass on (docs/design.md §14).
 */
import { type HeldTypes, isHeld, type RelayZone } from '../answer/relay-routes.ts'
import { type as rrType } from '../dns/codes.ts'
import { isSubdomain, nameToWire, parentOf } from '../dns/name.ts'
import { compiledSource } from '../plugin/capabilities/compiled-source.ts'
import {
  type ReasonOfChain,
  type RelayRoute,
  type RelayTable,
  type RelayTarget,
  relayKeeper,
  relayPassage,
  relayTarget,
} from '../plugin/capabilities/relay.ts'
import { type ClaimedQuestions, transparency } from '../plugin/capabilities/transparency.ts'
import { capabilityOf } from '../plugin/capability.ts'
import type { BlockPlugin } from '../plugin/contract.ts'
import type { TableWriter } from '../table/api.ts'
import type { Block, ListenerPlan } from './block.ts'
import { claimsOf, combineEffects, createGate, type PublishedBlock } from './gate.ts'
import type { RelaySource } from './ingress.ts'

/** A block of the listener that has `forward`. */
interface RelayingBlock {
  readonly block: Block
  readonly earlier: readonly BlockPlugin[]
  readonly target: RelayTarget
  profileFor(name: string): number
}

interface Decision {
  readonly route: RelayRoute
  readonly held: HeldTypes
  /** Why some types stay on the chain. */
  readonly reason: string
}

interface DecidedZone extends RelayZone, ReasonOfChain {
  readonly takesExpired: boolean
}

const nothingHeld = { a: false, aaaa: false, others: false }

export interface RelaySourceOptions {
  readonly plan: ListenerPlan
  readonly space: number
  readonly writer: TableWriter
  readonly published: (block: Block) => PublishedBlock
  /** Until it resolves the table may lack names that plugins have, so nothing is relayed. */
  readonly settled: Promise<unknown>
}

export function createRelaySource(options: RelaySourceOptions): RelaySource {
  const { plan } = options
  const blocks = plan.blocks.flatMap((block) => relayingBlock(block, options) ?? [])
  const watchers = new Set<() => void>()
  let isSettled = false
  let current: { readonly table: RelayTable; readonly zones: ReadonlyMap<string, DecidedZone> } | undefined

  function change(): void {
    current = isSettled && blocks.length > 0 ? build(plan, blocks) : undefined
    for (const changed of watchers) changed()
  }

  options.settled.then(
    () => {
      isSettled = true
      change()
    },
    // A failure is logged where names are published.
    () => undefined,
  )
  const targets = plan.blocks.flatMap(({ plugins }) =>
    plugins.flatMap(({ instance }) => capabilityOf(instance, relayTarget) ?? []),
  )
  return {
    sockets: targets.find(({ sockets }) => sockets)?.sockets,
    table: () => current?.table,
    reasonOfChain(name, qtype, expired) {
      if (!current) return 'not every plugin has published its names yet'
      const found = closest(current.zones, name)
      if (found === undefined || found.route < 0 || isHeld(found.held, qtype))
        return found?.reason ?? 'no forward serves this zone'
      return expired && !found.takesExpired ? 'cache serves it stale, counts its hits or prefetches it' : undefined
    },
    watch(changed) {
      const watched = blocks.flatMap(({ target, earlier }) => [
        target.watch(change),
        ...earlier.flatMap(({ instance }) => capabilityOf(instance, relayPassage)?.watch?.(change) ?? []),
      ])
      watchers.add(changed)
      return {
        remove() {
          watchers.delete(changed)
          for (const each of watched) each.remove()
        },
      }
    },
  }
}

function relayingBlock(block: Block, { space, writer, published }: RelaySourceOptions): RelayingBlock | undefined {
  const position = block.plugins.findIndex(({ instance }) => capabilityOf(instance, relayTarget))
  if (position < 0 || block.isView) return undefined
  const target = capabilityOf(block.plugins[position].instance, relayTarget)!
  const gate = createGate(published(block), position, space, writer)
  return {
    block,
    earlier: block.plugins.slice(0, position).filter(({ instance }) => instance.handler),
    target,
    profileFor: (name) => gate.profileFor(name),
  }
}

function build(plan: ListenerPlan, blocks: readonly RelayingBlock[]) {
  const routes: RelayRoute[] = []
  const zones = new Map<string, DecidedZone>()
  for (const block of plan.blocks) {
    const relaying = blocks.find((each) => each.block === block)
    for (const zone of relaying ? pointsOf(relaying) : block.zones) {
      // Views decide by client; zones of other blocks are handled with their own block.
      if (plan.router.owner(zone)?.block !== block && !block.zones.includes(zone)) continue
      const owned = plan.router.owner(zone)?.block === block
      if (!owned && zones.has(zone)) continue
      zones.set(zone, decidedZone(zone, owned ? decide(relaying, zone) : byView, routes))
    }
  }
  const table: RelayTable = {
    zones: [...zones.values()].map(({ zone, route, held }) => ({ zone, route, held })),
    own: ownZones(plan),
    routes,
  }
  return { table, zones }
}

/** The listener's zones, without the root: `hosts` may have names in it, but so has the upstream. */
function ownZones({ blocks }: ListenerPlan): readonly string[] {
  const compiled = blocks.flatMap(({ plugins }) =>
    plugins.flatMap(({ instance }) => capabilityOf(instance, compiledSource)?.zones ?? []),
  )
  return [...new Set(compiled)].filter((zone) => zone !== '.')
}

const byView: ReasonOfChain = { reason: 'view: it decides which server block takes the query' }
const noForward: ReasonOfChain = { reason: 'the server block has no forward' }

function decidedZone(name: string, decision: Decision | ReasonOfChain, routes: RelayRoute[]): DecidedZone {
  const zone = nameToWire(name)
  if (!('route' in decision)) return { zone, route: -1, held: nothingHeld, takesExpired: false, ...decision }
  const { route, held, reason } = decision
  return { zone, route: indexOf(routes, route), held, takesExpired: route.takesExpired, reason }
}

/** Names below which the decision may differ from the one above them. */
function pointsOf({ block, earlier, target }: RelayingBlock): ReadonlySet<string> {
  const inside = (name: string) => block.zones.some((zone) => isSubdomain(zone, name))
  const named = earlier.flatMap(({ instance }) => [
    ...heldZones(instance),
    ...questionsOf(instance).map(claimedZone),
    ...(capabilityOf(instance, relayKeeper)?.zones ?? []),
  ])
  return new Set([...block.zones, ...[...named, ...target.zones].filter(inside)])
}

/** Zones whose names the plugin answers itself. */
function heldZones(instance: BlockPlugin['instance']): readonly string[] {
  return capabilityOf(instance, relayPassage)?.zones ?? capabilityOf(instance, compiledSource)?.zones ?? []
}

/** What the plugin claims. What the rules of the space decide never reaches the relay. */
const questionsOf = (instance: BlockPlugin['instance']): readonly ClaimedQuestions[] =>
  claimsOf(instance)?.questions ?? []

/** The smallest zone that holds all claimed names: if they share an ending, the zone of its whole labels. */
function claimedZone({ zone, texts }: ClaimedQuestions): string {
  const ends = texts.flatMap(({ at, text }) => (at === 'end' ? [text.slice(text.indexOf('.') + 1) || '.'] : []))
  return [zone, ...ends].reduce((one, other) => (isSubdomain(one, other) ? other : one))
}

/** The decision for all names of the zone that are not at or below one of its points. */
function decide(relaying: RelayingBlock | undefined, zone: string): Decision | ReasonOfChain {
  if (!relaying) return noForward
  const { earlier, target, profileFor } = relaying
  const { minimal, header } = combineEffects(earlier)
  if (minimal || Object.keys(header).length > 0) return { reason: 'minimal or header may change the reply' }
  const held = { ...nothingHeld }
  const reasons: string[] = []
  for (const { plugin, instance } of earlier) {
    const kept = reasonOf(instance, zone)
    if (kept !== undefined) return { reason: `${plugin}: ${kept}` }
    for (const claimed of questionsOf(instance)) {
      if (!isSubdomain(claimedZone(claimed), zone)) continue
      hold(held, claimed.types)
      reasons.push(`${plugin}: ${claimed.reason}`)
    }
  }
  const reason = reasons.join('; ')
  if (held.a && held.aaaa && held.others) return { reason }
  const forward = target.forwardOf(zone)
  if (!('upstreams' in forward)) return { reason: `forward: ${forward.reason}` }
  const keeper = earlier
    .flatMap(({ instance }) => capabilityOf(instance, relayKeeper) ?? [])
    .find(({ zones }) => zones.some((kept) => isSubdomain(kept, zone)))
  const route = { forward, profileId: profileFor(zone), ttls: keeper?.ttls, takesExpired: !keeper?.usesExpired }
  return { route, held, reason }
}

/** Why the plugin keeps the whole zone on the chain; undefined if it does not. */
function reasonOf(instance: BlockPlugin['instance'], zone: string): string | undefined {
  const opaque = capabilityOf(instance, transparency)
  if (!(opaque ?? capabilityOf(instance, relayPassage) ?? capabilityOf(instance, compiledSource)))
    return 'it may change any query or reply'
  const held = heldZones(instance).find((each) => isSubdomain(each, zone))
  if (held !== undefined) return `it answers names in ${held}`
  return claimsOf(instance)?.claimsBelow(zone)?.reason
}

function hold(held: { -readonly [Kind in keyof HeldTypes]: boolean }, types: ClaimedQuestions['types']): void {
  held.a ||= types?.has(rrType.A) ?? true
  held.aaaa ||= types?.has(rrType.AAAA) ?? true
  held.others ||= types === undefined || [...types].some((each) => each !== rrType.A && each !== rrType.AAAA)
}

function indexOf(routes: RelayRoute[], { forward, profileId, ttls, takesExpired }: RelayRoute): number {
  const known = routes.findIndex(
    (route) =>
      route.forward === forward &&
      route.profileId === profileId &&
      route.ttls === ttls &&
      route.takesExpired === takesExpired,
  )
  return known >= 0 ? known : routes.push({ forward, profileId, ttls, takesExpired }) - 1
}

function closest(zones: ReadonlyMap<string, DecidedZone>, name: string): DecidedZone | undefined {
  for (let zone = name; ; zone = parentOf(zone)) {
    const found = zones.get(zone)
    if (found || zone === '.') return found
  }
}
