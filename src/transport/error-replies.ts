/** Error replies made from the request's octets alone, where the plugin chain cannot be asked. */
import { extendedErrorOption, infoCode } from '../dns/extended-error.ts'

const headerBytes = 12
const rcodeFormerr = 1
const rcodeServfail = 2

/** Replaces a reply at `reply[at]` that is too large for a datagram by its header with TC set. Returns the new length. */
export function cutToHeader(reply: Uint8Array, at: number): number {
  reply[at + 2] |= 0x02
  reply.fill(0, at + 4, at + headerBytes)
  return headerBytes
}

/** A client's OPT without options, and one with the extended error. */
const optBytes = 11
const explanationBytes = 6
/** What a SERVFAIL may be longer than its request. */
export const explanationRoom = explanationBytes

/**
 * Writes the SERVFAIL of a server without room for the query at `reply[at]`; gives its length. The question is repeated where
 * it can be read, so that resolvers which match it accept the reply; a client that speaks EDNS learns the reason (RFC 8914
 * §4.24: Network Error, since it is upstreams that such queries wait for). `request[start, end)` has at least a header;
 * `reply` has room for as much and `explanationRoom`.
 */
export function writeServfail(
  request: Uint8Array,
  start: number,
  end: number,
  reply: Uint8Array<ArrayBufferLike>,
  at: number,
): number {
  const question = questionEnd(request, start + headerBytes, end)
  const known = question < 0 ? start + headerBytes : question
  const length = known - start
  for (let i = 0; i < length; i++) reply[at + i] = request[start + i]
  // QR=1; opcode and RD stay, AA and TC are cleared; CD stays (RFC 4035 §3.2.2), RA, Z and AD are cleared.
  reply[at + 2] = 0x80 | (request[start + 2] & 0x79)
  reply[at + 3] = (request[start + 3] & 0x10) | rcodeServfail
  reply.fill(0, at + 4, at + headerBytes)
  if (question < 0) return length
  reply[at + 5] = 1
  if (!hasOptBehind(request, start, question, end)) return length
  reply[at + 11] = 1
  return length + writeExplanation(request, question, reply, at + length)
}

/** The question is all there is but for an OPT, which comes directly behind it. */
function hasOptBehind(request: Uint8Array, start: number, at: number, end: number): boolean {
  for (let i = 6; i < 11; i++) if (request[start + i] !== 0) return false
  if (request[start + 11] !== 1 || at + optBytes > end) return false
  return request[at] === 0 && request[at + 1] === 0 && request[at + 2] === 41
}

/** The client's payload size and DO, version 0 (RFC 6891 §6.1.3), and option 15: Extended DNS Error 23. */
function writeExplanation(request: Uint8Array, opt: number, reply: Uint8Array, at: number): number {
  for (let i = 0; i < 5; i++) reply[at + i] = request[opt + i]
  reply[at + 5] = 0
  reply[at + 6] = 0
  reply[at + 7] = request[opt + 7] & 0x80
  reply[at + 8] = 0
  reply[at + 9] = 0
  reply[at + 10] = explanationBytes
  reply[at + 11] = 0
  reply[at + 12] = extendedErrorOption
  reply[at + 13] = 0
  reply[at + 14] = 2
  reply[at + 15] = 0
  reply[at + 16] = infoCode.networkError
  return optBytes + explanationBytes
}

/**
 * Writes the header of a FORMERR to the message whose header is at `request[start]`; false when that is a reply, which
 * gets none. For messages of which only the header is known: the question is not repeated.
 */
export function writeFormerr(request: Uint8Array, start: number, reply: Uint8Array): boolean {
  if ((request[start + 2] & 0x80) !== 0) return false
  reply.set(request.subarray(start, start + 3))
  reply[2] = 0x80 | (request[start + 2] & 0x79)
  // CD stays (RFC 4035 §3.2.2).
  reply[3] = (request[start + 3] & 0x10) | rcodeFormerr
  return true
}

/** Where the first question ends, or -1 when it is not an uncompressed name with type and class. */
function questionEnd(request: Uint8Array, from: number, end: number): number {
  let at = from
  while (at < end) {
    const label = request[at]
    if (label === 0) return at + 5 <= end ? at + 5 : -1
    if (label > 63) return -1
    at += 1 + label
  }
  return -1
}
