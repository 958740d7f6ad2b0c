/** A zone that is read from its file at start, and again when the file has another serial. */
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
  /** Milliseconds between two looks at the file; 0: it is read once, and must be there. */
  readonly reload: number
  /** It is read at the first look after the start, in slices: for a file that is found while the server runs. */
  readonly lazy?: boolean
  /** A file is read again when its time of change is later, not when its serial is another. */
  readonly byTime: boolean
}

export interface FollowedFile {
  /** The zone as it was read last; undefined until its file is there. */
  readonly current: Zone | undefined
  /** Looks at the file, until stopped. */
  start(): void
  /** Reads the file now if it has changed, whatever its serial. Throws where it cannot be used. */
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
  /** A new zone is in use. Not called for the one that is read at start. */
  onChange(zone: Zone): void
  /** The file could not be used. */
  onFailure(): void
}

/** A file that is being read, in slices. */
interface Load {
  readonly files: ZoneFiles
  readonly records: Generator<ResourceRecord, void, undefined>
  readonly builder: ZoneBuilder
  /** Records that do not belong to the zone. */
  outside: number
  /** The same serial is the same zone. */
  readonly bySerial: boolean
}

/** Reads the zone now. Throws where the file cannot be used; without `reload` also where it does not exist. */
export function followZoneFile(options: FollowOptions): FollowedFile {
  const { settings, path, clock, log, memory, scheduler } = options
  const { zone: origin, reload, byTime } = settings
  let current: Zone | undefined
  /** The files as they were when they were last looked into, and when the zone in use was changed. */
  let seen = ''
  let modifiedAt = 0
  let failure: string | undefined
  /** The files are as they were seen, and had no room: whether there may be more now. */
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

  /** Takes one record; false when the file is read, or need not be. */
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

  /** What a reload goes by, as in CoreDNS: the same serial is the same zone. */
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

  /** The files are closed, and the memory is free. */
  function abandon({ records, builder }: Load): void {
    records.return(undefined)
    builder.abandon()
  }

  /** Logged once, not at each look. */
  function failed(error: unknown): void {
    if (load) abandon(load)
    seen = versionNow(load?.files.version() ?? `${path} 0 0`)
    hasMoreRoom = error instanceof ZoneMemoryFull ? memory.moreRoom() : undefined
    const reason = errorMessage(error)
    if (reason === failure) return
    failure = reason
    options.onFailure()
    log.error(`cannot load zone "${origin}": ${reason}`)
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
