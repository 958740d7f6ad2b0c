/** Message to octets, with name compression (RFC 1035 §4.1.4) and truncation at whole records. */
import { randomInt } from 'node:crypto'
import { type } from './codes.ts'
import { fieldEnd, layoutOf } from './layout.ts'
import type { Edns, Message, ResourceRecord } from './message.ts'
import { labelEnd, maxLabelOctets, NameError, nameEnd, wireToName, writeName } from './name.ts'

export interface EncodeOptions {
  /** Maximum octets of the message, at most 65,535. */
  readonly limit: number
}

/** Holds a complete message and the one record that turns out not to fit. */
const scratch = new Uint8Array(2 * 0x10000 + 1024)

/** Positions that the 14 bits of a compression pointer can express. */
const maxPointer = 0x4000

const headerOctets = 12
const optOctets = 11
const BACKSLASH = 0x5c

/** For the name being written: where each label begins, and the hash of the suffix that begins there. */
const maxLabels = 127
const starts = new Int32Array(maxLabels)
const hashes = new Int32Array(maxLabels)
/** Random, so that nobody can choose names with colliding hashes. */
const hashSeed = randomInt(2 ** 32) | 0

/**
 * Position of a written suffix by its hash. Not by the suffix itself, because a name of 127 labels has 127 long suffixes. Created
 * for each message: an old map keeps its tables alive until the next full collection.
 */
let written = new Map<number, number>()
/** The question's name, which most records have as owner; '' until it is written, directly after the header. */
let questionName = ''
/**
 * The last completely written name without its first label, its position and hash: the endpoints of a Service differ in
 * their first label only.
 */
const parent = { name: '', at: 0, hash: 0 }

/**
 * The message's octets, with names compressed. If not everything fits, whole records are kept in the order answer, authority,
 * additional until one does not fit; the rest is dropped and TC set. The OPT record is always kept, without its options if
 * they do not fit. Invalid names (see name.ts) cause a NameError.
 */
export function encodeMessage(message: Message, options: EncodeOptions): Uint8Array {
  written = new Map()
  questionName = ''
  parent.name = ''
  let at = headerOctets
  for (const question of message.questions) {
    const end = writeCompressed(question.name, at)
    if (at === headerOctets) questionName = question.name
    at = writeUint16(question.type, end)
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
  // A record of an update may have no rdata, and so no names in it.
  if (layout?.hasNames && rdata.length > 0) return writeRdataWithNames(record, at)
  if (rdata.length > 32) scratch.set(rdata, at)
  else for (let i = 0; i < rdata.length; i++) scratch[at + i] = rdata[i]
  return at + rdata.length
}

/** Names in rdata of RFC 1035's types are compressed; those of other types are not, but later names may point to them. */
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
      const begin = at
      for (let i = read; i < end; i++) scratch[at++] = rdata[i]
      if (field === 'name') remember(begin)
    }
    read = end
  }
  return at
}

/** Writes a name, replacing its longest suffix written before by a pointer. Suffixes are compared including their case. */
function writeCompressed(name: string, from: number): number {
  if (name === '.' || name === '') {
    scratch[from] = 0
    return from + 1
  }
  if (name === questionName) return writePointer(headerOctets, from)
  const dot = labelEnd(name, 0)
  const behind = name.slice(dot + 1)
  return behind !== '' && behind === parent.name ? writeBelowParent(name, dot, from) : writeWhole(name, behind, from)
}

function writePointer(target: number, at: number): number {
  return writeUint16(0xc000 | target, at)
}

function writeBelowParent(name: string, dot: number, from: number): number {
  const end = writePointer(parent.at, writeLabel(name, 0, dot, from))
  const target = noted(from, hashLabel(parent.hash, from))
  return target < 0 ? end : writePointer(target, from)
}

function writeWhole(name: string, behind: string, from: number): number {
  let at = from
  let labels = 0
  for (let label = 0; label < name.length; ) {
    if (labels === maxLabels) throw new NameError(`"${name}" has more than ${maxLabels} labels`)
    const dot = labelEnd(name, label)
    starts[labels++] = at
    at = writeLabel(name, label, dot, at)
    label = dot + 1
  }
  scratch[at] = 0
  hashSuffixes(labels)
  for (let label = 0; label < labels; label++) {
    const target = noted(starts[label], hashes[label])
    if (label === 1) setParent(behind, target < 0 ? starts[1] : target, hashes[1])
    if (target >= 0) return writePointer(target, starts[label])
  }
  return at + 1
}

function setParent(name: string, at: number, hash: number): void {
  parent.name = at < maxPointer ? name : ''
  parent.at = at
  parent.hash = hash
}

/** Where the name at `scratch[at]` with this hash was written before; else -1, and it is recorded for later names. */
function noted(at: number, hash: number): number {
  // Small enough for a map to store it unboxed.
  const key = hash & 0x3fffffff
  const target = written.get(key)
  if (target !== undefined) return sameName(at, target) ? target : -1
  if (at < maxPointer) written.set(key, at)
  return -1
}

/** Fills `hashes` for the uncompressed labels at `starts`, beginning with the last one: each octet is read once. */
function hashSuffixes(labels: number): void {
  let hash = hashSeed
  for (let label = labels - 1; label >= 0; label--) hashes[label] = hash = hashLabel(hash, starts[label])
}

/** Hash (FNV-1a) of the label at `scratch[from]` followed by a suffix with the hash `hash`. */
function hashLabel(hash: number, from: number): number {
  let sum = hash
  for (let at = from, end = from + scratch[from]; at <= end; at++) sum = Math.imul(sum ^ scratch[at], 0x01000193)
  return sum
}

/** Whether the names at two positions of `scratch` are equal. */
function sameName(one: number, other: number): boolean {
  for (let [a, b] = [one, other]; ; ) {
    a = behindPointers(a)
    b = behindPointers(b)
    if (a === b) return true
    const octets = scratch[a]
    for (let i = 0; i <= octets; i++) if (scratch[a + i] !== scratch[b + i]) return false
    if (octets === 0) return true
    a += octets + 1
    b += octets + 1
  }
}

function behindPointers(from: number): number {
  let at = from
  while (scratch[at] >= 0xc0) at = ((scratch[at] & 0x3f) << 8) | scratch[at + 1]
  return at
}

function writeLabel(name: string, from: number, dot: number, at: number): number {
  let write = at + 1
  for (let i = from; i < dot; i++) {
    const code = name.charCodeAt(i)
    // Escapes are rare, so they are left to the one function that handles them.
    if (code === BACKSLASH) return writeName(name.slice(from, dot + 1), scratch, at) - 1
    scratch[write++] = code
  }
  const octets = write - at - 1
  if (octets === 0 || octets > maxLabelOctets) throw new NameError(`"${name}" has a label of ${octets} octets`)
  scratch[at] = octets
  return write
}

/** Records the suffixes of the uncompressed name at `scratch[from]`, so that later names can point to them. */
function remember(from: number): void {
  let labels = 0
  for (let at = from; scratch[at] !== 0; at += scratch[at] + 1) starts[labels++] = at
  hashSuffixes(labels)
  for (let label = 0; label < labels; label++) noted(starts[label], hashes[label])
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
