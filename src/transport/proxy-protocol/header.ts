/**
 * The PROXY protocol's header, versions 1 and 2 (HAProxy's "The PROXY protocol", sections 2.1 and 2.2): it names the client
 * behind a load balancer. Any octets yield a header, none, or the reason why they are invalid, in a number of steps limited
 * by the largest header.
 */
import { formatAddress, parseAddress } from '../../dns/address.ts'
import type { SocketAddress } from '../../plugin/query.ts'

export interface ProxyHeader {
  readonly kind: 'header'
  /** Octets of the header. */
  readonly length: number
  readonly version: 1 | 2
  /** Type of the proxied connection; `other`: unspecified, or a Unix socket. */
  readonly transport: 'stream' | 'datagram' | 'other'
  /** The proxy's own query, such as a health check: its addresses have no meaning (v1 `UNKNOWN`, v2 `LOCAL`). */
  readonly local: boolean
  /** Ends of the proxied connection; undefined without IP addresses. */
  readonly source: SocketAddress | undefined
  readonly destination: SocketAddress | undefined
  /** The type-length-values, complete; empty if there are none. */
  readonly tlvs: Uint8Array
}

export type ReadHeader =
  | ProxyHeader
  | { readonly kind: 'none' }
  /** The octets are the beginning of a header. `signed`: they include its whole signature. */
  | { readonly kind: 'incomplete'; readonly signed: boolean }
  | { readonly kind: 'invalid'; readonly reason: string }

/** Section 2.1: the longest line of version 1, CRLF included. */
const longestLine = 107
/**
 * Octets after the fixed part of version 2, limited as in CoreDNS: addresses (at most 216) and type-length-values, of which
 * a client certificate is the longest with 1 to 2 KiB.
 */
const longestBody = 4096
const fixedOctets = 16

const signature1 = Buffer.from('PROXY')
const signature2 = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')

const nothing = new Uint8Array(0)
const none: ReadHeader = { kind: 'none' }
const invalid = (reason: string): ReadHeader => ({ kind: 'invalid', reason })

export function readProxyHeader(bytes: Uint8Array): ReadHeader {
  if (bytes[0] === signature1[0]) return begin(bytes, signature1, readVersion1)
  if (bytes[0] === signature2[0]) return begin(bytes, signature2, readVersion2)
  return bytes.length === 0 ? { kind: 'incomplete', signed: false } : none
}

function begin(bytes: Uint8Array, signature: Uint8Array, read: (bytes: Uint8Array) => ReadHeader): ReadHeader {
  const most = Math.min(bytes.length, signature.length)
  for (let i = 1; i < most; i++) if (bytes[i] !== signature[i]) return none
  return most < signature.length ? { kind: 'incomplete', signed: false } : read(bytes)
}

/** Section 2.1: `PROXY TCP4 192.0.2.1 192.0.2.53 56324 53`, with single blanks and a CRLF. */
function readVersion1(bytes: Uint8Array): ReadHeader {
  const head = bytes.subarray(0, longestLine)
  const end = head.indexOf(0x0a)
  if (end < 0)
    return head.length < longestLine
      ? { kind: 'incomplete', signed: true }
      : invalid(`no end within ${longestLine} octets`)
  if (head[end - 1] !== 0x0d) return invalid('the line does not end with CRLF')
  const [word, family, ...rest] = Buffer.from(head.subarray(0, end - 1))
    .toString('latin1')
    .split(' ')
  if (word !== 'PROXY') return invalid('no blank after PROXY')
  const facts = { kind: 'header', version: 1, length: end + 1, tlvs: nothing } as const
  // Section 2.1: anything after UNKNOWN must be ignored.
  if (family === 'UNKNOWN')
    return { ...facts, transport: 'other', local: true, source: undefined, destination: undefined }
  if ((family !== 'TCP4' && family !== 'TCP6') || rest.length !== 4)
    return invalid('no TCP4, TCP6 or UNKNOWN with its fields')
  const octets = family === 'TCP4' ? 4 : 16
  const source = endpointOf(rest[0], rest[2], octets)
  const destination = endpointOf(rest[1], rest[3], octets)
  if (source === undefined || destination === undefined) return invalid('an address or port is invalid')
  return { ...facts, transport: 'stream', local: false, source, destination }
}

