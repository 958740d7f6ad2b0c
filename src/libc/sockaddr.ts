/** The kernel's socket addresses (sockaddr_in, sockaddr_in6) and the source addresses it reports (IP_PKTINFO). */
import { parseAddress } from '../dns/address.ts'
import { type Libc, linux } from './libc.ts'

/**
 *   sockaddr_in:   0-1 family, 2-3 port (network order), 4-7 address
 *   sockaddr_in6:  0-1 family, 2-3 port, 4-7 flow label, 8-23 address, 24-27 interface of a link-local address
 */
export const nameLength = { 4: 16, 6: 28 } as const
export const addressOffset = { 4: 4, 6: 8 } as const
export const addressLength = { 4: 4, 6: 16 } as const
/** Octets of an address that identify a client when resources are shared, as in `clientKey`. */
export const clientLength = { 4: 4, 6: 8 } as const

/**
 * A cmsghdr (0-7 length, 8-11 level, 12-15 type) and
 *   in_pktinfo:  16-19 interface, 20-23 local address, 24-27 destination in the packet's header
 *   in6_pktinfo: 16-31 destination, 32-35 interface
 */
export const pktinfo = {
  4: { level: linux.IPPROTO_IP, type: linux.IP_PKTINFO, length: 32, interface: 16, destination: 24 },
  6: { level: linux.IPPROTO_IPV6, type: linux.IPV6_PKTINFO, length: 40, interface: 32, destination: 16 },
} as const

/** `address` is an IP address in text, IPv6 optionally with `%interface`. Throws when it is invalid. */
export function encodeSocketAddress(native: Libc, address: string, port: number): Uint8Array {
  const [text, zone] = address.split('%') as [string, string | undefined]
  const octets = parseAddress(text)
  if (octets === undefined) throw new Error(`${address} is not an IP address`)
  const family = octets.length === 4 ? 4 : 6
  const name = new Uint8Array(nameLength[family])
  const view = new DataView(name.buffer)
  view.setUint16(0, family === 4 ? linux.AF_INET : linux.AF_INET6, true)
  view.setUint16(2, port)
  name.set(octets, addressOffset[family])
  if (zone !== undefined) view.setUint32(24, /^\d+$/.test(zone) ? Number(zone) : native.interfaceIndex(zone), true)
  return name
}
