/** Applies a primary's changes to a zone (RFC 1995 §4). */
import type { ResourceRecord } from '../../dns/message.ts'
import { lowerName } from '../../dns/name.ts'
import { readSoa } from '../../dns/rdata.ts'
import { recordKey } from '../../dns/record-key.ts'
import type { CooperativeScheduler } from '../../scheduling/cooperative-scheduler.ts'
import { createZoneBuilder, type Zone, type ZoneBuilder } from '../zone.ts'
import type { ZoneAllowance, ZoneMemory } from '../zone-memory.ts'
import { type Change, changedRecordOctets } from './read.ts'

/** Throws an Error if the changes do not fit this zone, which must then be transferred as a whole. */
export async function applyChanges(
  zone: Zone,
  changes: readonly Change[],
  memory: ZoneMemory,
  scheduler: CooperativeScheduler,
): Promise<Zone> {
  const builder = createZoneBuilder(zone.origin, memory.reserve())
  const beside = memory.reserve()
  try {
    await build(builder, zone, changes, beside, scheduler)
    return builder.finish()
  } catch (error) {
    builder.abandon()
    throw error
  } finally {
    beside.abandon()
  }
}

async function build(
  builder: ZoneBuilder,
  zone: Zone,
  changes: readonly Change[],
  beside: ZoneAllowance,
  scheduler: CooperativeScheduler,
): Promise<void> {
  const touched = await touchedRecords(zone, changes, builder.add, beside, scheduler)
  let { serial } = zone
  let { soa } = zone
  for (const { from, removed, added } of changes) {
    if (from !== serial) throw new Error(`the changes begin at serial ${from}, but the zone has ${serial}`)
    for (const record of removed)
      if (!touched.delete(recordKey(record)))
        throw new Error(`the changes remove a record of ${record.name} that does not exist`)
    const [next, ...records] = added
    for (const record of records) {
      const key = recordKey(record)
      if (touched.has(key)) throw new Error(`the changes add a record of ${record.name} that exists already`)
      touched.set(key, record)
    }
    soa = next
    serial = readSoa(soa.rdata).serial
  }
  builder.add(soa)
  for (const record of touched.values()) builder.add(record)
}

/** Octets of a changed record in addition to its name and rdata; its key repeats these in hex. */
const touchedOctets = changedRecordOctets + 120

/** The records of changing names, by key; all others are kept immediately. */
async function touchedRecords(
  zone: Zone,
  changes: readonly Change[],
  keep: (record: ResourceRecord) => void,
  beside: ZoneAllowance,
  scheduler: CooperativeScheduler,
): Promise<Map<string, ResourceRecord>> {
  const names = new Set(
    changes.flatMap(({ removed, added }) => [...removed, ...added].map(({ name }) => lowerName(name))),
  )
  const touched = new Map<string, ResourceRecord>()
  let octets = 0
  scheduler.begin()
  for (const record of zone.records()) {
    if (scheduler.due) await scheduler.rest()
    if (names.has(record.name)) {
      const key = recordKey(record)
      touched.set(key, record)
      octets += touchedOctets + record.name.length + key.length
      beside.take(octets, touched.size)
    } else keep(record)
  }
  return touched
}
