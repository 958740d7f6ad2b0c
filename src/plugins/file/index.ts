import { resolve } from 'node:path'
import { provide } from '../../plugin/capability.ts'
import type { Instance, Plugin, Setup } from '../../plugin/contract.ts'
import { errorMessage } from '../../telemetry/error-text.ts'
import { type FollowedFile, followZoneFile } from '../../zone/followed-file.ts'
import { serveZones } from '../../zone/served-zones.ts'
import { transferSource } from '../transfer/capability.ts'
import { type FileSettings, schema, type ZoneSettings } from './settings.ts'

const plugin = 'file'

/** Answers from zone files. */
export const file: Plugin<FileSettings> = { name: plugin, schema, setup }

function setup(settings: FileSettings, setup: Setup): Instance {
  const { block, clock, fail, log, metrics } = setup
  const failures = metrics.counter('slicedns_file_failures_total', 'Zone files that could not be used.', ['zone'])
  // A file whose zone a later directive has again must be valid, too, as in CoreDNS.
  const zones = new Map(settings.zones.map((each) => [each.zone, open(each)]))
  const served = serveZones({ plugin, setup, zones, fallthrough: settings.fallthrough })

  function open(each: ZoneSettings): FollowedFile {
    const path = resolve(block.root, each.file)
    try {
      return followZoneFile({
        settings: each,
        path,
        clock,
        log,
        onChange: () => served.changed(),
        onFailure: () => failures.with(each.zone).inc(),
      })
    } catch (error) {
      return fail(`cannot load zone "${each.zone}": ${errorMessage(error)}`, each.directive.args[0].at)
    }
  }

  return {
    handler: served.handler,
    provides: [...served.provides, provide(transferSource, served.transferable)],
    start() {
      for (const zone of zones.values()) zone.start()
    },
    stop() {
      for (const zone of zones.values()) zone.stop()
      served.stop()
    },
  }
}
