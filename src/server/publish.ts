/**
 * Which names of a server block compile: it stands between the plugins that can compute answers ahead (CompiledSource,
 * ReplySource) and the answer table, and passes only what the chain would answer the same way.
 */

import { isSubdomain, parentOf } from '../dns/name.ts'
import { compiledSource, type TableSink } from '../plugin/capabilities/compiled-source.ts'
import { type DataPlaneEffects, dataPlaneEffects } from '../plugin/capabilities/data-plane-effects.ts'
import { type QueryObserver, queryObserver } from '../plugin/capabilities/query-observer.ts'
import { type ReplySink, replySource } from '../plugin/capabilities/reply-source.ts'
import { type Claim, transparency } from '../plugin/capabilities/transparency.ts'
import { type Capability, capabilityOf } from '../plugin/capability.ts'
import type { BlockPlugin } from '../plugin/contract.ts'
import type { Observed, OpenTypes, TableWriter } from '../table/api.ts'
import type { NodeSpec } from '../table/spec.ts'
import { openTypes, withoutClaimed } from './claims.ts'

/** A server block on one listener, as far as publishing needs it. */
export interface PublishedBlock {
  /** In chain order. */
  readonly plugins: readonly BlockPlugin[]
  readonly server: string
  readonly view: string
  /** True when this block answers `name` on this listener for every client. */
  owns(name: string): boolean
  /** Zones of other blocks of the listener below `name`. */
  foreignZonesBelow(name: string): readonly string[]
  /** The block's zone that holds `name`: the label of its metrics. */
  zoneOf(name: string): string
}

/** Attaches every source of the block to a space of the table. */
export function publishBlock(
  block: PublishedBlock,
  space: number,
  writer: TableWriter,
): { detach(): void; readonly settled: Promise<void> } {
  const attached: { detach(): void }[] = []
  const sources = block.plugins.flatMap(({ plugin, instance }, position) => {
    const source = capabilityOf(instance, compiledSource)
    return source ? [{ plugin, source, position }] : []
  })
  const sinks: SourceSink[] = []
  let detached = false

  function attach(at: number): Promise<void> {
    const { source, position } = sources[at]
    const names = sources.map(({ plugin }) => plugin)
    const order: SourceOrder = {
      before: new Set(names.slice(0, at)),
      after: new Set(names.slice(at + 1)),
      later: () => sinks.slice(at + 1),
    }
    const sink = tableSink(createGate(block, position, space, writer), order)
    sinks.push(sink)
    const attachment = source.attach(sink)
    attached.push(attachment)
    return attachment.settled
  }

  /** A source must not deny or answer what an earlier one has not published yet: it follows when that is done. */
  async function attachRest(before: Promise<void>): Promise<void> {
    await before
    for (let at = 1; at < sources.length && !detached; at++) await attach(at)
  }

  for (const [position, { instance }] of block.plugins.entries()) {
    const replies = capabilityOf(instance, replySource)
    if (replies) attached.push(replies.attach(replySink(createGate(block, position, space, writer))))
  }
  const settled = sources.length > 0 ? attach(0) : Promise.resolve()
  return {
    detach() {
      detached = true
      for (const attachment of attached) attachment.detach()
    },
    settled: sources.length > 1 ? attachRest(settled) : settled,
  }
}

/** What the plugins before a source let through to the table, and what the data plane does for them. */
interface Gate {
  readonly block: PublishedBlock
  readonly space: number
  readonly writer: TableWriter
  /** Names and zones that are the chain's whole. */
  readonly claimed: readonly string[]
  /** What plugins before this one claim of the answers at the name. */
  claims(name: string): readonly Claim[]
  /** Types for which names below this one that are missing are the chain's. */
  openBelow(name: string): OpenTypes | 'all' | 'none'
  /** `openFor`: of a closed node. */
  profileFor(name: string, openFor?: OpenTypes): number
  /** For a node that leaves everything to the chain: it belongs to no plugin. */
  chainProfile(name: string): number
}

function createGate(block: PublishedBlock, position: number, space: number, writer: TableWriter): Gate {
  const { plugin } = block.plugins[position]
  const earlier = block.plugins.slice(0, position)
  const opaque = allOf(earlier, transparency)
  const effects = combineEffects(earlier)
  const observers = allOf(earlier, queryObserver)
  const profiles = new Map<string, number>()
  return {
    block,
    space,
    writer,
    claimed: opaque.flatMap(({ claimed }) => claimed ?? []),
    claims: (name) => opaque.flatMap((each) => each.claims(name) ?? []),
    openBelow: (name) => openTypes(opaque.flatMap((each) => each.claimsBelow(name) ?? [])),
    chainProfile(name) {
      const labels = { server: block.server, zone: block.zoneOf(name), view: block.view, plugin: '' }
      return writer.defineProfile({ ...labels, ...noEffects })
    },
    profileFor(name, openFor) {
      const zone = block.zoneOf(name)
      const observe = combineObservers(observers, name)
      const traits = [...Object.values(observe ?? {}), '', ...Object.values(openFor ?? {})]
      const key = traits.length > 1 ? `${zone} ${traits.join(' ')}` : zone
      let number = profiles.get(key)
      if (number === undefined) {
        const labels = { server: block.server, zone, view: block.view, plugin }
        number = writer.defineProfile({
          ...labels,
          ...effects,
          ...(observe && { observe }),
          ...(openFor && { openFor }),
        })
        profiles.set(key, number)
      }
      return number
    },
  }
}

