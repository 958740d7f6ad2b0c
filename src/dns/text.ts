/** Records in zone-file text (RFC 1035 §5.1): one line, absolute names, owner TTL class type rdata. */
import { formatAddress } from './address.ts'
import { className, typeName } from './codes.ts'
import { type Field, fieldEnd, layoutOf, validRdata } from './layout.ts'
import type { ResourceRecord } from './message.ts'
import { wireToName } from './name.ts'
import { readTxt, readUint16, readUint32 } from './values.ts'

/** `www.example.com. 300 IN A 192.0.2.1`: what dig prints, with single spaces. */
export const recordText = (record: ResourceRecord): string =>
  `${record.name} ${record.ttl} ${className(record.class)} ${typeName(record.type)} ${rdataText(record.type, record.rdata)}`

/** The rdata's text; the generic form of RFC 3597 §5 for types without a layout. */
export function rdataText(type: number, rdata: Uint8Array): string {
  const layout = layoutOf(type)
  if (!layout || layout.fields.includes('opaque') || !validRdata(type, rdata)) {
    return rdata.length === 0 ? '\\# 0' : `\\# ${rdata.length} ${Buffer.from(rdata).toString('hex').toUpperCase()}`
  }
  const words: string[] = []
  let at = 0
  for (const field of layout.fields) {
    const end = fieldEnd(field, rdata, at, rdata.length)
    words.push(fieldText(field, rdata.subarray(at, end)))
    at = end
  }
  return words.join(' ')
}

function fieldText(field: Field, octets: Uint8Array): string {
  switch (field) {
    case 'a':
    case 'aaaa':
      return formatAddress(octets)
    case 'u8':
      return String(octets[0])
    case 'u16':
      return String(readUint16(octets, 0))
    case 'u32':
      return String(readUint32(octets, 0))
    case 'type':
      return typeName(readUint16(octets, 0))
    case 'time':
      return timeText(readUint32(octets, 0))
    case 'name':
      return wireToName(octets, 0)
    case 'string':
    case 'strings':
      return readTxt(octets).map(quoted).join(' ')
    case 'text':
      return quoted(octets)
    case 'types':
      return typesText(octets)
    case 'base64':
      return Buffer.from(octets).toString('base64')
    case 'hex':
    case 'opaque':
      return Buffer.from(octets).toString('hex').toUpperCase()
  }
}

function quoted(octets: Uint8Array): string {
  let text = ''
  for (const octet of octets) {
    if (octet < 0x20 || octet > 0x7e) text += `\\${String(octet).padStart(3, '0')}`
    else text += octet === 0x22 || octet === 0x5c ? `\\${String.fromCharCode(octet)}` : String.fromCharCode(octet)
  }
  return `"${text}"`
}

/** RFC 4034 §3.2: YYYYMMDDHHmmSS in UTC. */
const timeText = (seconds: number): string => new Date(seconds * 1000).toISOString().replace(/[-T:]|\.000Z/g, '')

function typesText(bitmap: Uint8Array): string {
  const names: string[] = []
  for (let at = 0; at < bitmap.length; at += 2 + bitmap[at + 1]) {
    for (let bit = 0; bit < bitmap[at + 1] * 8; bit++) {
      if (bitmap[at + 2 + (bit >> 3)] & (0x80 >> (bit & 7))) names.push(typeName(bitmap[at] * 256 + bit))
    }
  }
  return names.join(' ')
}
