/** Identity of records: equal owner, type and rdata, ignoring the case of names and the TTL (RFC 2136 §1.1.1). */
import { fieldEnd, layoutOf } from './layout.ts'
import type { ResourceRecord } from './message.ts'
import { lowerName, nameEnd } from './name.ts'

/** Equal for equal records. */
export function recordKey(record: ResourceRecord): string {
  return `${lowerName(record.name)} ${record.type} ${rdataKey(record)}`
}

/** Equal for rdata that differs in the case of names only (RFC 4034 §6.2). */
function rdataKey({ type, rdata }: ResourceRecord): string {
  const layout = layoutOf(type)
  if (!layout?.hasNames) return text(rdata)
  let key = ''
  let at = 0
  for (const field of layout.fields) {
    const end = field === 'name' ? nameEnd(rdata, at, rdata.length) : fieldEnd(field, rdata, at, rdata.length)
    if (end < 0) break
    const part = text(rdata.subarray(at, end))
    key += field === 'name' ? lowerLetters(part) : part
    at = end
  }
  return key + text(rdata.subarray(at))
}

const text = (octets: Uint8Array): string =>
  Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('latin1')

/** Letters of ASCII only: others are octets. */
const lowerLetters = (part: string): string => part.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase())
