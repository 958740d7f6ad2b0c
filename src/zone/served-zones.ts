/** What plugins that serve whole zones have in common: handler, answer table, transfers out, metadata. */
import type { ResourceRecord } from '../dns/message.ts'
import { isSubdomain } from '../dns/name.ts'
import { metadataSource } from '../plugin/capabilities/metadata.ts'
import { type Provided, provide } from '../plugin/capability.ts'
import type { Setup } from '../plugin/contract.ts'
import { createNotedMetadata } from '../plugin/noted-metadata.ts'
import type { Handler, Outcome, Query } from '../plugin/query.ts'
import { type StaticZone, staticSource } from '../plugin/static-source.ts'
import { createZoneHandler, type ServedZone } from './handler.ts'
import type { Zone } from './zone.ts'

export interface ServedZonesOptions {
  readonly plugin: string
  readonly setup: Pick<Setup, 'block' | 'clock' | 'directive' | 'log'>
  /** By name, lower case and absolute. It may change: call `changed` then. */
  readonly zones: ReadonlyMap<string, ServedZone>
  /** The zones that names must be in to be the plugin's; absent: all of `zones`, which then stay the same. */
  readonly within?: readonly string[] | undefined
  /** Zones whose missing names go on to the next plugin. */
  readonly fallthrough: readonly string[]
  /** False: everything is answered by the chain, and nothing by the answer table. */
  readonly isCompiled?: boolean
  /** What becomes of a NOTIFY for a zone, as in ZoneHandlerOptions; absent: only a secondary expects one. */
  readonly notify?: (query: Query, zone: string) => Outcome | undefined
}

export interface ServedZones {
  readonly handler: Handler
  readonly provides: readonly Provided[]
  /** The zones for `transfer`. */
  readonly transferable: TransferableZones
  /** A zone is another one now, or there are others. */
  changed(): void
  stop(): void
}

/** As `transfer` wants it: src/plugins/transfer/capability.ts. */
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
  const { block, clock, directive, log } = options.setup
  const watchers = new Set<() => void>()
  const isOurs = (name: string): boolean => within?.some((zone) => isSubdomain(zone, name)) ?? true
  const wildcards = createNotedMetadata('zone/wildcard')
  const source = staticSource({ directive, zones: staticZones(), claimed: within, clock, log })

  function staticZones(): StaticZone[] {
    return [...zones.keys()].filter(isOurs).map((zone) => ({
      zone,
      fallthrough: fallthrough.some((through) => isSubdomain(through, zone)) || fallthrough,
      // `minimal` takes the name servers out of positive answers; else they are the handler's.
      authority: !block.directives.includes('minimal'),
    }))
  }

  const current = (): Zone[] => [...zones].flatMap(([name, { current }]) => (current && isOurs(name) ? [current] : []))
  const publish = (): void => {
    if (options.isCompiled ?? true) source.update(recordsOf(current()), staticZones())
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
    provides: [provide(metadataSource, wildcards), ...source.provides],
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
    changed() {
      publish()
      for (const watcher of watchers) watcher()
    },
    stop: source.stop,
  }
}

function* recordsOf(zones: readonly Zone[]): Generator<ResourceRecord, void, undefined> {
  for (const zone of zones) {
    yield zone.soa
    yield* zone.records()
  }
}
