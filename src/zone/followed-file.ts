/** A zone that is read from its file at the start, and again when the file's serial has changed. */
import { type } from '../dns/codes.ts'
import type { ResourceRecord } from '../dns/message.ts'
import { readSoa } from '../dns/rdata.ts'
import { zoneRecords } from '../dns/zone-file/index.ts'
import type { Clock, Timer } from '../scheduling/clock.ts'
import type { CooperativeScheduler } from '../scheduling/cooperative-scheduler.ts'
import { errorMessage } from '../telemetry/error-text.ts'
import type { Logger } from '../telemetry/log.ts'
import { openZoneFiles, timeOfChange, versionNow, type ZoneFiles } from './files.ts'
import { createZoneBuilder, type Zone, type ZoneBuilder } from './zone.ts'
import { type ZoneMemory, ZoneMemoryFull } from './zone-memory.ts'

/** How a zone follows its file. */
export interface FollowSettings {
  /** Lower case and absolute. */
  readonly zone: string
  /** Milliseconds between two checks of the file; 0: it is read once and must exist. */
  readonly reload: number
  /** Read the file at the first check after the start, in slices: for a file that is found while the server runs. */
  readonly lazy?: boolean
  /** Read the file again when its modification time is later, rather than when its serial differs. */
  readonly byTime: boolean
}

export interface FollowedFile {
  /** The zone as last read; undefined until its file exists. */
  readonly current: Zone | undefined
  /** Checks the file periodically until stopped. */
  start(): void
  /** Reads the file now if it has changed, whatever its serial. Throws if it cannot be used. */
  refresh(): void
  stop(): void
}

export interface FollowOptions {
  readonly settings: FollowSettings
  /** Absolute. */
  readonly path: string
  readonly clock: Clock
  readonly log: Logger
  readonly memory: ZoneMemory
  /** Files that share it are read in the same slices. */
  readonly scheduler: CooperativeScheduler
  /** A new zone is in use. Not called for the one read at the start. */
  onChange(zone: Zone): void
  /** The file could not be used. */
  onFailure(): void
}

/** A file that is being read in slices. */
interface Load {
  readonly files: ZoneFiles
  readonly records: Generator<ResourceRecord, void, undefined>
  readonly builder: ZoneBuilder
  /** Records that do not belong to the zone. */
  outside: number
  /** An equal serial means an unchanged zone. */
  readonly bySerial: boolean
}

/** Reads the zone now. Throws if the file cannot be used; without `reload` also if it does not exist. */
export function followZoneFile(options: FollowOptions): FollowedFile {
  const { settings, path, clock, log, memory, scheduler } = options
  const { zone: origin, reload, byTime } = settings
  let current: Zone | undefined
  /** Versions of the files: when last examined, and when the current zone was read. */
  let seen = ''
  let modifiedAt = 0
  let failure: string | undefined
  /** Set when the unchanged files did not fit into memory: whether there may be more memory now. */
  let hasMoreRoom: (() => boolean) | undefined
  let load: Load | undefined
  let timer: Timer | undefined
  let stopped = false

  const task = scheduler.task(() => {
    if (load === undefined) return false
    try {
      if (step(load)) return true
    } catch (error) {
      failed(error)
    }
    load = undefined
    lookLater()
    return false
  })

  function begin(bySerial: boolean): Load {
    const files = openZoneFiles(path)
    const { file, pieces } = files.first
    const records = zoneRecords(pieces, { zone: origin, file, include: files.include })
    return { files, records, builder: createZoneBuilder(origin, memory.reserve()), outside: 0, bySerial }
  }

  /** Reads one record; false when the file is complete, or need not be read further. */
  function step(now: Load): boolean {
    const next = now.records.next()
    if (next.done) {
      finish(now)
      return false
    }
    if (now.bySerial && isCurrent(next.value)) {
      abandon(now)
      seen = now.files.version()
      failure = undefined
      hasMoreRoom = undefined
      return false
    }
    if (!now.builder.add(next.value)) now.outside++
    return true
  }

  /** As in CoreDNS an equal serial means an unchanged zone. */
  const isCurrent = (record: ResourceRecord): boolean =>
    current !== undefined && record.type === type.SOA && readSoa(record.rdata).serial === current.serial

  function finish({ files, builder, outside }: Load): void {
    const isReload = seen !== ''
    const next = builder.finish()
    current?.release()
    current = next
    seen = files.version()
    modifiedAt = files.modifiedAt
    failure = undefined
    hasMoreRoom = undefined
    if (outside > 0) log.warning(`${path} has ${outside} records outside of the zone ${origin}: they are left out`)
    if (!isReload) return
    log.info(`Successfully reloaded zone "${origin}" in "${path}" with ${current.serial} SOA serial`)
    options.onChange(current)
  }

  /** Closes the files and frees the memory. */
  function abandon({ records, builder }: Load): void {
    records.return(undefined)
    builder.abandon()
  }

  /** Logs a failure once, not at each check. */
  function failed(error: unknown): void {
    if (load) abandon(load)
    seen = versionNow(load?.files.version() ?? `${path} 0 0`)
    hasMoreRoom = error instanceof ZoneMemoryFull ? memory.moreRoom() : undefined
    const reason = errorMessage(error)
    if (reason === failure) return
    failure = reason
    options.onFailure()
    log.error(`Parsing zone "${origin}": ${reason}`)
  }

  function lookLater(): void {
    if (!stopped && reload > 0) timer = clock.after(reload, look)
  }

  function look(): void {
    try {
      if (hasChanged()) {
        load = begin(!byTime)
        task.wake()
        return
      }
    } catch (error) {
      failed(error)
    }
    lookLater()
  }

  function hasChanged(): boolean {
    const now = versionNow(seen)
    if (now === seen) return hasMoreRoom?.() ?? false
    if (!byTime || current === undefined) return true
    return timeOfChange(path) > modifiedAt
  }

  function readNow(): void {
    try {
      load = begin(false)
      while (step(load));
    } catch (error) {
      if (load) abandon(load)
      throw error
    } finally {
      load = undefined
    }
  }

  function readAtStart(): void {
    try {
      readNow()
    } catch (error) {
      if (reload === 0 || !isMissing(error)) throw error
      seen = versionNow(`${path} 0 0`)
      log.warning(`${path} does not exist: zone "${origin}" is SERVFAIL until it does`)
    }
  }

  if (settings.lazy) seen = `${path} no file`
  else readAtStart()
  return {
    get current() {
      return current
    },
    start() {
      if (settings.lazy) look()
      else if (reload > 0) lookLater()
    },
    refresh() {
      if (load === undefined && versionNow(seen) !== seen) readNow()
    },
    stop() {
      stopped = true
      timer?.cancel()
      task.stop()
      if (load) abandon(load)
      current?.release()
    },
  }
}

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT'
