import { resolve } from 'node:path'
import type { ResourceRecord } from '../../dns/message.ts'
import { isSubdomain } from '../../dns/name.ts'
import { metadataSource } from '../../plugin/capabilities/metadata.ts'
import { provide } from '../../plugin/capability.ts'
import type { Instance, Plugin, Setup } from '../../plugin/contract.ts'
import { createNotedMetadata } from '../../plugin/noted-metadata.ts'
import { staticSource } from '../../plugin/static-source.ts'
import { errorMessage } from '../../telemetry/error-text.ts'
import { type TransferSource, transferSource } from '../transfer/capability.ts'
import { type FollowedZone, openFollowedZone } from './followed-zone.ts'
import { createHandler } from './handler.ts'
import { type FileSettings, schema, type ZoneSettings } from './settings.ts'
import type { Zone } from './zone.ts'

/** Answers from zone files. */
export const file: Plugin<FileSettings> = { name: 'file', schema, setup }

function setup(settings: FileSettings, { block, clock, directive, fail, log, metrics }: Setup): Instance {
  const failures = metrics.counter('slicedns_file_failures_total', 'Zone files that could not be used.', ['zone'])
  const watchers = new Set<() => void>()
  const zones = new Map(settings.zones.map((each) => [each.zone, open(each)]))
  const source = staticSource({
    directive,
    zones: settings.zones.map(({ zone }) => ({
      zone,
      fallthrough: settings.fallthrough.some((through) => isSubdomain(through, zone)) || settings.fallthrough,
      // `minimal` takes the name servers out of positive answers; else they are the handler's.
      authority: !block.directives.includes('minimal'),
    })),
    clock,
    log,
  })

  function open(each: ZoneSettings): FollowedZone {
    const path = resolve(block.root, each.file)
    try {
      return openFollowedZone({
        settings: each,
        path,
        clock,
        log,
        onChange: changed,
        onFailure: () => failures.with(each.zone).inc(),
      })
    } catch (error) {
      return fail(`cannot load zone "${each.zone}": ${errorMessage(error)}`, each.directive.args[0].at)
    }
  }

  function changed(): void {
    publish()
    for (const watcher of watchers) watcher()
  }

  const wildcards = createNotedMetadata('zone/wildcard')
  const current = (): Zone[] => [...zones.values()].flatMap((zone) => zone.current ?? [])

  function publish(): void {
    source.update(recordsOf(current()))
  }

  const transferable: TransferSource = {
    zones: [...zones.keys()],
    serial: (zone) => zones.get(zone)?.current?.serial,
    snapshot(zone) {
      const found = zones.get(zone)?.current
      return found && { serial: found.serial, soa: found.soa, records: found.records()[Symbol.iterator]() }
    },
    watch(watcher) {
      watchers.add(watcher)
      return { stop: () => watchers.delete(watcher) }
    },
  }

  publish()
  return {
    handler: createHandler((zone) => zones.get(zone)?.current, [...zones.keys()], settings.fallthrough, wildcards.note),
    provides: [provide(metadataSource, wildcards), ...source.provides, provide(transferSource, transferable)],
    start() {
      for (const zone of zones.values()) zone.start()
    },
    stop() {
      for (const zone of zones.values()) zone.stop()
      source.stop()
    },
  }
}

function* recordsOf(zones: readonly Zone[]): Generator<ResourceRecord, void, undefined> {
  for (const zone of zones) {
    yield zone.soa
    yield* zone.records()
  }
}
