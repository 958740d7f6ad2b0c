/** Interprets the records of a transfer: a whole zone (RFC 5936 §2.2), or changes (RFC 1995 §4). */
import { dnsClass, isZoneType, type, typeName } from '../../dns/codes.ts'
import type { ResourceRecord } from '../../dns/message.ts'
import { lowerName } from '../../dns/name.ts'
import { readSoa } from '../../dns/rdata.ts'

/** Maximum records in the changes of an IXFR, which are kept as objects. With more, the zone is transferred as a whole. */
const maxChangedRecords = 50_000
/** Maximum octets of their rdata. */
const maxChangedOctets = 4 * 1024 * 1024

/** The changes from one version to the next. */
export interface Change {
  readonly from: number
  readonly removed: ResourceRecord[]
  /** The new SOA comes first. */
  readonly added: ResourceRecord[]
}

export type Transferred =
  /** The primary's zone is not newer. */
  | { readonly kind: 'current' }
  /** The records were passed to `whole`. */
  | { readonly kind: 'whole' }
  | { readonly kind: 'changes'; readonly changes: readonly Change[] }

/** Octets of a changed record as an object, in addition to its name and rdata. */
export const changedRecordOctets = 240

/** Takes the records of a transfer in order. */
export interface TransferReader {
  /** Throws an Error that says what is wrong. */
  add(record: ResourceRecord): void
  /** The transfer's result; undefined while it is incomplete. */
  result(): Transferred | undefined
}

/**
 * `serial`: of an IXFR question; undefined for AXFR. `whole` gets the records of a whole zone as they arrive, the SOA first; if the
 * transfer turns out to be changes, it has got only that SOA. `holds` is called with the memory of the changes so far in octets,
 * and the number of their records, and throws if that is too much.
 */
export function createTransferReader(
  zone: string,
  serial: number | undefined,
  whole: (record: ResourceRecord) => void,
  holds: (octets: number, records: number) => void,
): TransferReader {
  let soa: ResourceRecord | undefined
  let newest = 0
  const changes: Change[] = []
  let change: Change | undefined
  let isAdding = false
  let count = 0
  let changedOctets = 0
  let heldOctets = 0
  let isComplete = false

  function addSoa(record: ResourceRecord): void {
    const { serial: number } = readSoa(record.rdata)
    if (soa === undefined) {
      soa = record
      newest = number
      whole(record)
    } else if (count === 2 && serial !== undefined && number !== newest) {
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

  function countChanged({ name, rdata }: ResourceRecord): void {
    if (count > maxChangedRecords) throw new Error(`the changes have more than ${maxChangedRecords} records`)
    changedOctets += rdata.length
    if (changedOctets > maxChangedOctets) throw new Error(`the changes have more than ${maxChangedOctets} octets`)
    heldOctets += changedRecordOctets + name.length + rdata.length
    holds(heldOctets, count)
  }

  return {
    add(record) {
      if (isComplete) throw new Error('records follow the last SOA record')
      if (record.class !== dnsClass.IN) throw new Error(`a record of ${record.name} is not of class IN`)
      count++
      if (change !== undefined) countChanged(record)
      if (!isZoneType(record.type)) throw new Error(`${typeName(record.type)} cannot be in a zone`)
      if (record.type === type.NSEC3 || record.type === type.NSEC3PARAM)
        throw new Error('NSEC3 is not supported: sign the zone with NSEC')
      const isSoa = record.type === type.SOA && record.rdata.length > 0
      if (isSoa && lowerName(record.name) !== zone) throw new Error(`the SOA of ${record.name} is not the zone's`)
      if (isSoa) addSoa(record)
      else if (soa === undefined) throw new Error('the first record is not the SOA record')
      else if (change === undefined) whole(record)
      else if (isAdding) change.added.push(record)
      else change.removed.push(record)
    },
    result() {
      if (isComplete) return change ? { kind: 'changes', changes } : { kind: 'whole' }
      // RFC 1995 §2: a single SOA record means that there is nothing newer.
      return serial !== undefined && count === 1 && newest === serial ? { kind: 'current' } : undefined
    },
  }
}
