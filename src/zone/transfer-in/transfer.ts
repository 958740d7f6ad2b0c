/** A zone from its primary: what has changed where that can be had, else whole. */
import { type } from '../../dns/codes.ts'
import { lowerName } from '../../dns/name.ts'
import { queryMessage } from '../../dns/query.ts'
import { readSoa } from '../../dns/rdata.ts'
import { type CooperativeScheduler, createCooperativeScheduler } from '../../scheduling/cooperative-scheduler.ts'
import { errorMessage } from '../../telemetry/error-text.ts'
import { createZoneBuilder, type Zone } from '../zone.ts'
import { applyChanges } from './apply.ts'
import { type ExchangeOptions, exchange } from './exchange.ts'
import { createTransferReader, type Transferred } from './read.ts'

/** The serial that the primary has. */
export async function askSerial(zone: string, options: ExchangeOptions): Promise<number> {
  for await (const { message, doubt } of exchange(queryMessage(zone, type.SOA, false), options)) {
    if (doubt !== undefined) throw new Error(doubt)
    const soa = message.answer.find((record) => record.type === type.SOA && lowerName(record.name) === zone)
    if (!soa) throw new Error('it has no SOA record of the zone')
    return readSoa(soa.rdata).serial
  }
  throw new Error('it has not answered')
}

export interface ZoneTransfer {
  readonly zone: Zone
  /** How it came, for the log. */
  readonly how: 'AXFR' | 'IXFR'
  /** Records outside of the zone, which are left out. */
  readonly outside: number
}

/** `current`: the zone as it is known. Undefined where the primary has nothing newer. Throws an Error. */
export async function transferZone(
  zone: string,
  current: Zone | undefined,
  options: ExchangeOptions,
): Promise<ZoneTransfer | undefined> {
  const scheduler = createCooperativeScheduler(options.clock)
  const changed = current && (await transferChanges(current, options, scheduler))
  if (changed !== 'failed' && current) return changed
  const received = await receive(zone, undefined, options, scheduler)
  return received.kind === 'whole' ? built(zone, received, 'AXFR', scheduler) : undefined
}

/** IXFR is tried at every transfer: a primary that does not know it says so at once (RFC 1995 §4). */
async function transferChanges(
  current: Zone,
  options: ExchangeOptions,
  scheduler: CooperativeScheduler,
): Promise<ZoneTransfer | undefined | 'failed'> {
  try {
    const received = await receive(current.origin, current, options, scheduler)
    if (received.kind === 'current') return undefined
    if (received.kind === 'whole') return await built(current.origin, received, 'AXFR', scheduler)
    return { zone: await applyChanges(current, received.changes, scheduler), how: 'IXFR', outside: 0 }
  } catch (error) {
    if (options.signal.aborted) throw error
    options.log.debug(`IXFR of zone ${current.origin} failed, AXFR is tried: ${errorMessage(error)}`)
    return 'failed'
  }
}

async function receive(
  zone: string,
  current: Zone | undefined,
  options: ExchangeOptions,
  scheduler: CooperativeScheduler,
): Promise<Transferred> {
  const reader = createTransferReader(zone, current?.serial)
  const question = queryMessage(zone, current ? type.IXFR : type.AXFR, false)
  for await (const { message, doubt } of exchange({ ...question, authority: current ? [current.soa] : [] }, options)) {
    scheduler.begin()
    for (const record of message.answer) {
      if (scheduler.due) await scheduler.rest()
      reader.add(record)
    }
    const result = reader.result()
    if (!result) continue
    if (doubt !== undefined) throw new Error(doubt)
    return result
  }
  throw new Error('the transfer is not complete')
}

async function built(
  zone: string,
  { records }: Extract<Transferred, { kind: 'whole' }>,
  how: ZoneTransfer['how'],
  scheduler: CooperativeScheduler,
): Promise<ZoneTransfer> {
  const builder = createZoneBuilder(zone)
  let outside = 0
  for (const record of records) {
    if (scheduler.due) await scheduler.rest()
    if (!builder.add(record)) outside++
  }
  return { zone: builder.finish(), how, outside }
}
