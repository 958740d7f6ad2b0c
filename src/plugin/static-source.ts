/**
 * Keeps a set of records in the answer table, for a plugin whose answers depend on the question alone (`hosts`). The
 * plugin's handler still defines the answers; the table repeats them. Left to the handler are: names below a wildcard,
 * a delegation or a DNAME, targets of CNAMEs, signed zones, and denials in zones without SOA or with `fallthrough`.
 * Answers from the table have no authority section.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Directive } from '../corefile/schema.ts'
import type { ResourceRecord } from '../dns/message.ts'
import type { Clock } from '../scheduling/clock.ts'
import type { NodeSpec } from '../table/spec.ts'
import type { Logger } from '../telemetry/log.ts'
import { type CompiledSource, compiledSource } from './capabilities/compiled-source.ts'
import { transparency } from './capabilities/transparency.ts'
import { type Provided, provide } from './capability.ts'
import { zoneMatcher } from './name-matcher.ts'
import { createNodeBuilder, type NodeBuilder, type StaticZone } from './static-nodes.ts'
import { createTablePublisher, type TableContents } from './table-publisher.ts'
import { transparencyOf } from './transparency-of.ts'

export type { StaticZone } from './static-nodes.ts'

export interface StaticSource {
  /** For the plugin's `provides`. */
  readonly provides: readonly Provided[]
  /**
   * Replaces all records; class IN, in any order, SOA included. Names whose answers do not change keep theirs. Records
   * outside of the zones are skipped. The iterable is read in slices: it must stay as it is until the next update.
   */
  update(records: Iterable<ResourceRecord>): void
  stop(): void
}

export interface StaticSourceOptions {
  readonly zones: readonly StaticZone[]
  /** The plugin's, for `explain`. */
  readonly directive: Directive
  readonly clock: Clock
  readonly log: Logger
}

export function staticSource({ zones, directive, clock, log }: StaticSourceOptions): StaticSource {
  const publisher = createTablePublisher({ clock, log })
  const source: CompiledSource = {
    zones: zones.map(({ zone }) => zone),
    deniesNothing: zones.every(({ fallthrough }) => fallthrough === true),
    attach: publisher.attach,
  }
  return {
    provides: [provide(compiledSource, source), provide(transparency, transparencyOf(ownZones(own(zones), directive)))],
    update: (records) => publisher.update(contentsOf(records, createNodeBuilder(zones))),
    stop: publisher.stop,
  }
}

function contentsOf(records: Iterable<ResourceRecord>, builder: NodeBuilder): TableContents {
  const left = records[Symbol.iterator]()
  let isRead = false
  const { nodes } = builder
  return {
    prepare() {
      if (isRead) return builder.build()
      const next = left.next()
      if (next.done) isRead = true
      else builder.add(next.value)
      return true
    },
    get zones() {
      return builder.zones()
    },
    names: () => nodes.keys(),
    has: (name) => nodes.has(name),
    node: (name) => nodes.get(name) as NodeSpec,
    isSame: (name, earlier) => isDeepStrictEqual(nodes.get(name), earlier.node(name)),
  }
}

const own = (zones: readonly StaticZone[]): string[] =>
  zones.filter(({ fallthrough }) => fallthrough !== true).map(({ zone }) => zone)

/** Without `fallthrough` no later plugin answers for the zone, whatever it has there. */
const ownZones = (zones: readonly string[], { at }: Directive) =>
  zones.map((zone) => ({ names: zoneMatcher(zone), reason: `it answers ${zone} without fallthrough`, at }))
