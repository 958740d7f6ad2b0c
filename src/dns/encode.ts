/** Message to octets, with name compression (RFC 1035 §4.1.4) and truncation at whole records. */
import { type } from './codes.ts'
import { fieldEnd, layoutOf } from './layout.ts'
import type { Edns, Message, ResourceRecord } from './message.ts'
import { labelEnd, maxLabelOctets, NameError, nameEnd, wireToName, writeName } from './name.ts'

export interface EncodeOptions {
  /** Octets that the message may have, at most 65,535. */
  readonly limit: number
}

/** Holds a whole message and the one record that turns out not to fit. */
const scratch = new Uint8Array(2 * 0x10000 + 1024)

/** Positions that 14 bits of a compression pointer can name. */
const maxPointer = 0x4000

const optOctets = 11
const BACKSLASH = 0x5c

/**
 * Where each name suffix was written. Made anew for each message, which costs no more than emptying it: the tables that an
 * old map drops are old too, and keep the names in them alive until the next full collection.
 */
let written = new Map<string, number>()

/**
 * The message's octets, names compressed. When not everything fits, whole records are kept in the order answer,
 * authority, additional until one does not fit; none after it is added and TC is set. The OPT record is always kept,
 * without its options when not even they fit. Names must be valid (see name.ts), or NameError is thrown.
 */
export function encodeMessage(message: Message, options: EncodeOptions): Uint8Array {
  written = new Map()
  let at = 12
  for (const question of message.questions) {
    at = writeCompressed(question.name, at)
    at = writeUint16(question.type, at)
    at = writeUint16(question.class, at)
  }
  let edns = message.edns
  if (edns?.options.length && at + ednsOctets(edns) > options.limit) edns = { ...edns, options: [] }
  const budget = options.limit - (edns ? ednsOctets(edns) : 0)

  const sections = [message.answer, message.authority, message.additional]
  const counts = [0, 0, 0]
  let full = false
  for (let section = 0; section < 3 && !full; section++) {
    for (const record of sections[section]) {
      const next = writeRecord(record, at)
      if (next > budget) {
        full = true
        break
      }
      at = next
      counts[section]++
    }
  }
  if (edns) at = writeEdns(edns, message.rcode, at)
  writeHeader(message, full, counts, edns !== undefined)
  return scratch.slice(0, at)
}

function writeHeader(message: Message, cut: boolean, counts: readonly number[], edns: boolean): void {
  writeUint16(message.id, 0)
  scratch[2] =
    (message.response ? 0x80 : 0) |
    (message.opcode << 3) |
    (message.authoritative ? 4 : 0) |
    (message.truncated || cut ? 2 : 0) |
    (message.recursionDesired ? 1 : 0)
  scratch[3] =
    (message.recursionAvailable ? 0x80 : 0) |
    (message.reserved ? 0x40 : 0) |
    (message.authenticData ? 0x20 : 0) |
    (message.checkingDisabled ? 0x10 : 0) |
    (message.rcode & 15)
  writeUint16(message.questions.length, 4)
  writeUint16(counts[0], 6)
  writeUint16(counts[1], 8)
  writeUint16(counts[2] + (edns ? 1 : 0), 10)
}

function writeUint16(value: number, at: number): number {
  scratch[at] = value >> 8
  scratch[at + 1] = value
  return at + 2
}

function writeRecord(record: ResourceRecord, from: number): number {
  let at = writeCompressed(record.name, from)
  at = writeUint16(record.type, at)
  at = writeUint16(record.class, at)
  at = writeUint16(record.ttl >>> 16, at)
  at = writeUint16(record.ttl, at)
  const end = writeRdata(record, at + 2)
  writeUint16(end - at - 2, at)
  return end
}

function writeRdata(record: ResourceRecord, at: number): number {
  const { rdata } = record
  const layout = layoutOf(record.type)
  // An update's record may have none; an empty one has no names.
  if (layout?.hasNames && rdata.length > 0) return writeRdataWithNames(record, at)
  if (rdata.length > 32) scratch.set(rdata, at)
  else for (let i = 0; i < rdata.length; i++) scratch[at + i] = rdata[i]
  return at + rdata.length
}

/** Names of RFC 1035's types are compressed; those of others are not, but later names may point to them. */
function writeRdataWithNames(record: ResourceRecord, from: number): number {
  const { rdata } = record
  const layout = layoutOf(record.type)!
  let read = 0
  let at = from
  for (const field of layout.fields) {
    const end = field === 'name' ? nameEnd(rdata, read, rdata.length) : fieldEnd(field, rdata, read, rdata.length)
    if (end < 0) throw new RangeError(`rdata of type ${record.type} is malformed`)
    if (field === 'name' && layout.compressible) at = writeCompressed(wireToName(rdata, read), at)
    else {
      if (field === 'name') remember(rdata, read, at)
      for (let i = read; i < end; i++) scratch[at++] = rdata[i]
    }
    read = end
  }
  return at
}

/** Writes a name, its longest suffix that was written before as a pointer. Suffixes are compared with their case. */
function writeCompressed(name: string, from: number): number {
  let at = from
  let label = 0
  for (let suffix = name; suffix !== '.' && suffix !== ''; suffix = name.slice(label)) {
    const target = written.get(suffix)
    if (target !== undefined) return writeUint16(0xc000 | target, at)
    if (at < maxPointer) written.set(suffix, at)
    const dot = labelEnd(name, label)
    at = writeLabel(name, label, dot, at)
    label = dot + 1
  }
  scratch[at] = 0
  return at + 1
}

function writeLabel(name: string, from: number, dot: number, at: number): number {
  let write = at + 1
  for (let i = from; i < dot; i++) {
    const code = name.charCodeAt(i)
    // Escapes are rare: leave them to the one place that knows them.
    if (code === BACKSLASH) return writeName(name.slice(from, dot + 1), scratch, at) - 1
    scratch[write++] = code
  }
  const octets = write - at - 1
  if (octets === 0 || octets > maxLabelOctets) throw new NameError(`"${name}" has a label of ${octets} octets`)
  scratch[at] = octets
  return write
}

/** Notes the suffixes of the uncompressed name at `wire[read]`, which goes to `at`: later names can point to them. */
function remember(wire: Uint8Array, read: number, at: number): void {
  const name = wireToName(wire, read)
  let label = 0
  for (let octet = read; wire[octet] !== 0; octet += wire[octet] + 1) {
    const suffix = name.slice(label)
    const position = at + octet - read
    if (position < maxPointer && !written.has(suffix)) written.set(suffix, position)
    label = labelEnd(name, label) + 1
  }
}

function ednsOctets(edns: Edns): number {
  let octets = optOctets
  for (const option of edns.options) octets += 4 + option.data.length
  return octets
}

/** RFC 6891 §6.1.2, §6.1.3: the class is the payload size, the TTL extended rcode, version and flags. */
function writeEdns(edns: Edns, rcode: number, from: number): number {
  scratch[from] = 0
  let at = writeUint16(type.OPT, from + 1)
  at = writeUint16(edns.payloadSize, at)
  scratch[at] = rcode >> 4
  scratch[at + 1] = edns.version
  at = writeUint16(edns.dnssecOk ? 0x8000 : 0, at + 2)
  at = writeUint16(ednsOctets(edns) - optOctets, at)
  for (const option of edns.options) {
    at = writeUint16(option.code, at)
    at = writeUint16(option.data.length, at)
    scratch.set(option.data, at)
    at += option.data.length
  }
  return at
}
