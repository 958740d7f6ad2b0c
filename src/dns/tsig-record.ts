/** The TSIG record of a message (RFC 8945 §4): finding, reading, removing and writing it, and its signed parts. */
import { dnsClass, type } from './codes.ts'
import type { Message, ResourceRecord } from './message.ts'
import { lowerName, nameEnd, nameToWire, wireToName } from './name.ts'
import { join, readUint16, readUint32, uint16 } from './values.ts'

/** A TSIG record (RFC 8945 §4.2). */
export interface TsigRecord {
  /** Lower case and absolute. */
  readonly keyName: string
  readonly algorithm: string
  /** Seconds since 1970. */
  readonly timeSigned: number
  /** Seconds. */
  readonly fudge: number
  readonly mac: Uint8Array
  readonly originalId: number
  readonly error: number
  readonly other: Uint8Array
}

/** Errors of a TSIG record (RFC 8945 §3). */
export const tsigError = { NONE: 0, BADSIG: 16, BADKEY: 17, BADTIME: 18 } as const

const headerOctets = 12

/** A message's TSIG record, and its position. */
export interface FoundTsig {
  readonly at: number
  readonly record: TsigRecord
}

/** The TSIG record at the end of a message; undefined if it is missing or malformed. */
export function findTsig(octets: Uint8Array, { additional }: Message): FoundTsig | undefined {
  const last = additional.at(-1)
  const at = last?.type === type.TSIG ? lastRecordOf(octets) : undefined
  if (at === undefined || !isTsigAt(octets, at)) return undefined
  const record = readTsig(last!)
  return record && { at, record }
}

/** The message before it was signed: with its original ID, without the record. */
export function withoutTsig(octets: Uint8Array, { at, record }: FoundTsig): Uint8Array {
  const message = octets.slice(0, at)
  message.set(uint16(record.originalId), 0)
  message.set(uint16(readUint16(octets, 10) - 1), 10)
  return message
}

export function withTsig(message: Uint8Array, record: TsigRecord): Uint8Array {
  const rdata = join(
    nameToWire(record.algorithm),
    timers(record),
    withLength(record.mac),
    uint16(record.originalId),
    uint16(record.error),
    withLength(record.other),
  )
  const fixed = join(uint16(type.TSIG), uint16(dnsClass.ANY), new Uint8Array(4), uint16(rdata.length))
  const signed = join(message, nameToWire(record.keyName), fixed, rdata)
  signed.set(uint16(readUint16(message, 10) + 1), 10)
  return signed
}

/** Octets of a record with a MAC and other data of these lengths. */
export const recordOctets = (keyName: string, algorithm: string, mac: number, other: number): number =>
  nameToWire(keyName).length + 10 + nameToWire(algorithm).length + 16 + mac + other

/** The signed parts of the record (RFC 8945 §4.3.3). */
export const variables = (record: TsigRecord): Uint8Array =>
  join(
    nameToWire(record.keyName),
    uint16(dnsClass.ANY),
    new Uint8Array(4),
    nameToWire(record.algorithm),
    timers(record),
    uint16(record.error),
    withLength(record.other),
  )

/** The signed parts from the second message of a transfer on (RFC 8945 §5.3.1). */
export const timers = ({ timeSigned, fudge }: TsigRecord): Uint8Array => join(uint48(timeSigned), uint16(fudge))

export const withLength = (octets: Uint8Array): Uint8Array => join(uint16(octets.length), octets)

export const uint48 = (value: number): Uint8Array =>
  join(uint16(Math.floor(value / 2 ** 32)), uint16(Math.floor(value / 2 ** 16) & 0xffff), uint16(value & 0xffff))

/** A parsed message has its OPT record elsewhere: one could follow the TSIG record, which must be the last. */
function isTsigAt(octets: Uint8Array, at: number): boolean {
  const typeAt = skipName(octets, at)
  return typeAt !== undefined && typeAt + 2 <= octets.length && readUint16(octets, typeAt) === type.TSIG
}

/** RFC 8945 §4.2. */
function readTsig({ name, class: recordClass, ttl, rdata }: ResourceRecord): TsigRecord | undefined {
  const timeAt = nameEnd(rdata, 0, rdata.length)
  if (recordClass !== dnsClass.ANY || ttl !== 0 || timeAt < 0 || timeAt + 10 > rdata.length) return undefined
  const macAt = timeAt + 10
  const restAt = macAt + readUint16(rdata, timeAt + 8)
  const otherAt = restAt + 6
  if (otherAt > rdata.length || otherAt + readUint16(rdata, restAt + 4) !== rdata.length) return undefined
  return {
    keyName: lowerName(name),
    algorithm: lowerName(wireToName(rdata, 0)),
    timeSigned: readUint16(rdata, timeAt) * 2 ** 32 + readUint32(rdata, timeAt + 2),
    fudge: readUint16(rdata, timeAt + 6),
    mac: rdata.slice(macAt, restAt),
    originalId: readUint16(rdata, restAt),
    error: readUint16(rdata, restAt + 2),
    other: rdata.slice(otherAt),
  }
}

/** Where the last record of the additional section begins. */
function lastRecordOf(octets: Uint8Array): number | undefined {
  if (octets.length < headerOctets || readUint16(octets, 10) === 0) return undefined
  let at: number | undefined = headerOctets
  for (let left = readUint16(octets, 4); left > 0; left--) {
    at = skipName(octets, at)
    if (at === undefined) return undefined
    at += 4
  }
  const records = readUint16(octets, 6) + readUint16(octets, 8) + readUint16(octets, 10)
  for (let left = records - 1; left > 0; left--) {
    at = skipName(octets, at)
    if (at === undefined || at + 10 > octets.length) return undefined
    at += 10 + readUint16(octets, at + 8)
  }
  return at < octets.length ? at : undefined
}

/** The position after the name at `at`, compressed or not. */
function skipName(octets: Uint8Array, at: number): number | undefined {
  for (let read = at; read < octets.length; read += octets[read] + 1) {
    if (octets[read] === 0) return read + 1
    if (octets[read] >= 0xc0) return read + 2 <= octets.length ? read + 2 : undefined
    if (octets[read] > 63) return undefined
  }
  return undefined
}
