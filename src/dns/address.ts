/** IP addresses: text, octets, prefixes and the names of the reverse trees. */
import { labelsOf } from './name.ts'

/** 4 octets of an IPv4 address or 16 of an IPv6 address; undefined when the text is neither. No zone, no brackets. */
export function parseAddress(text: string): Uint8Array | undefined {
  return text.includes(':') ? parseIPv6(text) : parseIPv4(text)
}

function parseIPv4(text: string): Uint8Array | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  const octets = new Uint8Array(4)
  for (let i = 0; i < 4; i++) {
    // Leading zeros are rejected: some programs read them as octal, so `010.0.0.1` is ambiguous.
    if (!/^(0|[1-9]\d{0,2})$/.test(parts[i]) || Number(parts[i]) > 255) return undefined
    octets[i] = Number(parts[i])
  }
  return octets
}

function parseIPv6(text: string): Uint8Array | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const head = parseGroups(halves[0], halves.length === 1)
  const tail = halves.length === 2 ? parseGroups(halves[1], true) : []
  if (!head || !tail) return undefined
  const missing = 16 - head.length - tail.length
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined
  const octets = new Uint8Array(16)
  octets.set(head)
  octets.set(tail, 16 - tail.length)
  return octets
}

/** The octets of `2001:db8`. If the text ends there (`last`), its last group may be a dotted IPv4 address. */
function parseGroups(text: string, last: boolean): number[] | undefined {
  if (text === '') return []
  const octets: number[] = []
  const groups = text.split(':')
  for (const [i, group] of groups.entries()) {
    if (last && i === groups.length - 1 && group.includes('.')) {
      const v4 = parseIPv4(group)
      if (!v4) return undefined
      octets.push(...v4)
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined
      const value = Number.parseInt(group, 16)
      octets.push(value >> 8, value & 0xff)
    }
  }
  return octets
}

/** The text of the 4 or 16 octets at `bytes[at]`, IPv6 as in RFC 5952. */
export function formatAddress(bytes: Uint8Array, at = 0, length = bytes.length - at): string {
  return length === 4 ? `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}` : formatIPv6(bytes, at)
}

function formatIPv6(bytes: Uint8Array, at: number): string {
  const groups: number[] = []
  for (let i = 0; i < 16; i += 2) groups.push((bytes[at + i] << 8) | bytes[at + i + 1])
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return `::ffff:${formatAddress(bytes, at + 12, 4)}`
  }
  // RFC 5952 §4.2: "::" stands for the longest run of at least two zero groups, the first of equals.
  let runStart = -1
  let runLength = 1
  for (let start = 0; start < 8; start++) {
    let end = start
    while (end < 8 && groups[end] === 0) end++
    if (end - start > runLength) {
      runStart = start
      runLength = end - start
    }
  }
  const hex = groups.map((group) => group.toString(16))
  if (runStart < 0) return hex.join(':')
  return `${hex.slice(0, runStart).join(':')}::${hex.slice(runStart + runLength).join(':')}`
}

/** The address in the form of RFC 5952; undefined when the text is not an address. */
export function canonicalAddress(text: string): string | undefined {
  const octets = parseAddress(text)
  return octets && formatAddress(octets)
}

/** The name of the address's PTR record: in in-addr.arpa (4 octets) or ip6.arpa (16). */
export function reverseName(address: Uint8Array): string {
  let name = ''
  for (let i = address.length - 1; i >= 0; i--) {
    if (address.length === 4) name += `${address[i]}.`
    else name += `${(address[i] & 15).toString(16)}.${(address[i] >> 4).toString(16)}.`
  }
  return name + (address.length === 4 ? 'in-addr.arpa.' : 'ip6.arpa.')
}

/**
 * The address of a reverse name (lower case); undefined for any other name. As in CoreDNS, up to three labels before the 32 of
 * an IPv6 address are ignored.
 */
export function addressOfReverseName(name: string): Uint8Array | undefined {
  if (name.endsWith('.in-addr.arpa.')) {
    const labels = labelsOf(name)
    return labels.length === 6 ? parseIPv4(labels.slice(0, 4).reverse().join('.')) : undefined
  }
  if (!name.endsWith('.ip6.arpa.')) return undefined
  const labels = labelsOf(name).slice(0, -2)
  if (labels.length < 32 || labels.length > 35) return undefined
  const octets = new Uint8Array(16)
  for (const [i, nibble] of labels.slice(-32).entries()) {
    if (!/^[0-9a-f]$/.test(nibble)) return undefined
    octets[15 - (i >> 1)] |= Number.parseInt(nibble, 16) << (i % 2 ? 4 : 0)
  }
  return octets
}

/**
 * Identifies a client when resources are shared: an IPv4 address, or the first 64 bits of an IPv6 address, because a host may
 * use any number of addresses within them (RFC 7721 §4).
 */
export function clientKey(address: string): string {
  if (!address.includes(':')) return address
  const octets = parseAddress(address.split('%', 1)[0])
  return octets === undefined ? address : Buffer.from(octets.subarray(0, 8)).toString('latin1')
}

/** An address to connect to: Linux and Go treat the unspecified address as the local machine. */
export function connectableAddress(text: string): string {
  const canonical = canonicalAddress(text)
  if (canonical === '0.0.0.0') return '127.0.0.1'
  return canonical === '::' ? '::1' : text
}

/** A network: the addresses of the same family that share the first `bits` bits of `address`. */
export interface Prefix {
  readonly address: Uint8Array
  readonly bits: number
}

/** The mask of the octet at `index` in a prefix of `bits` bits. */
const maskOctet = (bits: number, index: number): number => (0xff00 >> Math.max(0, Math.min(8, bits - index * 8))) & 0xff

export function inPrefix(prefix: Prefix, address: Uint8Array): boolean {
  if (address.length !== prefix.address.length) return false
  for (let i = 0; i * 8 < prefix.bits; i++) {
    if ((address[i] & maskOctet(prefix.bits, i)) !== prefix.address[i]) return false
  }
  return true
}
