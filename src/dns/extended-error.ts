/** Extended DNS Errors (RFC 8914): the reason for a reply, for clients with EDNS. */
import { type Prefix, parseAddress } from './address.ts'
import { rcode } from './codes.ts'

/** The INFO-CODEs that this server uses, named as in RFC 8914 §4. */
export const infoCode = {
  other: 0,
  staleAnswer: 3,
  cachedError: 13,
  notReady: 14,
  blocked: 15,
  filtered: 17,
  prohibited: 18,
  staleNxdomain: 19,
  notAuthoritative: 20,
  noReachableAuthority: 22,
  networkError: 23,
} as const

/** The INFO-CODE of a reply that may be stale, by its rcode (RFC 8914 §4.4 and §4.20). */
export const staleCode = (code: number): number =>
  code === rcode.NXDOMAIN ? infoCode.staleNxdomain : infoCode.staleAnswer

/** The option's code in an OPT record. */
export const extendedErrorOption = 15

/** Maximum octets of a text, so that a reply hardly grows. */
const longestText = 120

/** INFO-CODE and EXTRA-TEXT as in RFC 8914 §2; a long text is cut. */
export function extendedErrorData(code: number, text = ''): Uint8Array {
  const data = new Uint8Array(2 + longestText)
  data[0] = code >> 8
  data[1] = code
  // encodeInto never writes a part of a character.
  const { written } = new TextEncoder().encodeInto(text, data.subarray(2))
  return data.subarray(0, 2 + written)
}

const prefix = (text: string, bits: number): Prefix => ({ address: parseAddress(text)!, bits })

/**
 * Networks of Pods: addresses that are not routed in the internet (RFC 1918 §3, RFC 6598 §7, RFC 4193 §3.1), and those of this
 * machine and its links.
 */
export const privateNetworks: readonly Prefix[] = [
  prefix('10.0.0.0', 8),
  prefix('100.64.0.0', 10),
  prefix('127.0.0.0', 8),
  prefix('169.254.0.0', 16),
  prefix('172.16.0.0', 12),
  prefix('192.168.0.0', 16),
  prefix('::1', 128),
  prefix('fc00::', 7),
  prefix('fe80::', 10),
]
