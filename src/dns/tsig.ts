/** Transaction signatures (RFC 8945): finds, checks and writes the TSIG record of a message. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { dnsClass, type } from './codes.ts'
import type { Message, ResourceRecord } from './message.ts'
import { lowerName, nameEnd, nameToWire, wireToName } from './name.ts'
import { join, readUint16, readUint32, uint16 } from './values.ts'

export interface TsigKey {
  /** Lower case and absolute. */
  readonly name: string
  readonly secret: Uint8Array
  /** Of messages of our own: `hmac-sha256.`; those of others may have any. */
  readonly algorithm: string
}

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

export const defaultTsigAlgorithm = 'hmac-sha256.'

/** Hash, octets of it, and octets that are sent (RFC 8945 §6). MD5 is left out, as in CoreDNS. */
const algorithms: ReadonlyMap<string, { readonly hash: string; readonly octets: number; readonly sent: number }> =
  new Map([
    ['hmac-sha1.', { hash: 'sha1', octets: 20, sent: 20 }],
    ['hmac-sha224.', { hash: 'sha224', octets: 28, sent: 28 }],
    ['hmac-sha256.', { hash: 'sha256', octets: 32, sent: 32 }],
    ['hmac-sha256-128.', { hash: 'sha256', octets: 32, sent: 16 }],
    ['hmac-sha384.', { hash: 'sha384', octets: 48, sent: 48 }],
    ['hmac-sha384-192.', { hash: 'sha384', octets: 48, sent: 24 }],
    ['hmac-sha512.', { hash: 'sha512', octets: 64, sent: 64 }],
    ['hmac-sha512-256.', { hash: 'sha512', octets: 64, sent: 32 }],
  ])

export const isTsigAlgorithm = (name: string): boolean => algorithms.has(name)

/** Seconds by which clocks may differ (RFC 8945 §10). */
const fudge = 300
/** Octets that a truncated MAC must have, and half of the hash (RFC 8945 §5.2.2.1). */
const leastMacOctets = 10
/** Messages of a transfer without TSIG between two that have one (RFC 8945 §5.3.1). */
const mostUnsigned = 99

/** What becomes of a signed request. `formatError`: FORMERR without a TSIG record. */
export type TsigVerdict =
  | { readonly kind: 'valid'; readonly record: TsigRecord; readonly key: TsigKey }
  | { readonly kind: 'refused'; readonly record: TsigRecord; readonly key: TsigKey | undefined; readonly error: number }
  | { readonly kind: 'formatError' }

/** Checks a request, whose last record is TSIG. `octets`: the same as it came. `now`: milliseconds since 1970. */
export function verifyRequest(
  octets: Uint8Array,
  request: Message,
  keyOf: (name: string) => TsigKey | undefined,
  now: number,
): TsigVerdict {
  const found = findTsig(octets, request)
  if (!found) return { kind: 'formatError' }
  const { record } = found
  const algorithm = algorithms.get(record.algorithm)
  const key = keyOf(record.keyName)
  if (!key || !algorithm) return { kind: 'refused', record, key: undefined, error: tsigError.BADKEY }
  const { length } = record.mac
  if (length > algorithm.sent || length < Math.max(leastMacOctets, algorithm.octets / 2)) return { kind: 'formatError' }
  const mac = macOf(key, record.algorithm, [withoutTsig(octets, found), variables(record)])
  if (!timingSafeEqual(mac.subarray(0, length), record.mac))
    return { kind: 'refused', record, key: undefined, error: tsigError.BADSIG }
  if (Math.abs(Math.floor(now / 1000) - record.timeSigned) > record.fudge)
    return { kind: 'refused', record, key, error: tsigError.BADTIME }
  return { kind: 'valid', record, key }
}

/** Signs the messages of one reply, in their order. */
export interface TsigSigner {
  /** Octets of the record that it adds. */
  readonly octets: number
  sign(message: Uint8Array): Uint8Array
}

/**
 * For the reply to a request with `record`. Without `key` it is not signed: the request's key is unknown, or its MAC is
 * not valid (RFC 8945 §5.3.2). The MAC is as long as the request's.
 */
export function createReplySigner(
  { keyName, algorithm, timeSigned, mac: requestMac }: TsigRecord,
  key: TsigKey | undefined,
  error: number,
  wall: () => number,
): TsigSigner {
  const isLate = error === tsigError.BADTIME
  const octets = recordOctets(keyName, algorithm, key ? requestMac.length : 0, isLate ? 6 : 0)
  let before = requestMac
  let isFirst = true
  return {
    octets,
    sign(message) {
      const seconds = Math.floor(wall() / 1000)
      const unsigned: TsigRecord = {
        keyName,
        algorithm,
        // The client's own time, and the server's beside it (RFC 8945 §5.2.3). Nothing is signed without a key: 0, as in CoreDNS.
        timeSigned: isLate ? timeSigned : key ? seconds : 0,
        fudge,
        mac: new Uint8Array(),
        originalId: readUint16(message, 0),
        error,
        other: isLate ? uint48(seconds) : new Uint8Array(),
      }
      if (!key) return withTsig(message, unsigned)
      const covered = [withLength(before), message, isFirst ? variables(unsigned) : timers(unsigned)]
      const mac = macOf(key, algorithm, covered).subarray(0, requestMac.length)
      before = mac
      isFirst = false
      return withTsig(message, { ...unsigned, mac })
    },
  }
}

