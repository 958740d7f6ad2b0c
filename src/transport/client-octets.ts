import type { Responder } from '../answer/api.ts'
import { parseAddress } from '../dns/address.ts'

/** Names the client of the next message to the responder. An address that cannot be read is left unknown. */
export function clientNamer(responder: Responder, address: string): () => void {
  // An interface is no part of the address (RFC 4007 §11).
  const octets = parseAddress(address.replace(/%.*$/s, ''))
  if (octets === undefined) return () => undefined
  const family = octets.length === 4 ? 4 : 6
  return () => responder.from(octets, 0, family)
}
