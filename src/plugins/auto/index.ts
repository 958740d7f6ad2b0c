import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { provide } from '../../plugin/capability.ts'
import type { FileReading, Instance, Plugin, Setup } from '../../plugin/contract.ts'
import { readProcessLimits } from '../../process-limits/index.ts'
import type { Timer } from '../../scheduling/clock.ts'
import { createCooperativeScheduler } from '../../scheduling/cooperative-scheduler.ts'
import { errorMessage } from '../../telemetry/error-text.ts'
import { type FollowedFile, followZoneFile } from '../../zone/followed-file.ts'
import type { ServedZone } from '../../zone/handler.ts'
import { type ServedZones, serveZones } from '../../zone/served-zones.ts'
import { createZoneMemory, holdZoneMemory } from '../../zone/zone-memory.ts'
import { transferSource } from '../transfer/capability.ts'
import { type AutoSettings, schema } from './settings.ts'
import { findZoneFiles } from './walk.ts'

const plugin = 'auto'

/** Answers from the zone files of a directory, which it watches. */
export const auto: Plugin<AutoSettings> = { name: plugin, schema, readFiles, setup }

function readFiles(settings: AutoSettings, reading: FileReading): void {
  const { block, clock, log } = reading
  checkDirectory(settings, reading)
  if (settings.directory === undefined) return
  const scan = findZoneFiles(resolve(block.root, settings.directory.text), settings)
  let step = scan.next()
  while (!step.done) step = scan.next()
  const { files, problems } = step.value
  for (const problem of problems) log.warning(problem)
  const memory = createZoneMemory(readProcessLimits().memory)
  const scheduler = createCooperativeScheduler(clock)
  const ignored = () => undefined
  for (const [zone, path] of files) {
    const file = { zone, reload: settings.reload, byTime: false }
    try {
      followZoneFile({ settings: file, path, memory, scheduler, clock, log, onChange: ignored, onFailure: ignored })
    } catch (error) {
      cannotLoad(zone, error, log)
    }
  }
}

const cannotLoad = (zone: string, error: unknown, log: FileReading['log']): void =>
  log.warning(`cannot load zone "${zone}": ${errorMessage(error)}`)

function checkDirectory({ directory }: AutoSettings, { block, fail, log }: FileReading): void {
  if (directory === undefined) {
    log.warning('no directory is set: auto serves no zone')
    return
  }
  const path = resolve(block.root, directory.text)
  try {
    statSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      fail(`cannot read the directory ${path}: ${errorMessage(error)}`, directory.at)
    log.warning(`the directory ${path} does not exist: checking again at each reload interval`)
  }
}

function setup(settings: AutoSettings, setup: Setup): Instance {
  const { block, clock, log, metrics, process } = setup
  const memory = holdZoneMemory(process)
  const scheduler = createCooperativeScheduler(clock)
  const failures = metrics.counter('slicedns_auto_failures_total', 'Zone files that could not be used.', ['zone'])
  const gauge = metrics.gauge('slicedns_auto_zones', 'Zones of files that a directory has.', [])
  /** The zone files of the directory. */
  const found = new Map<string, { readonly path: string; readonly followed: FollowedFile }>()
  /** Zones whose file has been read. */
  const zones = new Map<string, ServedZone>()
  const directory = settings.directory && resolve(block.root, settings.directory.text)
  /** Problems of the last scan: each is logged once. */
  let known: ReadonlySet<string> = new Set()
  let timer: Timer | undefined
  let served: ServedZones | undefined
  /** The scan of the directory that is under way. */
  let scanning: Iterator<undefined> | undefined
  const task = scheduler.task(() => {
    if (!scanning?.next().done) return scanning !== undefined
    scanning = undefined
    return false
  })

  checkDirectory(settings, setup)
  for (const _ of scan(false));
  served = serveZones({
    plugin,
    setup,
    zones,
    within: settings.origins,
    fallthrough: [],
    notify: () => undefined,
  })

  /** Scans the directory in pieces. `isRunning`: a new file is read in slices, and its zone is inserted afterwards. */
  function* scan(isRunning: boolean): Generator<undefined, void, undefined> {
    if (directory === undefined) return
    const { files, problems } = yield* findZoneFiles(directory, settings)
    for (const problem of problems) if (!known.has(problem)) log.warning(problem)
    known = new Set(problems)
    for (const [zone, { path, followed }] of found) {
      if (files.get(zone) === path) continue
      followed.stop()
      found.delete(zone)
      // If the zone has another file now, it stays until that has been read.
      if (!files.has(zone)) remove(zone)
    }
    for (const [zone, path] of files) {
      if (found.has(zone)) continue
      add(zone, path, isRunning)
      yield
    }
  }

  function add(zone: string, path: string, isRunning: boolean): void {
    try {
      const followed = followZoneFile({
        settings: { zone, reload: settings.reload, byTime: false, lazy: isRunning },
        path,
        clock,
        log,
        memory: memory.value,
        scheduler,
        onChange: () => insert(zone, path, followed),
        onFailure: () => failures.with(zone).inc(),
      })
      found.set(zone, { path, followed })
      if (isRunning) followed.start()
      else insert(zone, path, followed)
    } catch (error) {
      failures.with(zone).inc()
      cannotLoad(zone, error, log)
    }
  }

  function insert(zone: string, path: string, followed: FollowedFile): void {
    if (zones.get(zone) !== followed) log.info(`Inserting zone \`${zone}' from: ${path}`)
    zones.set(zone, followed)
    changed()
  }

  function remove(zone: string): void {
    if (!zones.delete(zone)) return
    log.info(`Deleting zone \`${zone}'`)
    changed()
  }

  function changed(): void {
    gauge.with().set(zones.size)
    served?.changed()
  }

  return {
    handler: served.handler,
    provides: [...served.provides, provide(transferSource, served.transferable)],
    start() {
      for (const { followed } of found.values()) followed.start()
      if (settings.reload > 0)
        timer = clock.every(settings.reload, () => {
          scanning ??= scan(true)
          task.wake()
        })
    },
    stop() {
      timer?.cancel()
      task.stop()
      for (const { followed } of found.values()) followed.stop()
      served?.stop()
      memory.release()
    },
  }
}
