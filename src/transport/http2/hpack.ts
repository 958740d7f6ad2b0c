/**
 * Header compression (RFC 7541). What comes is decoded whole, within bounds; what is sent uses the static table alone, so that
 * nothing has to be remembered.
 */
import { decodeHuffman } from './huffman.ts'

export type Field = readonly [name: string, value: string]

/** The block cannot be decoded: the state of both ends differs from here on, and the connection has to end. */
export class CompressionError extends Error {}

/** RFC 7541 Appendix A. */
const staticTable: readonly Field[] = [
  [':authority', ''],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  ...['200', '204', '206', '304', '400', '404', '500'].map((status): Field => [':status', status]),
  ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'],
  ...`accept-language accept-ranges accept access-control-allow-origin age allow authorization cache-control content-disposition
    content-encoding content-language content-length content-location content-range content-type cookie date etag expect expires
    from host if-match if-modified-since if-none-match if-range if-unmodified-since last-modified link location max-forwards
    proxy-authenticate proxy-authorization range referer refresh retry-after server set-cookie strict-transport-security
    transfer-encoding user-agent vary via www-authenticate`
    .split(/\s+/)
    .map((name): Field => [name, '']),
]

const staticNames = new Map<string, number>()
for (const [index, [name]] of staticTable.entries()) if (!staticNames.has(name)) staticNames.set(name, index + 1)

/** Octets of the dynamic table: the default, which is not announced (RFC 9113 §6.5.2). */
const tableOctets = 4096
/** RFC 7541 §4.1. */
const entryOverhead = 32

export interface HpackDecoder {
  /** The fields of a block. Throws CompressionError, also where they have more octets than `most`. */
  decode(block: Uint8Array): Field[]
}

export function createHpackDecoder(most: number): HpackDecoder {
  /** The newest entry last. */
  const entries: Field[] = []
  const scratch = new Uint8Array(most)
  let octets = 0
  let limit = tableOctets
  let bytes: Uint8Array = scratch
  let at = 0

  function evictTo(room: number): void {
    let oldest = 0
    while (octets > room) octets -= sizeOf(entries[oldest++])
    if (oldest > 0) entries.splice(0, oldest)
  }

  function insert(field: Field): void {
    const size = sizeOf(field)
    evictTo(Math.max(0, limit - size))
    if (size > limit) return
    entries.push(field)
    octets += size
  }

  function entryAt(index: number): Field {
    const found = index <= staticTable.length ? staticTable[index - 1] : entries.at(staticTable.length - index)
    if (found === undefined || index > staticTable.length + entries.length) throw new CompressionError('no such entry')
    return found
  }

  /** RFC 7541 §5.1. */
  function readInteger(prefix: number): number {
    const mask = (1 << prefix) - 1
    let value = readOctet() & mask
    if (value < mask) return value
    for (let shift = 0; shift <= 21; shift += 7) {
      const octet = readOctet()
      value += (octet & 0x7f) << shift
      if (octet < 0x80) return value
    }
    throw new CompressionError('an integer is too large')
  }

  function readOctet(): number {
    if (at >= bytes.length) throw new CompressionError('the block ends within a field')
    return bytes[at++]
  }

  /** RFC 7541 §5.2. */
  function readString(): string {
    const isCoded = at < bytes.length && bytes[at] >= 0x80
    const length = readInteger(7)
    const end = at + length
    if (end > bytes.length) throw new CompressionError('the block ends within a string')
    const start = at
    at = end
    if (!isCoded) return latin1(bytes, start, end)
    const written = decodeHuffman(bytes, start, end, scratch)
    if (written < 0) throw new CompressionError('a string is not in the Huffman code, or too long')
    return latin1(scratch, 0, written)
  }

  function readField(index: number): Field {
    const name = index === 0 ? readString() : entryAt(index)[0]
    return [name, readString()]
  }

  return {
    decode(block) {
      bytes = block
      at = 0
      const fields: Field[] = []
      let size = 0
      while (at < bytes.length) {
        const first = bytes[at]
        let field: Field
        if (first >= 0x80) field = entryAt(readInteger(7))
        else if (first >= 0x40) {
          field = readField(readInteger(6))
          insert(field)
        } else if (first >= 0x20) {
          // RFC 7541 §4.2: only at the beginning, and never more than was agreed.
          limit = readInteger(5)
          if (limit > tableOctets || fields.length > 0) throw new CompressionError('the size of the table is invalid')
          evictTo(limit)
          continue
        } else field = readField(readInteger(4))
        size += sizeOf(field)
        if (size > most) throw new CompressionError('the fields are too large')
        fields.push(field)
      }
      return fields
    },
  }
}

const sizeOf = ([name, value]: Field): number => name.length + value.length + entryOverhead

const latin1 = (bytes: Uint8Array, start: number, end: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1')

/** Fields as a block. Names are in lower case; none is entered into the client's table (RFC 7541 §6.2.2). */
export function encodeFields(fields: Iterable<readonly [string, string | number]>): Buffer {
  const parts: Buffer[] = []
  for (const [name, value] of fields) {
    const text = String(value)
    const index = staticNames.get(name)
    if (index === undefined) parts.push(Buffer.of(0), encodeString(name), encodeString(text))
    else {
      const exact = staticTable.findIndex((field, i) => i + 1 >= index && field[0] === name && field[1] === text)
      if (exact >= 0) parts.push(encodeInteger(0x80, 7, exact + 1))
      else parts.push(encodeInteger(0, 4, index), encodeString(text))
    }
  }
  return Buffer.concat(parts)
}

function encodeString(text: string): Buffer {
  const octets = Buffer.from(text, 'latin1')
  return Buffer.concat([encodeInteger(0, 7, octets.length), octets])
}

function encodeInteger(flags: number, prefix: number, value: number): Buffer {
  const mask = (1 << prefix) - 1
  if (value < mask) return Buffer.of(flags | value)
  const octets = [flags | mask]
  let left = value - mask
  for (; left >= 0x80; left >>= 7) octets.push((left & 0x7f) | 0x80)
  return Buffer.from([...octets, left])
}
