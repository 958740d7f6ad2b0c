/** What plugins that serve whole zones share: handler, answer table, outgoing transfers, metadata. */
import type { Directive } from '../corefile/schema.ts'
import type { ResourceRecord } from '../dns/message.ts'
import { isSubdomain } from '../dns/name.ts'
import { type CompiledSource, compiledSource } from '../plugin/capabilities/compiled-source.ts'
import { metadataSource } from '../plugin/capabilities/metadata.ts'
import { transparency } from '../plugin/capabilities/transparency.ts'
import { type Provided, provide } from '../plugin/capability.ts'
import type { Setup } from '../plugin/contract.ts'
import { zoneMatcher } from '../plugin/name-matcher.ts'
import { createNotedMetadata } from '../plugin/noted-metadata.ts'
import type { Handler, Outcome, Query } from '../plugin/query.ts'
import { createTablePublisher } from '../plugin/table-publisher.ts'
import { transparencyOf } from '../plugin/transparency-of.ts'
import { createZoneHandler, type ServedZone } from './handler.ts'
import { maxRepeatedOctets, zonesContents } from './table-nodes.ts'
import type { Zone } from './zone.ts'

export interface ServedZonesOptions {
  readonly plugin: string
  readonly setup: Pick<Setup, 'block' | 'clock' | 'directive' | 'log' | 'process'>
  /** By name, lower case and absolute. May change: call `changed` then. */
  readonly zones: ReadonlyMap<string, ServedZone>
  /** The zones in which all names belong to the plugin; absent: all of `zones`, which must then not change. */
  readonly within?: readonly string[] | undefined
  /** Zones whose missing names go on to the next plugin. */
  readonly fallthrough: readonly string[]
  /** The result of a NOTIFY for a zone, as in ZoneHandlerOptions; absent: only a secondary expects one. */
  readonly notify?: (query: Query, zone: string) => Outcome | undefined
}

export interface ServedZones {
  readonly handler: Handler
  readonly provides: readonly Provided[]
  /** The zones for `transfer`. */
  readonly transferable: TransferableZones
  /** A zone has changed, or zones were added or removed. Resolves when the answer table is updated. */
  changed(): Promise<void>
  stop(): void
}

/** The form that `transfer` expects: src/plugins/transfer/capability.ts. */
export interface TransferableZones {
  readonly zones: readonly string[]
  serial(zone: string): number | undefined
  snapshot(zone: string): TransferableZone | undefined
  watch(changed: () => void): { stop(): void }
}

interface TransferableZone {
  readonly serial: number
  readonly soa: ResourceRecord
  readonly records: Iterator<ResourceRecord>
}

export function serveZones(options: ServedZonesOptions): ServedZones {
  const { plugin, zones, within, fallthrough } = options
  const { block, clock, directive, log, process } = options.setup
  const watchers = new Set<() => void>()
  const isOurs = (name: string): boolean => within?.some((zone) => isSubdomain(zone, name)) ?? true
  const wildcards = createNotedMetadata('zone/wildcard')
  const publisher = createTablePublisher({ clock, log })

  /** Zones too large for the answer table, to log each only once. */
  const tooLarge = new Set<string>()

  function publish(): void {
    let left = process.limits.memory.zoneTable
    const own = [...zones].filter(([name]) => isOurs(name))
    const published = own.map(([name, { current }]): [string, Zone | undefined] => {
      const octets = current ? tableOctets(current) : 0
      if (octets > left) {
        leaveToChain(name, octets)
        return [name, undefined]
      }
      left -= octets
      return [name, current]
    })
    publisher.update(zonesContents(new Map(published), fallthrough))
  }

  function leaveToChain(name: string, octets: number): void {
    if (tooLarge.has(name)) return
    tooLarge.add(name)
    const [needed, most] = [octets, process.limits.memory.zoneTable].map((each) => (each / 2 ** 20).toFixed(1))
    log.warning(
      `zone ${name} is answered without the answer table: it would take ${needed} MiB there, and the memory limit leaves ${most} MiB for zones`,
    )
  }

  /** `within`: names that the plugin may answer in future are kept from later plugins. */
  const claimed = (): readonly string[] => within ?? [...zones.keys()].filter((zone) => !fallsThroughWhole(zone))
  const fallsThroughWhole = (zone: string): boolean => fallthrough.some((through) => isSubdomain(through, zone))
  const source: CompiledSource = {
    zones: within ?? [...zones.keys()],
    deniesNothing: within === undefined && [...zones.keys()].every(fallsThroughWhole),
    attach: publisher.attach,
  }

  const handler = createZoneHandler({
    plugin,
    zones,
    fallthrough,
    isLast: () => {
      const place = block.plugins.findIndex((each) => each.plugin === plugin)
      return place >= 0 && block.plugins.slice(place + 1).every(({ instance }) => !instance.handler)
    },
    onWildcard: wildcards.note,
    notify: options.notify ?? (() => ({ kind: 'drop', plugin })),
  })

  publish()
  return {
    handler: within ? (query, next) => (isOurs(query.name) ? handler(query, next) : next(query)) : handler,
    provides: [
      provide(metadataSource, wildcards),
      provide(compiledSource, source),
      provide(transparency, transparencyOf(claimed().map((zone) => ownZone(zone, directive)))),
    ],
    transferable: {
      get zones() {
        return [...zones.keys()]
      },
      serial: (zone) => zones.get(zone)?.current?.serial,
      snapshot(zone) {
        const found = zones.get(zone)?.current
        return found && { serial: found.serial, soa: found.soa, records: found.records()[Symbol.iterator]() }
      },
      watch(watcher) {
        watchers.add(watcher)
        return { stop: () => watchers.delete(watcher) }
      },
    },
    async changed() {
      publish()
      for (const watcher of watchers) watcher()
      await publisher.published()
    },
    stop: publisher.stop,
  }
}

/**
 * Octets in the answer table, measured with short names: a node with its slot takes 64 octets per record in addition to the
 * record. A CNAME has answers for three types, which repeat it and its targets: 425 octets for four addresses.
 */
const tableOctets = ({ octets, size, leading }: Zone): number => octets + 64 * size + maxRepeatedOctets * leading

/** The zone is answered here only, whatever later plugins have for it. */
const ownZone = (zone: string, { at }: Directive) => ({
  names: zoneMatcher(zone),
  reason: `it answers ${zone} without fallthrough`,
  at,
})
