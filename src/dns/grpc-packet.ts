/**
 * A DNS message in CoreDNS's gRPC service (`/coredns.dns.DnsService/Query`): protobuf's `message DnsPacket { bytes msg = 1; }`
 * after gRPC's prefix of five octets (compressed or not, length).
 */

export const grpcMethod = '/coredns.dns.DnsService/Query'

const prefixOctets = 5
const messageTag = 0x0a
/** Maximum octets before the message: the prefix, a tag, and a length of three octets. */
export const packetOverhead = prefixOctets + 4

/** Wire types of the protobuf encoding that a field may have. */
const wireType = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const

export type DecodedPacket =
  | { readonly kind: 'message'; readonly message: Uint8Array }
  /** `incomplete`: shorter than its length says. `compressed`: decompression is not supported. */
  | { readonly kind: 'incomplete' | 'compressed' | 'invalid' }

export function encodePacket(message: Uint8Array): Uint8Array {
  const length = varint(message.length)
  const octets = 1 + length.length + message.length
  const packet = new Uint8Array(prefixOctets + octets)
  new DataView(packet.buffer).setUint32(1, octets)
  packet[prefixOctets] = messageTag
  packet.set(length, prefixOctets + 1)
  packet.set(message, prefixOctets + 1 + length.length)
  return packet
}

/** The first packet in the octets; unknown fields are skipped, as protobuf requires. */
export function decodePacket(octets: Uint8Array): DecodedPacket {
  if (octets.length < prefixOctets) return { kind: 'incomplete' }
  const end = prefixOctets + new DataView(octets.buffer, octets.byteOffset).getUint32(1)
  if (octets[0] !== 0) return { kind: 'compressed' }
  if (octets.length < end) return { kind: 'incomplete' }
  let message: Uint8Array = new Uint8Array(0)
  let at = prefixOctets
  while (at < end) {
    const tag = readVarint(octets, at, end)
    if (tag === undefined || tag.value >> 3 === 0) return { kind: 'invalid' }
    const field = readField(octets, tag.value & 7, tag.next, end)
    if (field === undefined) return { kind: 'invalid' }
    if (tag.value === messageTag) message = octets.subarray(field.start, field.next)
    at = field.next
  }
  return { kind: 'message', message }
}

interface FieldPlace {
  readonly start: number
  readonly next: number
}

/** Undefined when it does not end before `end`. */
function readField(octets: Uint8Array, type: number, at: number, end: number): FieldPlace | undefined {
  const fixed = type === wireType.fixed64 ? 8 : type === wireType.fixed32 ? 4 : undefined
  const length = fixed === undefined ? readVarint(octets, at, end) : { value: fixed, next: at }
  if (length === undefined || (fixed === undefined && type !== wireType.varint && type !== wireType.bytes))
    return undefined
  const next = type === wireType.varint ? length.next : length.next + length.value
  return next <= end ? { start: length.next, next } : undefined
}

function readVarint(octets: Uint8Array, from: number, end: number): { value: number; next: number } | undefined {
  let value = 0
  for (let at = from, scale = 1; at < end && scale <= 2 ** 49; at++, scale *= 128) {
    value += (octets[at] & 0x7f) * scale
    if (octets[at] < 0x80) return { value, next: at + 1 }
  }
  return undefined
}

function varint(value: number): number[] {
  const octets: number[] = []
  let left = value
  for (; left >= 0x80; left >>= 7) octets.push((left & 0x7f) | 0x80)
  return [...octets, left]
}
