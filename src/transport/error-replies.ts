/** Error replies made from the request's octets alone, where the plugin chain cannot be asked. */

const headerBytes = 12
const rcodeFormerr = 1
const rcodeServfail = 2

/** Replaces a reply at `reply[at]` that is too large for a datagram by its header with TC set. Returns the new length. */
export function cutToHeader(reply: Uint8Array, at: number): number {
  reply[at + 2] |= 0x02
  reply.fill(0, at + 4, at + headerBytes)
  return headerBytes
}

/**
 * Writes a SERVFAIL at `reply[at]`; gives its length. The question is repeated where it can be read, so that resolvers which
 * match it accept the reply. `request[start, end)` has at least a header; `reply` has room for as much.
 */
export function writeServfail(
  request: Uint8Array,
  start: number,
  end: number,
  reply: Uint8Array<ArrayBufferLike>,
  at: number,
): number {
  const question = questionEnd(request, start + headerBytes, end)
  const length = (question < 0 ? start + headerBytes : question) - start
  reply.set(request.subarray(start, start + length), at)
  // QR=1; opcode and RD stay, AA and TC are cleared; CD stays (RFC 4035 §3.2.2), RA, Z and AD are cleared.
  reply[at + 2] = 0x80 | (request[start + 2] & 0x79)
  reply[at + 3] = (request[start + 3] & 0x10) | rcodeServfail
  reply.fill(0, at + 4, at + headerBytes)
  if (question >= 0) reply[at + 5] = 1
  return length
}

/**
 * Writes the header of a FORMERR to the message whose header is at `request[start]`; false when that is a reply, which
 * gets none. For messages of which only the header is known: the question is not repeated.
 */
export function writeFormerr(request: Uint8Array, start: number, reply: Uint8Array): boolean {
  if ((request[start + 2] & 0x80) !== 0) return false
  reply.set(request.subarray(start, start + 3))
  reply[2] = 0x80 | (request[start + 2] & 0x79)
  reply[3] = rcodeFormerr
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