/** Signs a request of our own. */
export function signRequest(
  message: Uint8Array,
  key: TsigKey,
  now: number,
): { readonly octets: Uint8Array; readonly mac: Uint8Array } {
  const unsigned: TsigRecord = {
    keyName: key.name,
    algorithm: key.algorithm,
    timeSigned: Math.floor(now / 1000),
    fudge,
    mac: new Uint8Array(),
    originalId: readUint16(message, 0),
    error: 0,
    other: new Uint8Array(),
  }
  const mac = macOf(key, key.algorithm, [message, variables(unsigned)])
  return { octets: withTsig(message, { ...unsigned, mac }), mac }
}

/** Checks the messages of the reply to a request of our own, in their order. */
export interface TsigVerifier {
  /** Why the message is not to be believed; undefined when it is, if `finish` says so too. */
  check(octets: Uint8Array, message: Message): string | undefined
  /** The same when no more messages follow. */
  finish(): string | undefined
}

export function createReplyVerifier(key: TsigKey, requestMac: Uint8Array, wall: () => number): TsigVerifier {
  let before = requestMac
  let isFirst = true
  /** Messages without TSIG since the last one with it. */
  let unsigned: Uint8Array[] = []

  return {
    check(octets, message) {
      const found = findTsig(octets, message)
      if (!found) {
        if (isFirst) return 'the reply is not signed'
        unsigned.push(octets)
        return unsigned.length > mostUnsigned ? `more than ${mostUnsigned} messages in a row are not signed` : undefined
      }
      const { record } = found
      if (record.error !== tsigError.NONE) return `the server refuses the key: ${errorName(record.error)}`
      if (record.keyName !== key.name || record.algorithm !== key.algorithm)
        return 'the reply is signed with another key'
      const covered = [
        withLength(before),
        ...unsigned,
        withoutTsig(octets, found),
        isFirst ? variables(record) : timers(record),
      ]
      const mac = macOf(key, record.algorithm, covered)
      if (record.mac.length !== mac.length || !timingSafeEqual(mac, record.mac))
        return 'the signature of the reply is not valid'
      if (Math.abs(Math.floor(wall() / 1000) - record.timeSigned) > record.fudge)
        return 'the signature of the reply is of another time: one of the clocks is wrong'
      before = record.mac
      isFirst = false
      unsigned = []
      return undefined
    },
    finish: () => (unsigned.length > 0 || isFirst ? 'the last message is not signed' : undefined),
  }
}

const errorName = (error: number): string =>
  error === tsigError.BADSIG
    ? 'BADSIG'
    : error === tsigError.BADKEY
      ? 'BADKEY'
      : error === tsigError.BADTIME
        ? 'BADTIME'
        : `error ${error}`

/** A message's TSIG record, and where it begins. */
interface FoundTsig {
  readonly at: number
  readonly record: TsigRecord
}

const headerOctets = 12

/** The TSIG record at the end of a message; undefined where it has no such record, or a malformed one. */
function findTsig(octets: Uint8Array, { additional }: Message): FoundTsig | undefined {
  const last = additional.at(-1)
  const at = last?.type === type.TSIG ? lastRecordOf(octets) : undefined
  if (at === undefined || !isTsigAt(octets, at)) return undefined
  const record = readTsig(last!)
  return record && { at, record }
}

/** OPT records are no part of a parsed message's sections: one may be behind the TSIG record, which must be the last. */
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

/** The message as it was before it was signed: with its first ID, without the record. */
function withoutTsig(octets: Uint8Array, { at, record }: FoundTsig): Uint8Array {
  const message = octets.slice(0, at)
  message.set(uint16(record.originalId), 0)
  message.set(uint16(readUint16(octets, 10) - 1), 10)
  return message
}

function withTsig(message: Uint8Array, record: TsigRecord): Uint8Array {
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

const recordOctets = (keyName: string, algorithm: string, mac: number, other: number): number =>
  nameToWire(keyName).length + 10 + nameToWire(algorithm).length + 16 + mac + other

/** RFC 8945 §4.3.3: what of the record is signed. */
const variables = (record: TsigRecord): Uint8Array =>
  join(
    nameToWire(record.keyName),
    uint16(dnsClass.ANY),
    new Uint8Array(4),
    nameToWire(record.algorithm),
    timers(record),
    uint16(record.error),
    withLength(record.other),
  )

/** RFC 8945 §5.3.1: the same of the second message of a transfer on. */
const timers = ({ timeSigned, fudge }: TsigRecord): Uint8Array => join(uint48(timeSigned), uint16(fudge))

const withLength = (octets: Uint8Array): Uint8Array => join(uint16(octets.length), octets)

const uint48 = (value: number): Uint8Array =>
  join(uint16(Math.floor(value / 2 ** 32)), uint16(Math.floor(value / 2 ** 16) & 0xffff), uint16(value & 0xffff))

/** The whole MAC, or as much of it as the algorithm's name says. */
function macOf({ secret }: TsigKey, algorithm: string, parts: readonly Uint8Array[]): Uint8Array {
  const { hash, sent } = algorithms.get(algorithm)!
  const hmac = createHmac(hash, secret)
  for (const part of parts) hmac.update(part)
  return hmac.digest().subarray(0, sent)
}
