/**
 * Which names of a server block compile: it stands between the plugins that can compute answers ahead (CompiledSource,
 * ReplySource) and the answer table, and lets through only what the chain would answer the same way.
 */

import { parentOf } from '../dns/name.ts'
import type { DataPlaneEffects, Instance, ReplySink, TableSink, Transparency } from '../plugin/contract.ts'
import type { QueryObserver } from '../plugin/observer.ts'
import type { Observed, TableWriter } from '../table/api.ts'
import type { NodeSpec, ZoneSpec } from '../table/spec.ts'

/** A server block on one listener, as far as publishing needs it. */
export interface PublishedBlock {
  /** In chain order. */
  readonly instances: readonly { readonly plugin: string; readonly instance: Instance }[]
  readonly server: string
  readonly view: string
  /** True when this block answers `name` on this listener whoever asks. */
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
  const settled: Promise<void>[] = []
  const before: Instance[] = []
  for (const { plugin, instance } of block.instances) {
    const gate = createGate(block, before, plugin, space, writer)
    if (instance.source) {
      const attachment = instance.source.attach(tableSink(gate))
      attached.push(attachment)
      settled.push(attachment.settled)
    }
    if (instance.replies) attached.push(instance.replies.attach(replySink(gate)))
    before.push(instance)
  }
  return {
    detach() {
      for (const attachment of attached) attachment.detach()
    },
    settled: Promise.all(settled).then(() => undefined),
  }
}

interface Gate {
  readonly block: PublishedBlock
  readonly space: number
  readonly writer: TableWriter
  /** Queries for the name reach this plugin as they came, and its answer leaves as it is. */
  passes(name: string): boolean | 'records'
  passesBelow(name: string): boolean
  classFor(name: string): number
}

function createGate(
  block: PublishedBlock,
  earlier: readonly Instance[],
  plugin: string,
  space: number,
  writer: TableWriter,
): Gate {
  const opaque = earlier.flatMap((instance): Transparency[] => (instance.transparency ? [instance.transparency] : []))
  const effects = combineEffects(earlier)
  const observers = earlier.flatMap(({ observer }) => observer ?? [])
  const classes = new Map<string, number>()
  return {
    block,
    space,
    writer,
    passes(name) {
      if (!block.owns(name)) return false
      let all: boolean | 'records' = true
      for (const transparency of opaque) {
        const passes = transparency.passes(name)
        if (!passes) return false
        if (passes === 'records') all = passes
      }
      return all
    },
    passesBelow: (name) => block.owns(name) && opaque.every((transparency) => transparency.passesBelow(name)),
    classFor(name) {
      const zone = block.zoneOf(name)
      const observe = combineObservers(observers, name)
      const key = observe ? `${zone} ${observe.answers} ${observe.denials}` : zone
      let number = classes.get(key)
      if (number === undefined) {
        const labels = { server: block.server, zone, view: block.view, plugin }
        number = writer.defineProfile({ ...labels, ...effects, ...(observe && { observe }) })
        classes.set(key, number)
      }
      return number
    },
  }
}

/** What all of them together want done; a payload of 0 is no limit. */
export function combineEffects(instances: readonly Instance[]): Required<DataPlaneEffects> {
  let shuffle = false
  let maxPayload = 0
  for (const { effects } of instances) {
    if (effects?.shuffle) shuffle = true
    if (effects?.maxPayload) maxPayload = maxPayload ? Math.min(maxPayload, effects.maxPayload) : effects.maxPayload
  }
  return { shuffle, maxPayload }
}

/** What any of them wants to hear of the name and those below it; undefined when that is nothing. */
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

function tableSink(gate: Gate): TableSink {
  const { space, writer, block } = gate
  const barred = new Set<string>()

  /**
   * Another block's zone below a zone of ours would be denied by our closed nodes above it: a node that sends
   * everything to the chain stands in its place.
   */
  function barForeignZones(zone: ZoneSpec): void {
    if (barred.has(zone.zone)) return
    barred.add(zone.zone)
    for (const foreign of block.foreignZonesBelow(zone.zone))
      writer.put(space, gate.classFor(zone.zone), foreign, forChain(zone.zone))
  }

  // A zone has one SOA in a space, that of the block which has its apex: another one's may be of another TTL.
  const isForeign = (zone: string) => !block.owns(zone)

  return {
    zone(zone) {
      if (isForeign(zone.zone)) writer.zoneUnlessKnown(space, zone)
      else writer.zone(space, zone)
      barForeignZones(zone)
    },
    put(name, node) {
      if (!block.owns(name)) return
      const isClosed = node.below === 'closed' && gate.passesBelow(name) && !isForeign(node.zone)
      const passes = gate.passes(name)
      const whole = passes === true && !isForeign(node.zone)
      const published = whole ? node : passes ? withoutDenials(node) : forChain(node.zone)
      writer.put(space, gate.classFor(name), name, { ...published, below: isClosed ? 'closed' : 'open' })
    },
    remove(name) {
      if (block.owns(name)) writer.remove(space, name)
    },
  }
}

function forChain(zone: string): NodeSpec {
  return { zone, below: 'open', otherTypes: 'chain', answers: new Map() }
}

/** The node's records; whatever it denies is for the chain. */
function withoutDenials(node: NodeSpec): NodeSpec {
  const answers = [...node.answers].filter(([, { kind }]) => kind !== 'nodata' && kind !== 'nxdomain')
  return { ...node, otherTypes: 'chain', answers: new Map(answers) }
}

function replySink(gate: Gate): ReplySink {
  return {
    put(entry) {
      const name = entry.name.toLowerCase()
      if (gate.passes(name) === true) gate.writer.putCached(gate.space, gate.classFor(name), entry)
    },
    remove(name, type, dnssecOk, checkingDisabled) {
      gate.writer.removeCached(gate.space, name, type, dnssecOk, checkingDisabled)
    },
  }
}

/** The plugins in front of `plugin` that keep `name` out of the table, with their reasons (`explain`). */
export function opaquePlugins(
  instances: readonly { readonly plugin: string; readonly instance: Instance }[],
  plugin: string,
  name: string,
): { readonly plugin: string; readonly reason: string }[] {
  const found: { plugin: string; reason: string }[] = []
  for (const link of instances) {
    if (link.plugin === plugin) break
    const { transparency } = link.instance
    const passes = transparency?.passes(name) ?? true
    if (transparency && passes !== true) {
      const scope = passes === 'records' ? ' (instead of NODATA and NXDOMAIN)' : ''
      found.push({ plugin: link.plugin, reason: transparency.reason + scope })
    } else if (transparency && !transparency.passesBelow(parentOf(name)))
      found.push({ plugin: link.plugin, reason: `${transparency.reason} (for missing names)` })
  }
  return found
}
