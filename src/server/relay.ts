/**
 * What the UDP threads of a listener may pass to upstreams by themselves: the names which every plugin in front of `forward`
 * would only pass on (docs/design.md §14).
 */
import { type HeldTypes, isHeld, type RelayZone } from '../answer/relay-routes.ts'
import { type as rrType } from '../dns/codes.ts'
import { isSubdomain, nameToWire, parentOf } from '../dns/name.ts'
import { compiledSource } from '../plugin/capabilities/compiled-source.ts'
import {
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
import { combineEffects, createGate, type PublishedBlock } from './gate.ts'
import type { RelaySource } from './ingress.ts'

/** A block of the listener that has a `forward`. */
interface RelayingBlock {
  readonly block: Block
  readonly earlier: readonly BlockPlugin[]
  readonly target: RelayTarget
  profileFor(name: string): number
}

type Decision = Omit<RelayRoute, 'profileId'> & { readonly profileId: number; readonly held: RelayZone['held'] }

const nothingHeld = { a: false, aaaa: false, others: false }
const chain = { route: -1, held: nothingHeld }

export interface RelaySourceOptions {
  readonly plan: ListenerPlan
  readonly space: number
  readonly writer: TableWriter
  readonly published: (block: Block) => PublishedBlock
  /** Until it resolves the table lacks names that plugins have, so nothing may be relayed. */
  readonly settled: Promise<unknown>
}

export function createRelaySource(options: RelaySourceOptions): RelaySource {
  const { plan } = options
  const blocks = plan.blocks.flatMap((block) => relayingBlock(block, options) ?? [])
  const watchers = new Set<() => void>()
  let isSettled = false
  let current: { readonly table: RelayTable; readonly zones: ReadonlyMap<string, RelayZone> } | undefined

  function change(): void {
    current = isSettled && blocks.length > 0 ? build(plan, blocks) : undefined
    for (const changed of watchers) changed()
  }

  options.settled.then(
    () => {
      isSettled = true
      change()
    },
    // It is logged where names are published.
    () => undefined,
  )
  const targets = plan.blocks.flatMap(({ plugins }) =>
    plugins.flatMap(({ instance }) => capabilityOf(instance, relayTarget) ?? []),
  )
  return {
    sockets: targets.find(({ sockets }) => sockets)?.sockets,
    table: () => current?.table,
    takes(name, qtype) {
      const found = current && closest(current.zones, name)
      return found !== undefined && found.route >= 0 && !isHeld(found.held, qtype)
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
  const zones = new Map<string, RelayZone>()
  for (const block of plan.blocks) {
    const relaying = blocks.find((each) => each.block === block)
    for (const zone of relaying ? pointsOf(relaying) : block.zones) {
      // A view decides by client, another block has points of its own.
      if (plan.router.owner(zone)?.block !== block && !block.zones.includes(zone)) continue
      const owned = plan.router.owner(zone)?.block === block
      const decision = owned && relaying ? decide(relaying, zone) : undefined
      const found = decision ? { route: indexOf(routes, decision), held: decision.held } : chain
      if (owned || !zones.has(zone)) zones.set(zone, { zone: nameToWire(zone), ...found })
    }
  }
  return { table: { zones: [...zones.values()], routes }, zones }
}

/** Names at which the decision may be another one than above them. */
function pointsOf({ block, earlier, target }: RelayingBlock): ReadonlySet<string> {
  const inside = (name: string) => block.zones.some((zone) => isSubdomain(zone, name))
  const named = earlier.flatMap(({ instance }) => [
    ...heldZones(instance),
    ...claimsOf(instance).map(claimedZone),
    ...(capabilityOf(instance, relayKeeper)?.zones ?? []),
  ])
  return new Set([...block.zones, ...[...named, ...target.zones].filter(inside)])
}

/** Zones whose names the plugin answers by itself. */
function heldZones(instance: BlockPlugin['instance']): readonly string[] {
  return capabilityOf(instance, relayPassage)?.zones ?? capabilityOf(instance, compiledSource)?.zones ?? []
}

const claimsOf = (instance: BlockPlugin['instance']): readonly ClaimedQuestions[] =>
  capabilityOf(instance, transparency)?.questions ?? []

/** The zone that has all names which are claimed: a text that they end in is one, from its first whole label on. */
function claimedZone({ zone, texts }: ClaimedQuestions): string {
  const ends = texts.flatMap(({ at, text }) => (at === 'end' ? [text.slice(text.indexOf('.') + 1) || '.'] : []))
  return [zone, ...ends].reduce((one, other) => (isSubdomain(one, other) ? other : one))
}

/** For names of the zone that are in none of the points below it; undefined: the chain. */
function decide({ earlier, target, profileFor }: RelayingBlock, zone: string): Decision | undefined {
  const { minimal, header } = combineEffects(earlier)
  if (minimal || Object.keys(header).length > 0) return undefined
  const held = { ...nothingHeld }
  for (const { instance } of earlier) {
    const opaque = capabilityOf(instance, transparency)
    const speaks = opaque ?? capabilityOf(instance, relayPassage) ?? capabilityOf(instance, compiledSource)
    if (!speaks || heldZones(instance).some((each) => isSubdomain(each, zone))) return undefined
    if (opaque?.claimsBelow(zone)) return undefined
    for (const claimed of claimsOf(instance)) if (isSubdomain(claimedZone(claimed), zone)) hold(held, claimed.types)
  }
  if (held.a && held.aaaa && held.others) return undefined
  const forward = target.forwardOf(zone)
  if (!forward) return undefined
  const keeper = earlier
    .flatMap(({ instance }) => capabilityOf(instance, relayKeeper) ?? [])
    .find(({ zones }) => zones.some((kept) => isSubdomain(kept, zone)))
  return { forward, profileId: profileFor(zone), ttls: keeper?.ttls, held }
}

function hold(held: { -readonly [Kind in keyof HeldTypes]: boolean }, types: ClaimedQuestions['types']): void {
  held.a ||= types?.has(rrType.A) ?? true
  held.aaaa ||= types?.has(rrType.AAAA) ?? true
  held.others ||= types === undefined || [...types].some((each) => each !== rrType.A && each !== rrType.AAAA)
}

function indexOf(routes: RelayRoute[], { forward, profileId, ttls }: Decision): number {
  const known = routes.findIndex(
    (route) => route.forward === forward && route.profileId === profileId && route.ttls === ttls,
  )
  return known >= 0 ? known : routes.push({ forward, profileId, ttls }) - 1
}

function closest(zones: ReadonlyMap<string, RelayZone>, name: string): RelayZone | undefined {
  for (let zone = name; ; zone = parentOf(zone)) {
    const found = zones.get(zone)
    if (found || zone === '.') return found
  }
}
