import type { Responder } from '../answer/api.ts'
import { parseAddress } from '../dns/address.ts'

/** Returns a function that sets the client of the responder's next message. An address that does not parse is left unknown. */
export function clientNamer(responder: Responder, address: string): () => void {
  // An IPv6 zone is not part of the address (RFC 4007 §11).
  const octets = parseAddress(address.replace(/%.*$/s, ''))
  if (octets === undefined) return () => undefined
  const family = octets.length === 4 ? 4 : 6
  return () => responder.from(octets, 0, family)
}
