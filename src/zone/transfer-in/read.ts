/** What the records of a transfer mean: a whole zone (RFC 5936 §2.2), or what has changed in one (RFC 1995 §4). */
import { dnsClass, type } from '../../dns/codes.ts'
import type { ResourceRecord } from '../../dns/message.ts'
import { lowerName } from '../../dns/name.ts'
import { readSoa } from '../../dns/rdata.ts'
import { maxZoneRecords } from '../zone.ts'

/** One version to the next. */
export interface Change {
  readonly from: number
  readonly removed: ResourceRecord[]
  /** The new SOA is the first. */
  readonly added: ResourceRecord[]
}

export type Transferred =
  /** The primary has nothing newer. */
  | { readonly kind: 'current' }
  /** The SOA is the first. */
  | { readonly kind: 'whole'; readonly records: readonly ResourceRecord[] }
  | { readonly kind: 'changes'; readonly changes: readonly Change[] }

/** Takes the records of a transfer in their order. */
export interface TransferReader {
  /** Throws an Error that says what is wrong. */
  add(record: ResourceRecord): void
  /** The transfer; undefined while more must come. */
  result(): Transferred | undefined
}

/** `serial`: that of an IXFR question; undefined for AXFR. */
export function createTransferReader(zone: string, serial: number | undefined): TransferReader {
  let soa: ResourceRecord | undefined
  let newest = 0
  let records: ResourceRecord[] = []
  const changes: Change[] = []
  let change: Change | undefined
  let isAdding = false
  let count = 0
  let isComplete = false

  function addSoa(record: ResourceRecord): void {
    const { serial: number } = readSoa(record.rdata)
    if (soa === undefined) {
      soa = record
      newest = number
      records = [record]
    } else if (records.length === 1 && change === undefined && serial !== undefined && number !== newest) {
      begin(number)
    } else if (change === undefined) {
      if (number !== newest) throw new Error('the last SOA record is not the first one')
      isComplete = true
    } else if (!isAdding) {
      change.added.push(record)
      isAdding = true
    } else if (number === newest) isComplete = true
    else begin(number)
  }

  function begin(from: number): void {
    change = { from, removed: [], added: [] }
    changes.push(change)
    isAdding = false
  }

  return {
    add(record) {
      if (isComplete) throw new Error('records follow the last SOA record')
      if (record.class !== dnsClass.IN) throw new Error(`a record of ${record.name} is not of class IN`)
      if (++count > maxZoneRecords) throw new Error(`the zone has more than ${maxZoneRecords} records`)
      if (record.type === type.NSEC3 || record.type === type.NSEC3PARAM)
        throw new Error('NSEC3 is not supported: sign the zone with NSEC')
      const isSoa = record.type === type.SOA && record.rdata.length > 0
      if (isSoa && lowerName(record.name) !== zone) throw new Error(`the SOA of ${record.name} is not the zone's`)
      if (isSoa) addSoa(record)
      else if (soa === undefined) throw new Error('the first record is not the SOA record')
      else if (change === undefined) records.push(record)
      else if (isAdding) change.added.push(record)
      else change.removed.push(record)
    },
    result() {
      if (isComplete) return change ? { kind: 'changes', changes } : { kind: 'whole', records }
      // RFC 1995 §2: one SOA record alone says that there is nothing newer.
      return serial !== undefined && count === 1 && newest === serial ? { kind: 'current' } : undefined
    },
  }
}
