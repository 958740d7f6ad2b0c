/** What a message's header alone decides, written down a second time: the responder must come to the same. */
import { opcode, rcode } from '../../src/dns/codes.ts'

const headerOctets = 12

/**
 * What the header alone decides: `accept`, `drop` (no whole header, or a response), or the octets of the reply
 * (NOTIMP, FORMERR), which is a header and nothing else.
 */
export function judgeHeader(bytes: Uint8Array, start = 0, end = bytes.length): 'accept' | 'drop' | Uint8Array {
  if (end - start < headerOctets || bytes[start + 2] & 0x80) return 'drop'
  const operation = (bytes[start + 2] >> 3) & 15
  // Whether updates are taken is the server's to say.
  if (operation === opcode.UPDATE && end - start > headerOctets) return 'accept'
  if (operation !== opcode.QUERY && operation !== opcode.NOTIFY) {
    return headerReply(bytes, start, operation, rcode.NOTIMP)
  }
  const count = (at: number): number => (bytes[start + at] << 8) | bytes[start + at + 1]
  if (count(4) !== 1 || count(6) > 1 || count(8) > 1 || count(10) > 2) {
    return headerReply(bytes, start, opcode.QUERY, rcode.FORMERR)
  }
  return 'accept'
}

/** The request's header turned round: ID, RD, CD, AD, RA and TC stay, AA and Z are cleared. */
function headerReply(bytes: Uint8Array, start: number, operation: number, code: number): Uint8Array {
  const reply = new Uint8Array(headerOctets)
  reply[0] = bytes[start]
  reply[1] = bytes[start + 1]
  reply[2] = 0x80 | (operation << 3) | (bytes[start + 2] & 0x03)
  reply[3] = (bytes[start + 3] & 0xb0) | code
  return reply
}
