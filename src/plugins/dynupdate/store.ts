/** The zone that updates change: one change at a time, each on disk before it is in force. */
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
  /** Calls back when there is another zone, until stopped. An update is in force when all have resolved. */
  watch(changed: () => Promise<void>): { stop(): void }
  /** Makes the database if it does not exist yet. */
  open(): Promise<void>
  /**
   * Calls `change` with the zone when all changes before it are done. Where it gives another zone, that is written, then in
   * force, and then the promise resolves. Rejects where it cannot be written.
   */
  change<T>(
    change: (records: ZoneRecords) => { readonly result: T; readonly next?: ZoneRecords | undefined },
  ): Promise<T>
  close(): Promise<void>
}

export interface StoreOptions {
  readonly origin: string
  /** Absolute; undefined: the zone is in memory alone. */
  readonly database: string | undefined
  /** Absolute. It is another file than the database. */
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

  /** One after the other, whatever becomes of each. */
  function inTurn<T>(task: () => Promise<T>): Promise<T> {
    const done = queue.then(task)
    queue = done.catch(() => undefined)
    return done
  }

  /** What was read at the start is not what the database has after it was closed: it is not opened again. */
  async function opened(): Promise<Journal | undefined> {
    if (isClosed) throw new Error('the configuration that it is for has stopped')
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
        // Whoever asks after the reply to an update gets what it has changed, also from the answer table.
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
  const replayed = replay(database)
  if (replayed && replayed.zone !== origin)
    throw new RangeError(`the database ${database} is of the zone ${replayed.zone}`)
  if (replayed && replayed.torn > 0)
    warning(`the last ${replayed.torn} octets of ${database} are of an update that was not finished: they are left out`)
  return replayed
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
    // One of them is not there.
    return false
  }
}