function allOf<T>(plugins: readonly BlockPlugin[], capability: Capability<T>): T[] {
  return plugins.flatMap(({ instance }) => capabilityOf(instance, capability) ?? [])
}

const noEffects: Required<DataPlaneEffects> = { shuffle: false, maxPayload: 0, minimal: false, header: {} }

/** What all of them together have the data plane do; a payload of 0 is no limit. */
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

/** What any of them observes of the name and those below it; undefined when that is nothing. */
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

/** Where a source stands among those of its block: a name that one before it has published is not its own. */
interface SourceOrder {
  readonly before: ReadonlySet<string>
  readonly after: ReadonlySet<string>
  readonly later: () => readonly SourceSink[]
}

interface SourceSink extends TableSink {
  /** An earlier source has given the name up: publishes what this one has there, if anything. */
  restore(name: string): boolean
}

function tableSink(gate: Gate, { before, after, later }: SourceOrder): SourceSink {
  const { space, writer, block } = gate
  const declared = new Set<string>()
  /** Names and zones inside the source's that the chain answers whole. */
  const barred = new Set<string>()
  /** What the source has at names of earlier sources. */
  const shadowed = new Map<string, NodeSpec>()
  /** Names of later sources that it has replaced: what they have there is not known any more. */
  const replaced = new Set<string>()

  /**
   * A zone of another block, or a name that a plugin claims, would be denied by closed nodes above it: a node that sends
   * everything to the chain stands in its place.
   */
  function bar(zone: string): void {
    if (declared.has(zone)) return
    declared.add(zone)
    const claimed = gate.claimed.filter((name) => isSubdomain(zone, name) && block.owns(name))
    for (const name of [...block.foreignZonesBelow(zone), ...claimed]) {
      if (barred.has(name)) continue
      barred.add(name)
      if (!isTaken(name)) putForChain(name, zone)
    }
  }

  function putForChain(name: string, zone: string): void {
    writer.put(space, gate.chainProfile(zone), name, forChain(zone))
  }

  const isTaken = (name: string): boolean => before.size > 0 && before.has(writer.pluginAt(space, name) ?? '')

  function put(name: string, node: NodeSpec): void {
    const mayDeny = !isForeign(node.zone)
    const open = node.below === 'closed' && mayDeny ? gate.openBelow(name) : 'all'
    const openFor = typeof open === 'object' ? open : undefined
    const claims = mayDeny ? gate.claims(name) : [...gate.claims(name), foreignDenials]
    const published = withoutClaimed(node, claims)
    const below = open === 'all' ? 'open' : 'closed'
    writer.put(space, gate.profileFor(name, openFor), name, { ...published, below })
  }

  function remove(name: string): void {
    const wasReplaced = replaced.delete(name)
    if (!barred.has(name) && later().some((sink) => sink.restore(name))) return
    if (barred.has(name) || wasReplaced) putForChain(name, nearest(declared, name))
    else writer.remove(space, name)
  }

  // A zone has one SOA in a space, that of the block which has its apex: another one's may be of another TTL.
  const isForeign = (zone: string) => !block.owns(zone)

  return {
    zone(zone) {
      if (!zone.soa) writer.zoneUnlessKnown(space, { zone: zone.zone, soa: noSoa, open: true })
      else if (isForeign(zone.zone)) writer.zoneUnlessKnown(space, zone)
      else writer.zone(space, zone)
      bar(zone.zone)
    },
    put(name, node) {
      if (!block.owns(name)) return
      if (isTaken(name)) {
        shadowed.set(name, node)
        return
      }
      if (after.size > 0 && after.has(writer.pluginAt(space, name) ?? '')) replaced.add(name)
      put(name, node)
    },
    remove(name) {
      if (!block.owns(name)) return
      if (isTaken(name)) shadowed.delete(name)
      else remove(name)
    },
    restore(name) {
      const node = shadowed.get(name)
      shadowed.delete(name)
      if (node) put(name, node)
      else if (barred.has(name)) putForChain(name, nearest(declared, name))
      else return false
      return true
    },
  }
}

const foreignDenials: Claim = { answers: 'denials', reason: 'another server block has the SOA of the zone' }

/** Of a zone whose nodes deny nothing: it is never sent. */
const noSoa = { mname: '.', rname: '.', serial: 0, refresh: 0, retry: 0, expire: 0, minimum: 0, ttl: 0 }

function forChain(zone: string): NodeSpec {
  return { zone, below: 'open', otherTypes: 'chain', answers: new Map() }
}

/** The innermost of these zones that holds the name. */
function nearest(zones: ReadonlySet<string>, name: string): string {
  let zone = name
  while (zone !== '.' && !zones.has(zone)) zone = parentOf(zone)
  return zone
}

function replySink(gate: Gate): ReplySink {
  return {
    put(entry) {
      const name = entry.name.toLowerCase()
      if (!gate.block.owns(name)) return
      if (gate.claims(name).some(({ types }) => types?.has(entry.type) ?? true)) return
      gate.writer.putCached(gate.space, gate.profileFor(name), entry)
    },
    remove(name, type, dnssecOk, checkingDisabled) {
      gate.writer.removeCached(gate.space, name, type, dnssecOk, checkingDisabled)
    },
  }
}
