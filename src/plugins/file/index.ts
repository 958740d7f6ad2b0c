import { resolve } from 'node:path'
import { provide } from '../../plugin/capability.ts'
import type { FileReading, Held, Instance, Plugin, Setup } from '../../plugin/contract.ts'
import { readProcessLimits } from '../../process-limits/index.ts'
import { createCooperativeScheduler } from '../../scheduling/cooperative-scheduler.ts'
import { errorMessage } from '../../telemetry/error-text.ts'
import { type FollowedFile, followZoneFile } from '../../zone/followed-file.ts'
import { serveZones } from '../../zone/served-zones.ts'
import { createZoneMemory, holdZoneMemory } from '../../zone/zone-memory.ts'
import { transferSource } from '../transfer/capability.ts'
import { type FileSettings, schema, type ZoneSettings } from './settings.ts'

const plugin = 'file'

/** Answers from zone files. */
export const file: Plugin<FileSettings> = { name: plugin, schema, readFiles, setup }

/** A file that configurations share, so that a reload reads it only if it has changed. */
interface SharedFile {
  readonly followed: FollowedFile
  /** Called when the zone has changed. */
  readonly watchers: Set<() => void>
}

function readFiles({ zones }: FileSettings, { block, clock, fail, log }: FileReading): void {
  const memory = createZoneMemory(readProcessLimits().memory)
  const scheduler = createCooperativeScheduler(clock)
  const ignored = () => undefined
  for (const settings of zones) {
    const path = resolve(block.root, settings.file)
    try {
      followZoneFile({ settings, path, memory, scheduler, clock, log, onChange: ignored, onFailure: ignored })
    } catch (error) {
      cannotLoad(settings, error, fail)
    }
  }
}

function cannotLoad({ zone, directive }: ZoneSettings, error: unknown, fail: FileReading['fail']): never {
  return fail(`cannot load zone "${zone}": ${errorMessage(error)}`, directive.args[0].at)
}

function setup(settings: FileSettings, setup: Setup): Instance {
  const { block, clock, fail, log, metrics, process } = setup
  const failures = metrics.counter('slicedns_file_failures_total', 'Zone files that could not be used.', ['zone'])
  const memory = holdZoneMemory(process)
  const scheduler = createCooperativeScheduler(clock)
  const held: Held<SharedFile>[] = []
  // A file must be valid even if a later directive replaces its zone, as in CoreDNS.
  const zones = new Map(settings.zones.map((each) => [each.zone, open(each)]))
  const changed = (): void => void served.changed()
  const served = serveZones({ plugin, setup, zones, fallthrough: settings.fallthrough })
  for (const { value } of held) value.watchers.add(changed)

  function open(each: ZoneSettings): FollowedFile {
    const path = resolve(block.root, each.file)
    try {
      const file = acquire(each, path)
      held.push(file)
      return file.value.followed
    } catch (error) {
      for (const each of held) each.release()
      memory.release()
      return cannotLoad(each, error, fail)
    }
  }

  function acquire(each: ZoneSettings, path: string): Held<SharedFile> {
    let isNew = false
    const file = process.acquire(`file ${each.zone} ${path} ${each.reload} ${each.byTime}`, () => {
      isNew = true
      const watchers = new Set<() => void>()
      const followed = followZoneFile({
        settings: each,
        path,
        memory: memory.value,
        scheduler,
        clock,
        log,
        onChange() {
          for (const watcher of watchers) watcher()
        },
        onFailure: () => failures.with(each.zone).inc(),
      })
      return { value: { followed, watchers }, start: followed.start, stop: followed.stop }
    })
    try {
      if (!isNew) file.value.followed.refresh()
      return file
    } catch (error) {
      file.release()
      throw error
    }
  }

  return {
    handler: served.handler,
    provides: [...served.provides, provide(transferSource, served.transferable)],
    stop() {
      for (const { value, release } of held) {
        value.watchers.delete(changed)
        release()
      }
      memory.release()
      served.stop()
    },
  }
}
