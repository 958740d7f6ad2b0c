/** Transfers a zone from its primary: only the changes if possible, else all of it. */
import { type } from '../../dns/codes.ts'
import type { ResourceRecord } from '../../dns/message.ts'
import { lowerName } from '../../dns/name.ts'
import { queryMessage } from '../../dns/query.ts'
import { readSoa } from '../../dns/rdata.ts'
import { errorMessage } from '../../telemetry/error-text.ts'
import { createZoneBuilder, type Zone } from '../zone.ts'
import type { ZoneMemory } from '../zone-memory.ts'
import { applyChanges } from './apply.ts'
import { type ExchangeOptions, exchange } from './exchange.ts'
import { framesOctets } from './frames.ts'
import { createTransferReader, type TransferReader, type Transferred } from './read.ts'

/** The primary's serial. */
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
  /** The type of transfer, for the log. */
  readonly how: 'AXFR' | 'IXFR'
  /** Records outside the zone, which are ignored. */
  readonly outside: number
}

/** `current`: the known zone. Undefined when the primary has nothing newer. Throws an Error. */
export async function transferZone(
  zone: string,
  current: Zone | undefined,
  memory: ZoneMemory,
  options: ExchangeOptions,
): Promise<ZoneTransfer | undefined> {
  if (current) {
    try {
      return await receive(zone, current, memory, options)
    } catch (error) {
      // IXFR is tried each time: a primary without support refuses at once (RFC 1995 §4).
      if (options.signal.aborted) throw error
      options.log.debug(`IXFR of zone ${zone} failed, AXFR is tried: ${errorMessage(error)}`)
    }
  }
  return receive(zone, undefined, memory, options)
}

/** `current`: requests the changes to it. */
async function receive(
  zone: string,
  current: Zone | undefined,
  memory: ZoneMemory,
  options: ExchangeOptions,
): Promise<ZoneTransfer | undefined> {
  const builder = createZoneBuilder(zone, memory.reserve())
  /** Memory of the transfer in addition to its zone. */
  const beside = memory.reserve()
  let outside = 0
  const whole = (record: ResourceRecord): void => {
    if (!builder.add(record)) outside++
  }
  try {
    beside.take(framesOctets, 0)
    const reader = createTransferReader(zone, current?.serial, whole, (octets, records) =>
      beside.take(framesOctets + octets, records),
    )
    const result = await read(zone, current, reader, options)
    if (result.kind === 'whole') return { zone: builder.finish(), how: 'AXFR', outside }
    builder.abandon()
    if (result.kind === 'current' || !current) return undefined
    const changed = await applyChanges(current, result.changes, memory, options.place.scheduler)
    return { zone: changed, how: 'IXFR', outside: 0 }
  } catch (error) {
    builder.abandon()
    throw error
  } finally {
    beside.abandon()
  }
}

async function read(
  zone: string,
  current: Zone | undefined,
  reader: TransferReader,
  options: ExchangeOptions,
): Promise<Transferred> {
  const { scheduler } = options.place
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
