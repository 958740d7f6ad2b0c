/** The zone that updates change, one at a time; each change is on disk before it takes effect. */
import { statSync } from 'node:fs'
import type { ResourceRecord } from '../../dns/message.ts'
import { recordKey } from '../../dns/record-key.ts'
import type { Clock } from '../../scheduling/clock.ts'
import { createCooperativeScheduler } from '../../scheduling/cooperative-scheduler.ts'
import { createZoneBuilder, type Zone } from '../../zone/zone.ts'
import { type Journal, openJournal, type Replayed, replay } from './journal.ts'
import { createZoneRecords, type ZoneRecords } from './records.ts'

export interface ZoneStore {
  readonly origin: string
  readonly zone: Zone
  /** Calls back when the zone has changed, until stopped. An update is complete when all watchers have resolved. */
  watch(changed: () => Promise<void>): { stop(): void }
  /** Makes the database if it does not exist yet. */
  open(): Promise<void>
  /**
   * Calls `change` with the zone when all earlier changes are done. If it gives a next zone, that is written and put
   * into effect before the promise resolves. Rejects where it cannot be written.
   */
  change<T>(
    change: (records: ZoneRecords) => { readonly result: T; readonly next?: ZoneRecords | undefined },
  ): Promise<T>
  close(): Promise<void>
}

export interface StoreOptions {
  readonly origin: string
  /** Absolute; undefined: the zone is kept in memory only. */
  readonly database: string | undefined
  /** Absolute. It must not be the database. */
  readonly seedFile: string
  /** The records of the zone's file. Throws an Error with what is wrong. */
  seed(): Iterable<ResourceRecord>
  /** Throws an Error where the records cannot be the zone. */
  check(records: ZoneRecords): void
  readonly clock: Clock
  warning(text: string): void
}

/** Reads the database or, if it does not exist, the zone's file. Writes nothing. Throws an Error. */
export function createZoneStore(options: StoreOptions): ZoneStore {
  const { origin, database, clock } = options
  if (database !== undefined && isSameFile(database, options.seedFile))
    throw new RangeError('the database and the file of the zone must be different files')
  const replayed = database === undefined ? undefined : replayedOf(database, options)
  let records = replayed ? recordsOf(origin, replayed) : seeded(options)
  options.check(records)
  const scheduler = createCooperativeScheduler(clock)
  const watchers = new Set<() => Promise<void>>()
  let zone = built(records)
  let journal: Journal | undefined
  let queue: Promise<unknown> = Promise.resolve()
  let isClosed = false

  /** Runs tasks one after the other, even if some fail. */
  function inTurn<T>(task: () => Promise<T>): Promise<T> {
    const done = queue.then(task)
    queue = done.catch(() => undefined)
    return done
  }

  /** A closed store is not reopened: another one may have changed the database since. */
  async function opened(): Promise<Journal | undefined> {
    if (isClosed) throw new Error('its configuration has been stopped')
    if (database !== undefined) journal ??= await openJournal(database, origin, replayed, () => records.all())
    return journal
  }

  return {
    origin,
    get zone() {
      return zone
    },
    watch(watcher) {
      watchers.add(watcher)
      return { stop: () => void watchers.delete(watcher) }
    },
    open: () => inTurn(async () => void (await opened())),
    change: (change) =>
      inTurn(async () => {
        const { result, next } = change(records)
        if (!next) return result
        const builder = createZoneBuilder(origin)
        scheduler.begin()
        for (const record of next.all()) {
          if (scheduler.due) await scheduler.rest()
          builder.add(record)
        }
        const file = await opened()
        await file?.append(differenceOf(records, next), () => next.all())
        records = next
        zone = builder.finish()
        // The update is answered when the answer table has its changes, too.
        await Promise.all([...watchers].map((watcher) => watcher()))
        return result
      }),
    close: () =>
      inTurn(async () => {
        isClosed = true
        await journal?.close()
        journal = undefined
      }),
  }
}

function replayedOf(database: string, { origin, warning }: StoreOptions): Replayed | undefined {
  const replayed = replayFrom(database)
  if (replayed && replayed.zone !== origin)
    throw new RangeError(`the database ${database} is of the zone ${replayed.zone}`)
  if (replayed && replayed.torn > 0)
    warning(`the last ${replayed.torn} octets of ${database} belong to an unfinished update and are ignored`)
  return replayed
}

function replayFrom(database: string): Replayed | undefined {
  try {
    return replay(database)
  } catch (error) {
    throw error instanceof RangeError ? new RangeError(`the database ${database} ${error.message}`) : error
  }
}

function recordsOf(origin: string, { changes }: Replayed): ZoneRecords {
  const records = createZoneRecords(origin)
  for (const { removed, added } of changes) {
    for (const record of removed) records.remove(record)
    for (const record of added) records.put(record)
  }
  return records
}

function seeded({ origin, seed }: StoreOptions): ZoneRecords {
  const records = createZoneRecords(origin)
  for (const record of seed()) records.put(record)
  return records
}

function built(records: ZoneRecords): Zone {
  const builder = createZoneBuilder(records.origin)
  for (const record of records.all()) builder.add(record)
  return builder.finish()
}

function differenceOf(before: ZoneRecords, after: ZoneRecords) {
  const isSame = (record: ResourceRecord, there: ResourceRecord | undefined) =>
    there !== undefined &&
    there.ttl === record.ttl &&
    there.name === record.name &&
    recordKey(there) === recordKey(record)
  return {
    removed: [...before.all()].filter((record) => !isSame(record, after.has(record))),
    added: [...after.all()].filter((record) => !isSame(record, before.has(record))),
  }
}

function isSameFile(one: string, other: string): boolean {
  if (one === other) return true
  try {
    const [a, b] = [statSync(one), statSync(other)]
    return a.dev === b.dev && a.ino === b.ino
  } catch {
    // One of them does not exist.
    return false
  }
}
