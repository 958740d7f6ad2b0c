/**
 * Header compression (RFC 7541). Decoding is complete, within limits; encoding uses the static table only, so that it needs
 * no state.
 */
import { decodeHuffman } from './huffman.ts'

export type Field = readonly [name: string, value: string]

/** The block cannot be decoded: both ends no longer agree about the dynamic table, so the connection has to end. */
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

/** Index of each name in the static table, and of each of its values. */
const staticNames = new Map<string, { readonly index: number; readonly values: Map<string, number> }>()
for (const [at, [name, value]] of staticTable.entries()) {
  if (!staticNames.has(name)) staticNames.set(name, { index: at + 1, values: new Map() })
  if (value !== '') staticNames.get(name)!.values.set(value, at + 1)
}

/** Octets of the dynamic table: the default, which needs no announcement (RFC 9113 §6.5.2). */
const tableOctets = 4096
/** RFC 7541 §4.1. */
const entryOverhead = 32

export interface HpackDecoder {
  /** The fields of a block. Throws CompressionError, also when they have more octets than `most`. */
  decode(block: Buffer): Field[]
}

export function createHpackDecoder(most: number): HpackDecoder {
  /** Newest entry last. */
  const entries: Field[] = []
  const scratch = Buffer.alloc(most)
  let octets = 0
  let limit = tableOctets
  let bytes: Buffer = scratch
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
    if (!isCoded) return bytes.toString('latin1', start, end)
    const written = decodeHuffman(bytes, start, end, scratch)
    if (written < 0) throw new CompressionError('a string is not in the Huffman code, or too long')
    return scratch.toString('latin1', 0, written)
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
          // RFC 7541 §4.2: only at the beginning of a block, and never above the agreed size.
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

/** Octets that a field takes at most in addition to its texts: two lengths and a kind. */
const fieldOverhead = 12

/** Octets that a field takes at most as written by `writeField`. */
export function fieldRoom(name: string, value: string | number): number {
  return fieldOverhead + name.length + (typeof value === 'string' ? value.length : 20)
}

/**
 * Writes a field and returns its end; the memory has `fieldRoom` octets from `at` on. The name must be in lower case. The
 * field is not entered into the client's dynamic table (RFC 7541 §6.2.2).
 */
export function writeField(memory: Buffer, at: number, name: string, value: string | number): number {
  const text = String(value)
  const known = staticNames.get(name)
  if (known === undefined) {
    memory[at] = 0
    return writeString(memory, writeString(memory, at + 1, name), text)
  }
  const exact = known.values.get(text)
  if (exact !== undefined) return writeInteger(memory, at, 0x80, 7, exact)
  return writeString(memory, writeInteger(memory, at, 0, 4, known.index), text)
}

/**
 * Sets the dynamic table's size to 0. A client that lowers the size may wait for such an update (RFC 7541 §4.2); after this
 * one none is needed. It begins a connection's first header block.
 */
export const emptyTable = 0x20

function writeString(memory: Buffer, from: number, text: string): number {
  const at = writeInteger(memory, from, 0, 7, text.length)
  for (let i = 0; i < text.length; i++) memory[at + i] = text.charCodeAt(i)
  return at + text.length
}

/** RFC 7541 §5.1. */
function writeInteger(memory: Buffer, from: number, flags: number, prefix: number, value: number): number {
  const mask = (1 << prefix) - 1
  if (value < mask) {
    memory[from] = flags | value
    return from + 1
  }
  memory[from] = flags | mask
  let at = from + 1
  let left = value - mask
  for (; left >= 0x80; left >>= 7) memory[at++] = (left & 0x7f) | 0x80
  memory[at++] = left
  return at
}
