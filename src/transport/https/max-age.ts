/** How long an HTTP cache may keep a reply (RFC 8484 §5.1): no longer than its records. */
import { type as rrType } from '../../dns/codes.ts'

/** Seconds: for a reply without a TTL to go by, and the maximum. Both are CoreDNS's. */
const fallback = 5
const most = 3600

const headerBytes = 12
const [noError, nxDomain] = [0, 3]
const [query, transfers] = [0, new Set<number>([rrType.AXFR, rrType.IXFR])]

/** `reply` was encoded by this server, so it is well-formed. */
export function maxAge(reply: Uint8Array): number {
  const view = new DataView(reply.buffer, reply.byteOffset, reply.length)
  const rcode = view.getUint8(3) & 15
  const answers = view.getUint16(6)
  const authority = answers + view.getUint16(8)
  const records = authority + view.getUint16(10)
  if (((view.getUint8(2) >> 3) & 15) !== query || (rcode !== noError && rcode !== nxDomain)) return fallback
  if (rcode === nxDomain && answers > 0) return fallback
  let at = headerBytes
  for (let left = view.getUint16(4); left > 0; left--) {
    at = nameEnd(reply, at) + 4
    if (transfers.has(view.getUint16(at - 4))) return fallback
  }
  let [least, hasSoa, hasNs, counted] = [most, false, false, 0]
  for (let i = 0; i < records; i++) {
    at = nameEnd(reply, at)
    const type = view.getUint16(at)
    if (i >= answers && i < authority) {
      hasSoa ||= type === rrType.SOA
      hasNs ||= type === rrType.NS
    }
    if (type !== rrType.OPT) {
      counted++
      least = Math.min(least, view.getUint32(at + 4))
    }
    at += 10 + view.getUint16(at + 8)
  }
  const isDelegation = rcode === noError && answers === 0 && hasNs && !hasSoa
  return counted === 0 || isDelegation ? fallback : least
}

function nameEnd(message: Uint8Array, from: number): number {
  let at = from
  while (message[at] > 0 && message[at] < 0xc0) at += 1 + message[at]
  return at + (message[at] === 0 ? 1 : 2)
}
