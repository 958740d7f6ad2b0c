/** Transaction signatures (RFC 8945): signing messages and verifying signatures. */
import { createHmac, type Hmac, timingSafeEqual } from 'node:crypto'
import type { Message } from './message.ts'
import {
  findTsig,
  recordOctets,
  type TsigRecord,
  timers,
  tsigError,
  uint48,
  variables,
  withLength,
  withoutTsig,
  withTsig,
} from './tsig-record.ts'
import { readUint16 } from './values.ts'

export interface TsigKey {
  /** Lower case and absolute. */
  readonly name: string
  readonly secret: Uint8Array
  /** For messages signed here: `hmac-sha256.`; those of others may use any. */
  readonly algorithm: string
}

export const defaultTsigAlgorithm = 'hmac-sha256.'

/** Hash, its octets, and the octets that are sent (RFC 8945 §6). As in CoreDNS, MD5 is not supported. */
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

/** Maximum difference of clocks in seconds (RFC 8945 §10). */
const fudge = 300
/** Minimum octets of a truncated MAC; it must also have half of the hash (RFC 8945 §5.2.2.1). */
const leastMacOctets = 10
/** Maximum messages without TSIG in a row within a transfer (RFC 8945 §5.3.1). */
const mostUnsigned = 99

/** Result of verifying a signed request. `formatError`: FORMERR without a TSIG record. */
export type TsigVerdict =
  | { readonly kind: 'valid'; readonly record: TsigRecord; readonly key: TsigKey }
  | { readonly kind: 'refused'; readonly record: TsigRecord; readonly key: TsigKey | undefined; readonly error: number }
  | { readonly kind: 'formatError' }

/** Verifies a request whose last record is TSIG. `octets`: as received. `now`: milliseconds since 1970. */
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

/** Signs the messages of one reply, in order. */
export interface TsigSigner {
  /** Octets of the added record. */
  readonly octets: number
  sign(message: Uint8Array): Uint8Array
}

/**
 * Creates the signer for a reply to a request with `record`. Without `key` the reply is not signed, because the request's key is
 * unknown or its MAC invalid (RFC 8945 §5.3.2). The MAC is as long as the request's.
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
        // The client's own time, with the server's beside it (RFC 8945 §5.2.3). Without a key: 0, as in CoreDNS.
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

/** Signs a request of this server. */
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

/** Verifies the messages of the reply to a request of this server, in order. */
export interface TsigVerifier {
  /** Why the message must not be trusted; undefined if it may be, provided that `finish` agrees. */
  check(octets: Uint8Array, message: Message): string | undefined
  /** The same at the end of the messages. */
  finish(): string | undefined
}

export function createReplyVerifier(key: TsigKey, requestMac: Uint8Array, wall: () => number): TsigVerifier {
  const { hash } = algorithms.get(key.algorithm)!
  let isFirst = true
  /** Messages without TSIG since the last one with it. They are hashed as they arrive: those of a transfer take megabytes. */
  let unsigned = 0
  let covered = createHmac(hash, key.secret).update(withLength(requestMac))

  return {
    check(octets, message) {
      const found = findTsig(octets, message)
      if (!found) {
        if (isFirst) return 'the reply is not signed'
        covered.update(octets)
        return ++unsigned > mostUnsigned ? `more than ${mostUnsigned} messages in a row are not signed` : undefined
      }
      const { record } = found
      if (record.error !== tsigError.NONE) return `the server refuses the key: ${errorName(record.error)}`
      if (record.keyName !== key.name || record.algorithm !== key.algorithm)
        return 'the reply is signed with another key'
      covered.update(withoutTsig(octets, found)).update(isFirst ? variables(record) : timers(record))
      const mac = sentMac(covered, key.algorithm)
      if (record.mac.length !== mac.length || !timingSafeEqual(mac, record.mac))
        return 'the signature of the reply is not valid'
      if (Math.abs(Math.floor(wall() / 1000) - record.timeSigned) > record.fudge)
        return 'the signature of the reply was made at another time: one of the clocks is wrong'
      covered = createHmac(hash, key.secret).update(withLength(record.mac))
      isFirst = false
      unsigned = 0
      return undefined
    },
    finish: () => (unsigned > 0 || isFirst ? 'the last message is not signed' : undefined),
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

/** The MAC, truncated if the algorithm's name says so. */
function macOf({ secret }: TsigKey, algorithm: string, parts: readonly Uint8Array[]): Uint8Array {
  const hmac = createHmac(algorithms.get(algorithm)!.hash, secret)
  for (const part of parts) hmac.update(part)
  return sentMac(hmac, algorithm)
}

const sentMac = (hmac: Hmac, algorithm: string): Uint8Array =>
  hmac.digest().subarray(0, algorithms.get(algorithm)!.sent)
