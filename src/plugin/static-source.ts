/**
 * Keeps a set of records in the answer table: what a plugin needs whose answers depend on the question alone (`hosts`,
 * `file`, a constant `template`). The plugin goes on answering in its handler, which decides what is right; the table
 * repeats it. Left to the handler are: names below a wildcard, a delegation or a DNAME, targets of CNAMEs, signed
 * zones, and denials in zones without SOA or with `fallthrough`. Answers from the table have no authority section.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Directive } from '../corefile/schema.ts'
import type { ResourceRecord } from '../dns/message.ts'
import type { Clock } from '../scheduling/clock.ts'
import { createCooperativeScheduler, type Task } from '../scheduling/cooperative-scheduler.ts'
import type { NodeSpec } from '../table/spec.ts'
import type { Logger } from '../telemetry/log.ts'
import { type CompiledSource, compiledSource } from './capabilities/compiled-source.ts'
import { transparency } from './capabilities/transparency.ts'
import { type Provided, provide } from './capability.ts'
import { zoneMatcher } from './name-matcher.ts'
import { createNodeBuilder, type NodeBuilder, type StaticNodes, type StaticZone } from './static-nodes.ts'
import { type TableTarget, toEach } from './table-targets.ts'
import { transparencyOf } from './transparency-of.ts'

export type { StaticZone } from './static-nodes.ts'

export interface StaticSource {
  /** For the plugin's `provides`. */
  readonly provides: readonly Provided[]
  /**
   * Replaces all records; class IN, in any order, SOA included. Names whose answers do not change keep theirs. Records
   * outside of the zones are skipped. The iterable is read in slices: it must stay as it is until the next update.
   * `zones`: where they change, those that there are now; they lie within `claimed`.
   */
  update(records: Iterable<ResourceRecord>, zones?: readonly StaticZone[]): void
  stop(): void
}

export interface StaticSourceOptions {
  readonly zones: readonly StaticZone[]
  /** Names that the plugin may come to answer, where its zones change: they are kept from plugins behind it. */
  readonly claimed?: readonly string[] | undefined
  /** The plugin's, for `explain`. */
  readonly directive: Directive
  readonly clock: Clock
  readonly log: Logger
}

interface Target extends TableTarget {
  /** It has nothing yet. */
  isNew: boolean
}

/** What is left of an update: records to read, nodes to make, to publish and to take back. */
type Work =
  | { readonly phase: 'read'; readonly records: Iterator<ResourceRecord>; readonly builder: NodeBuilder }
  | { readonly phase: 'build'; readonly builder: NodeBuilder }
  | { readonly phase: 'put'; readonly names: Iterator<[string, NodeSpec]> }
  | { readonly phase: 'remove'; readonly names: Iterator<string> }

const nothing: StaticNodes = { zones: new Map(), nodes: new Map() }

export function staticSource({ zones, claimed, directive, clock, log }: StaticSourceOptions): StaticSource {
  const targets = new Set<Target>()
  const toTargets = (call: (target: Target) => void): void => toEach(targets, call, log.error)
  /** What the table is to hold, and what it holds. */
  let wanted = nothing
  const published = new Map<string, NodeSpec>()
  let work: Work | undefined
  const task: Task = createCooperativeScheduler(clock).task(() => {
    work = work && step(work)
    return work !== undefined
  })

  function step(now: Work): Work | undefined {
    if (now.phase === 'read') {
      const next = now.records.next()
      if (next.done) return { phase: 'build', builder: now.builder }
      now.builder.add(next.value)
      return now
    }
    if (now.phase === 'build') return now.builder.build() ? now : publish(now.builder.result)
    const next = now.names.next()
    if (now.phase === 'put') {
      if (next.done) return { phase: 'remove', names: published.keys() }
      const [name, node] = next.value as [string, NodeSpec]
      put(name, node)
      return now
    }
    if (next.done) return finish()
    removeUnlessWanted(next.value as string)
    return now
  }

  function publish(nodes: StaticNodes): Work {
    wanted = nodes
    declareZones()
    return { phase: 'put', names: wanted.nodes.entries() }
  }

  /** Until a target has every name it denies none. */
  function declareZones(): void {
    toTargets(({ sink, isNew }) => {
      for (const zone of wanted.zones.values()) sink.zone(zone.soa && isNew ? { ...zone, open: true } : zone)
    })
  }

  function put(name: string, node: NodeSpec): void {
    const same = isDeepStrictEqual(published.get(name), node)
    published.set(name, node)
    toTargets((target) => {
      if (!same || target.isNew) putOrLeave(target, name, node)
    })
  }

  /** An answer that the table cannot hold (more than fits a message) is the handler's. */
  function putOrLeave({ sink }: Target, name: string, node: NodeSpec): void {
    try {
      sink.put(name, node)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      sink.put(name, { zone: node.zone, below: 'open', otherTypes: 'chain', answers: new Map() })
      log.warning(`${name} is answered without the table: ${error.message}`)
    }
  }

  function removeUnlessWanted(name: string): void {
    if (wanted.nodes.has(name)) return
    published.delete(name)
    toTargets(({ sink }) => sink.remove(name))
  }

  function finish(): undefined {
    for (const target of targets) target.isNew = false
    declareZones()
    for (const { settled } of targets) settled.resolve()
  }

  const source: CompiledSource = {
    zones: claimed ?? zones.map(({ zone }) => zone),
    deniesNothing: claimed === undefined && zones.every(({ fallthrough }) => fallthrough === true),
    attach(sink) {
      const target: Target = { sink, settled: Promise.withResolvers(), isNew: true }
      targets.add(target)
      if (work === undefined || work.phase === 'put' || work.phase === 'remove') work = publish(wanted)
      task.wake()
      return {
        detach() {
          targets.delete(target)
          target.settled.resolve()
        },
        settled: target.settled.promise,
      }
    },
  }

  return {
    provides: [
      provide(compiledSource, source),
      provide(transparency, transparencyOf(ownZones(claimed ?? own(zones), directive))),
    ],
    update(records, now = zones) {
      work = { phase: 'read', records: records[Symbol.iterator](), builder: createNodeBuilder(now) }
      task.wake()
    },
    stop: task.stop,
  }
}

const own = (zones: readonly StaticZone[]): string[] =>
  zones.filter(({ fallthrough }) => fallthrough !== true).map(({ zone }) => zone)

/** A zone without `fallthrough` is answered here alone, whatever plugins behind have for it. */
const ownZones = (zones: readonly string[], { at }: Directive) =>
  zones.map((zone) => ({ names: zoneMatcher(zone), reason: `it answers alone for ${zone}`, at }))