function endpointOf(address: string, port: string, octets: number): SocketAddress | undefined {
  const parsed = parseAddress(address)
  if (parsed?.length !== octets || !/^(0|[1-9]\d{0,4})$/.test(port) || Number(port) > 0xffff) return undefined
  return { address: textOf(parsed), port: Number(port) }
}

/** Octets of the addresses and ports of an address family; the family is the upper half of octet 13. */
const addressOctets: Readonly<Record<number, number>> = { 0: 0, 1: 12, 2: 36, 3: 216 }

/** Section 2.2: signature, version and command, family and transport, length of the rest; addresses; TLVs. */
function readVersion2(bytes: Uint8Array): ReadHeader {
  if (bytes.length < fixedOctets) return { kind: 'incomplete', signed: true }
  const command = bytes[12]
  if (command !== 0x20 && command !== 0x21) return invalid('unsupported version or command')
  const family = bytes[13] >> 4
  const protocol = bytes[13] & 15
  const local = command === 0x20
  // An unspecified family is for LOCAL only, without a protocol; all others have 1 (stream) or 2 (datagram).
  const known = family === 0 ? protocol === 0 && local : family <= 3 && (protocol === 1 || protocol === 2)
  if (!known) return invalid('unsupported address family or transport')
  const length = (bytes[14] << 8) | bytes[15]
  if (length > longestBody) return invalid(`${length} octets of addresses and TLVs are more than ${longestBody}`)
  const addresses = addressOctets[family]
  if (length < addresses && !local) return invalid('the addresses do not fit its length')
  const end = fixedOctets + length
  if (bytes.length < end) return { kind: 'incomplete', signed: true }
  const facts = { kind: 'header', version: 2, length: end, local } as const
  // The addresses of LOCAL have no meaning, and may be missing.
  if (length < addresses || family === 0 || family === 3) {
    const transport = family === 3 || length < addresses ? 'other' : transportOf(protocol)
    return { ...facts, transport, source: undefined, destination: undefined, tlvs: nothing }
  }
  const octets = family === 1 ? 4 : 16
  const portsAt = fixedOctets + 2 * octets
  const endpoint = (at: number, portAt: number): SocketAddress => ({
    address: textOf(bytes.subarray(at, at + octets)),
    port: (bytes[portAt] << 8) | bytes[portAt + 1],
  })
  return {
    ...facts,
    transport: transportOf(protocol),
    source: endpoint(fixedOctets, portsAt),
    destination: endpoint(fixedOctets + octets, portsAt + 2),
    tlvs: bytes.slice(fixedOctets + addresses, end),
  }
}

function transportOf(protocol: number): ProxyHeader['transport'] {
  return protocol === 1 ? 'stream' : protocol === 2 ? 'datagram' : 'other'
}

/** IPv4-mapped addresses become IPv4, so that `acl` and `view` recognise the client. */
function textOf(octets: Uint8Array): string {
  const text = formatAddress(octets)
  return text.startsWith('::ffff:') && text.includes('.') ? text.slice(7) : text
}

const noop = 4

/**
 * The type-length-values as `proxyproto/tlv` shows them: padding (section 2.2.6) without its octets. Undefined when there
 * are none, or when they do not match their lengths.
 */
export function readTlvs(octets: Uint8Array): Uint8Array | undefined {
  const kept: number[] = []
  for (let at = 0; at < octets.length; ) {
    if (octets.length - at < 3) return undefined
    const end = at + 3 + ((octets[at + 1] << 8) | octets[at + 2])
    if (end > octets.length) return undefined
    if (octets[at] === noop) kept.push(noop, 0, 0)
    else for (let i = at; i < end; i++) kept.push(octets[i])
    at = end
  }
  return kept.length > 0 ? Uint8Array.from(kept) : undefined
}
