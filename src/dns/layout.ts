/**
 * The fields in the rdata of each known type. One table for all code that has to look inside: the parser (compressed names,
 * lengths to check), the encoder (names that may be compressed) and the text form.
 */
import { type } from './codes.ts'
import { nameEnd } from './name.ts'

/**
 * a, aaaa: an address. u8, u16, u32: integers. name: a domain name. string: a character string (one length octet).
 * strings: one or more of them, to the end. type: a record type. time: seconds since 1970, 32 bits. types: an NSEC type
 * bitmap, to the end. hex, base64, text: octets to the end, by how they are written. opaque: octets to the end that have
 * no text form here.
 */
export type Field =
  | 'a'
  | 'aaaa'
  | 'u8'
  | 'u16'
  | 'u32'
  | 'name'
  | 'string'
  | 'strings'
  | 'type'
  | 'time'
  | 'types'
  | 'hex'
  | 'base64'
  | 'text'
  | 'opaque'

export interface Layout {
  readonly fields: readonly Field[]
  /** The rdata contains names, which the parser decompresses (RFC 3597 §4). */
  readonly hasNames: boolean
  /** Its names may be compressed when sent: only those of the types in RFC 1035 (RFC 3597 §4). */
  readonly compressible: boolean
}

const signature: readonly Field[] = ['type', 'u8', 'u8', 'u32', 'time', 'time', 'u16', 'name', 'base64']

const rows: readonly (readonly [number, readonly Field[], 'compressible'?])[] = [
  [type.A, ['a']],
  [type.NS, ['name'], 'compressible'],
  [type.MD, ['name'], 'compressible'],
  [type.MF, ['name'], 'compressible'],
  [type.CNAME, ['name'], 'compressible'],
  [type.SOA, ['name', 'name', 'u32', 'u32', 'u32', 'u32', 'u32'], 'compressible'],
  [type.MB, ['name'], 'compressible'],
  [type.MG, ['name'], 'compressible'],
  [type.MR, ['name'], 'compressible'],
  [type.PTR, ['name'], 'compressible'],
  [type.HINFO, ['string', 'string']],
  [type.MINFO, ['name', 'name'], 'compressible'],
  [type.MX, ['u16', 'name'], 'compressible'],
  [type.TXT, ['strings']],
  [type.RP, ['name', 'name']],
  [type.AFSDB, ['u16', 'name']],
  [type.RT, ['u16', 'name']],
  [type.SIG, signature],
  [type.PX, ['u16', 'name', 'name']],
  [type.AAAA, ['aaaa']],
  [type.NXT, ['name', 'opaque']],
  [type.SRV, ['u16', 'u16', 'u16', 'name']],
  [type.NAPTR, ['u16', 'u16', 'string', 'string', 'string', 'name']],
  [type.KX, ['u16', 'name']],
  [type.DNAME, ['name']],
  [type.DS, ['u16', 'u8', 'u8', 'hex']],
  [type.SSHFP, ['u8', 'u8', 'hex']],
  [type.RRSIG, signature],
  [type.NSEC, ['name', 'types']],
  [type.DNSKEY, ['u16', 'u8', 'u8', 'base64']],
  [type.TLSA, ['u8', 'u8', 'u8', 'hex']],
  [type.CDS, ['u16', 'u8', 'u8', 'hex']],
  [type.CDNSKEY, ['u16', 'u8', 'u8', 'base64']],
  [type.SVCB, ['u16', 'name', 'opaque']],
  [type.HTTPS, ['u16', 'name', 'opaque']],
  [type.SPF, ['strings']],
  [type.URI, ['u16', 'u16', 'text']],
  [type.CAA, ['u8', 'string', 'text']],
]

const layouts: ReadonlyMap<number, Layout> = new Map(
  rows.map(([number, fields, compressible]) => [
    number,
    { fields, hasNames: fields.includes('name'), compressible: compressible !== undefined },
  ]),
)

/** The layout of a type's rdata; undefined for types treated as opaque (RFC 3597). */
export const layoutOf = (number: number): Layout | undefined => layouts.get(number)

/** Octets of fields with a fixed size; 0 for the others. */
const sizes: Readonly<Record<Field, number>> = {
  a: 4,
  aaaa: 16,
  u8: 1,
  u16: 2,
  u32: 4,
  type: 2,
  time: 4,
  name: 0,
  string: 0,
  strings: 0,
  types: 0,
  hex: 0,
  base64: 0,
  text: 0,
  opaque: 0,
}

/** The position after the (uncompressed) field at `bytes[at]`, or -1 when it does not fit before `end`. */
export function fieldEnd(field: Field, bytes: Uint8Array, at: number, end: number): number {
  const size = sizes[field]
  if (size > 0) return at + size <= end ? at + size : -1
  if (field === 'name') return nameEnd(bytes, at, end)
  if (field === 'string') return at < end && at + 1 + bytes[at] <= end ? at + 1 + bytes[at] : -1
  if (field === 'strings') return stringsEnd(bytes, at, end)
  if (field === 'types') return typesEnd(bytes, at, end)
  return end
}

/** At least one character string, and nothing after the last. */
function stringsEnd(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end) return -1
  let read = at
  while (read < end) read += 1 + bytes[read]
  return read === end ? end : -1
}

/** Windows of a type bitmap: number, length 1 to 32, octets (RFC 4034 §4.1.2). */
function typesEnd(bytes: Uint8Array, at: number, end: number): number {
  let read = at
  while (read < end) {
    if (read + 2 > end || bytes[read + 1] === 0 || bytes[read + 1] > 32) return -1
    read += 2 + bytes[read + 1]
  }
  return read === end ? end : -1
}

/** Whether uncompressed rdata is valid for its type. For unknown types any rdata is. */
export function validRdata(number: number, rdata: Uint8Array): boolean {
  const layout = layouts.get(number)
  if (!layout) return true
  let at = 0
  for (const field of layout.fields) {
    at = fieldEnd(field, rdata, at, rdata.length)
    if (at < 0) return false
  }
  return at === rdata.length
}
