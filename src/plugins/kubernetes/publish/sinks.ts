/** The spaces of the answer table that a publisher maintains: one per listener of the server block. */

import type { ClusterContext } from '../../../cluster-dns/context.ts'
import { zoneSpec } from '../../../cluster-dns/records/table-node.ts'
import type { TableSink } from '../../../plugin/capabilities/compiled-source.ts'
import { type TableTarget, toEach } from '../../../plugin/table-targets.ts'
import { TableFull } from '../../../table/index.ts'
import type { NodeSpec } from '../../../table/spec.ts'
import { errorMessage } from '../../../telemetry/error-text.ts'

/** Where compiled names go. */
export interface NameSink {
  put(name: string, node: NodeSpec): void
  remove(name: string): void
}

export interface Sinks {
  /** Publishes to all spaces. */
  readonly sink: NameSink
  /** Adds a space. `settled` resolves when everything is in it, or when it is no longer maintained. */
  add(table: TableSink): { remove(): void; settle(): void; readonly settled: Promise<void> }
  /** Declares each zone whose serial, TTL or right to deny missing names has changed. */
  declareZones(): void
  /** Every space has all names of these zones and may deny the others. */
  complete(zones: ReadonlySet<string>): void
  /** No space may deny any name. */
  incomplete(): void
  clear(): void
  readonly size: () => number
}

/** A space of the table. */
interface Target extends TableTarget {
  /** Zones that it has all names of. */
  complete: ReadonlySet<string>
  /** The last declaration of each zone. */
  readonly declared: Map<string, { readonly serial: number; readonly ttl: number; readonly open: boolean }>
}

/** `report`: writes an error to the log. */
export function createSinks(context: ClusterContext, report: (text: string) => void): Sinks {
  const { settings, aliases } = context
  const zones = [...new Set([...settings.zones, ...aliases.zones])]
  const targets = new Set<Target>()
  const toTargets = (call: (target: Target) => void): void => toEach(targets, call, report)

  /** A name whose answer cannot be stored (because a target exceeds the length of a name) is left to the chain. */
  function putOrLeave({ sink }: Target, name: string, node: NodeSpec): void {
    try {
      sink.put(name, node)
    } catch (error) {
      if (error instanceof TableFull) throw error
      sink.put(name, { zone: node.zone, below: 'open', otherTypes: 'chain', answers: new Map() })
      report(`${name} is answered by the plugin chain, not the answer table: ${errorMessage(error)}`)
    }
  }

  function declareIn({ sink, complete, declared }: Target): void {
    for (const zone of zones) {
      const spec = zoneSpec(context, zone, !complete.has(zone))
      const { open } = spec
      const { serial, ttl } = spec.soa
      const last = declared.get(zone)
      if (last?.serial === serial && last.ttl === ttl && last.open === open) continue
      declared.set(zone, { serial, ttl, open })
      sink.zone(spec)
    }
  }

  return {
    sink: {
      put: (name, node) => toTargets((target) => putOrLeave(target, name, node)),
      remove: (name) => toTargets(({ sink }) => sink.remove(name)),
    },
    add(sink) {
      const settled = Promise.withResolvers<void>()
      const target: Target = { sink, settled, complete: new Set(), declared: new Map() }
      targets.add(target)
      return {
        remove() {
          targets.delete(target)
          settled.resolve()
        },
        settle: settled.resolve,
        settled: settled.promise,
      }
    },
    declareZones: () => toTargets(declareIn),
    complete(zones) {
      for (const target of targets) {
        target.complete = zones
        target.settled.resolve()
      }
    },
    incomplete() {
      for (const target of targets) target.complete = new Set()
    },
    clear: () => targets.clear(),
    size: () => targets.size,
  }
}
