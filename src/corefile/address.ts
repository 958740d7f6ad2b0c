/** IP addresses and networks in a Corefile. */
import { isIPv4, isIPv6 } from 'node:net'

/** A network; the bits below the mask are zero. */
export interface Network {
  /** 4 or 16 octets. */
  readonly bytes: Uint8Array
  /** Bits of the mask. */
  readonly length: number
}

/** The octets of an IP address in text (4 or 16), or undefined. Zone identifiers (`%eth0`) are refused. */
export function parseIp(text: string): Uint8Array | undefined {
  if (isIPv4(text)) return Uint8Array.from(text.split('.'), Number)
  if (!isIPv6(text) || text.includes('%')) return undefined
  const [head, tail] = text.split('::') as [string, string | undefined]
  const left = groups(head)
  const right = groups(tail ?? '')
  return Uint8Array.from([...left, ...new Array(16 - left.length - right.length).fill(0), ...right])
}

/** The octets of `2001:db8:192.0.2.1`: groups of 16 bits, the last one perhaps as IPv4. */
function groups(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number)
    const value = Number.parseInt(group, 16)
    return [value >> 8, value & 0xff]
  })
}

/** `ADDRESS/BITS` as Go's net.ParseCIDR takes it, or undefined. */
export function parseNetwork(text: string): Network | undefined {
  const slash = text.indexOf('/')
  const bytes = slash === -1 ? undefined : parseIp(text.slice(0, slash))
  const mask = text.slice(slash + 1)
  if (bytes === undefined || !/^\d+$/.test(mask)) return undefined
  const length = Number(mask)
  if (length > bytes.length * 8) return undefined
  return { bytes: bytes.map((octet, index) => octet & maskOctet(length, index)), length }
}

/** Octet `index` of a mask of `length` bits. */
function maskOctet(length: number, index: number): number {
  const ones = Math.min(8, Math.max(0, length - index * 8))
  return (0xff << (8 - ones)) & 0xff
}

/**
 * The reverse zones that cover a network exactly. DNS delegates IPv4 by octets and IPv6 by nibbles, so a mask between
 * two of them gives every zone at the next boundary: 10.0.0.0/15 is 0.10 and 1.10.in-addr.arpa.
 */
export function reverseZones(network: Network): string[] {
  const unit = network.bytes.length === 4 ? 8 : 4
  const suffix = network.bytes.length === 4 ? 'in-addr.arpa.' : 'ip6.arpa.'
  const digits = unit === 8 ? [...network.bytes] : [...network.bytes].flatMap((octet) => [octet >> 4, octet & 0xf])
  const kept = Math.ceil(network.length / unit)
  const zones = 2 ** (kept * unit - network.length)
  return Array.from({ length: zones }, (_, offset) => {
    const labels = digits.slice(0, kept)
    // The network's own bits of the last label are zero below the mask: the offset only fills them.
    if (kept > 0) labels[kept - 1] += offset
    return [...labels.toReversed().map((digit) => digit.toString(unit === 8 ? 10 : 16)), suffix].join('.')
  })
}
