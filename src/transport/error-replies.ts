/** Error replies made from the request's octets alone, for when the plugin chain cannot be asked. */
import { extendedErrorOption, infoCode } from '../dns/extended-error.ts'

const headerBytes = 12
const rcodeFormerr = 1
const rcodeServfail = 2

/** Truncates a reply at `reply[at]` that is too large for a datagram to its header, with TC set. Returns the new length. */
export function cutToHeader(reply: Uint8Array, at: number): number {
  reply[at + 2] |= 0x02
  reply.fill(0, at + 4, at + headerBytes)
  return headerBytes
}

/** Octets of a client's OPT without options. */
const optBytes = 11
const explanationBytes = 6
/** Octets by which a SERVFAIL may exceed its request. */
export const explanationRoom = explanationBytes

/**
 * Writes the SERVFAIL for a query that cannot be accepted at `reply[at]`; returns its length. The question is repeated if
 * it can be read, for resolvers that compare it; a client with EDNS gets the reason (RFC 8914 §4.24: Network Error, since
 * such queries wait for upstreams). `request[start, end)` has at least a header; `reply` has room for as many octets and
 * `explanationRoom` more.
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
  // QR=1; opcode and RD are kept, AA and TC cleared; CD is kept (RFC 4035 §3.2.2), RA, Z and AD cleared.
  reply[at + 2] = 0x80 | (request[start + 2] & 0x79)
  reply[at + 3] = (request[start + 3] & 0x10) | rcodeServfail
  reply.fill(0, at + 4, at + headerBytes)
  if (question < 0) return length
  reply[at + 5] = 1
  if (!hasOptBehind(request, start, question, end)) return length
  reply[at + 11] = 1
  return length + writeExplanation(request, question, reply, at + length)
}

/** Whether the question is followed by an OPT record and nothing else. */
function hasOptBehind(request: Uint8Array, start: number, at: number, end: number): boolean {
  for (let i = 6; i < 11; i++) if (request[start + i] !== 0) return false
  if (request[start + 11] !== 1 || at + optBytes > end) return false
  return request[at] === 0 && request[at + 1] === 0 && request[at + 2] === 41
}

/** The client's payload size and DO, version 0 (RFC 6891 §6.1.3), and option 15 (Extended DNS Error) with code 23. */
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
 * Writes the header of a FORMERR for the message whose header is at `request[start]`; false if that is a response, which
 * is never answered. For messages of which only the header is known: the question is not repeated.
 */
export function writeFormerr(request: Uint8Array, start: number, reply: Uint8Array): boolean {
  if ((request[start + 2] & 0x80) !== 0) return false
  reply.set(request.subarray(start, start + 3))
  reply[2] = 0x80 | (request[start + 2] & 0x79)
  // CD is kept (RFC 4035 §3.2.2).
  reply[3] = (request[start + 3] & 0x10) | rcodeFormerr
  return true
}

/** Where the first question ends, or -1 unless it is an uncompressed name with type and class. */
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
