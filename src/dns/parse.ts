/**
 * Parses a message. Input is hostile: any octets give a Message or a ParseError, in time linear in their number. A name takes
 * at most `maxNameOctets` octets and `maxJumps` jumps, and all names of a message at most `maxNamesOctets`.
 */
import { type } from './codes.ts'
import { type Field, fieldEnd, layoutOf, validRdata } from './layout.ts'
import type { Edns, EdnsOption, Message, Question, ResourceRecord } from './message.ts'
import { maxLabelOctets, maxNameOctets, wireToName } from './name.ts'

export type Stage = 'header' | 'question' | 'answer' | 'authority' | 'additional'

/** The octets are not a DNS message. The parsed part is kept, because a FORMERR reply repeats the question. */
export class ParseError extends Error {
  readonly stage: Stage
  /** The header with the questions parsed so far, all other sections empty; undefined without a complete header. */
  readonly partial: Message | undefined
  constructor(message: string, stage: Stage, partial: Message | undefined) {
    // The sender chooses whether there is an error, so it must not cost a stack trace, which would say nothing about the cause.
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    super(message)
    Error.stackTraceLimit = stackTraceLimit
    this.name = 'ParseError'
    this.stage = stage
    this.partial = partial
  }
}

export const headerOctets = 12

/** The parser's position, and names that it expects to meet again. */
interface Cursor {
  readonly header: Message
  readonly questions: Question[]
  stage: Stage
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
  at: number
  /** Owner names are mostly pointers to the question's name, or to the previous record's. */
  questionName: string
  /** Octets of the names decompressed so far. */
  namesOctets: number
  lastTarget: number
  lastName: string
}

/**
 * Maximum compression pointers in one name. A name of 255 octets has up to 127 labels, and an encoder needs at most one pointer
 * before each. A pointer to a pointer adds nothing to the name, so the limit on its octets does not limit the jumps.
 */
const maxJumps = 127

/**
 * Maximum octets of all names of a message, decompressed. Pointers to long names turn 64 KiB into 1.3 MiB; the most that real
 * zones need is a message of 3,500 PTR records, whose names have some 240 KiB.
 */
const maxNamesOctets = 512 * 1024

const malformed = ({ stage, header, questions }: Cursor, what: string): ParseError =>
  new ParseError(`${stage}: ${what}`, stage, { ...header, questions })

/** The uncompressed name or rdata under construction. A name of at most 255 octets cannot exceed it after a record's rdata. */
const scratch = new Uint8Array(0x10000 + 2 * maxNameOctets)

/**
 * The message in `bytes[start, end)`. Octets after the last record are ignored. Rdata is copied, with its names decompressed. Of
 * several OPT records the last one counts. A header alone is a message without questions, whatever its counts. Throws
 * ParseError and nothing else.
 */
export function parseMessage(bytes: Uint8Array, start = 0, end = bytes.length): Message {
  if (end - start < headerOctets) throw new ParseError('shorter than a header', 'header', undefined)
  const header = parseHeader(bytes, start)
  if (end - start === headerOctets) return header
  const questions: Question[] = []
  const cursor: Cursor = {
    header,
    questions,
    stage: 'question',
    bytes,
    start,
    end,
    at: start + headerOctets,
    questionName: '',
    namesOctets: 0,
    lastTarget: -1,
    lastName: '',
  }
  for (let left = count(bytes, start + 4); left > 0; left--) questions.push(parseQuestion(cursor))
  cursor.stage = 'answer'
  const answer = parseRecords(cursor, count(bytes, start + 6))
  cursor.stage = 'authority'
  const authority = parseRecords(cursor, count(bytes, start + 8))
  cursor.stage = 'additional'
  const additional = parseRecords(cursor, count(bytes, start + 10))
  return withEdns(cursor, { ...header, questions, answer, authority, additional })
}

const count = (bytes: Uint8Array, at: number): number => (bytes[at] << 8) | bytes[at + 1]

function parseHeader(bytes: Uint8Array, start: number): Message {
  const high = bytes[start + 2]
  const low = bytes[start + 3]
  return {
    id: count(bytes, start),
    response: (high & 0x80) !== 0,
    opcode: (high >> 3) & 15,
    authoritative: (high & 4) !== 0,
    truncated: (high & 2) !== 0,
    recursionDesired: (high & 1) !== 0,
    recursionAvailable: (low & 0x80) !== 0,
    reserved: (low & 0x40) !== 0,
    authenticData: (low & 0x20) !== 0,
    checkingDisabled: (low & 0x10) !== 0,
    rcode: low & 15,
    questions: [],
    answer: [],
    authority: [],
    additional: [],
    edns: undefined,
  }
}

function parseQuestion(cursor: Cursor): Question {
  const atHeader = cursor.at === cursor.start + headerOctets
  const name = parseOwner(cursor)
  if (atHeader) cursor.questionName = name
  const at = cursor.at
  if (at + 4 > cursor.end) throw malformed(cursor, 'type and class are missing')
  cursor.at = at + 4
  return { name, type: count(cursor.bytes, at), class: count(cursor.bytes, at + 2) }
}

function parseRecords(cursor: Cursor, number: number): ResourceRecord[] {
  const records: ResourceRecord[] = []
  for (let left = number; left > 0; left--) records.push(parseRecord(cursor))
  return records
}

function parseRecord(cursor: Cursor): ResourceRecord {
  const name = parseOwner(cursor)
  const { bytes, at } = cursor
  if (at + 10 > cursor.end) throw malformed(cursor, 'a record ends before its rdata')
  const number = count(bytes, at)
  const rdataEnd = at + 10 + count(bytes, at + 8)
  if (rdataEnd > cursor.end) throw malformed(cursor, 'rdata is longer than the message')
  const recordClass = count(bytes, at + 2)
  // RFC 2181 §8: a TTL with the most significant bit set counts as zero.
  // (Of an OPT record these are 32 bits of other facts.)
  const ttl = bytes[at + 4] > 127 && number !== type.OPT ? 0 : count(bytes, at + 4) * 0x10000 + count(bytes, at + 6)
  cursor.at = at + 10
  const rdata = parseRdata(cursor, number, rdataEnd)
  // RFC 2136 §2.4, §2.5: in updates, records of class ANY and NONE may have no rdata.
  if (!validRdata(number, rdata) && !(rdata.length === 0 && recordClass >= 254)) {
    throw malformed(cursor, `rdata of type ${number} is malformed`)
  }
  cursor.at = rdataEnd
  return { name, type: number, class: recordClass, ttl, rdata }
}

function parseRdata(cursor: Cursor, number: number, end: number): Uint8Array {
  const layout = layoutOf(number)
  if (layout?.hasNames) return decompress(cursor, layout.fields, end)
  return copy(cursor.bytes, cursor.at, end)
}

/** A plain Uint8Array with its own memory; small ones are copied faster octet by octet. */
function copy(bytes: Uint8Array, from: number, to: number): Uint8Array {
  const octets = new Uint8Array(to - from)
  if (octets.length > 32) octets.set(bytes.subarray(from, to))
  else for (let i = 0; i < octets.length; i++) octets[i] = bytes[from + i]
  return octets
}

function decompress(cursor: Cursor, fields: readonly Field[], end: number): Uint8Array {
  const { bytes } = cursor
  let write = 0
  for (const field of fields) {
    if (cursor.at === end) break
    if (field === 'name') {
      write = copyName(cursor, write)
      if (cursor.at > end) throw malformed(cursor, 'a name in rdata is longer than the rdata')
    } else {
      const next = fieldEnd(field, bytes, cursor.at, end)
      if (next < 0) throw malformed(cursor, 'rdata ends inside a field')
      while (cursor.at < next) scratch[write++] = bytes[cursor.at++]
    }
  }
  if (cursor.at !== end) throw malformed(cursor, 'rdata is longer than its fields')
  return copy(scratch, 0, write)
}

/** Reads a name at the cursor, with shortcuts for the two cases that nearly every record has. */
function parseOwner(cursor: Cursor): string {
  const { bytes, at } = cursor
  let target = -1
  if (at + 1 < cursor.end && bytes[at] >= 0xc0) {
    target = ((bytes[at] & 0x3f) << 8) | bytes[at + 1]
    if (target === headerOctets && cursor.questionName !== '') {
      cursor.at = at + 2
      return cursor.questionName
    }
    if (target === cursor.lastTarget) {
      cursor.at = at + 2
      return cursor.lastName
    }
  }
  copyName(cursor, 0)
  const name = wireToName(scratch, 0)
  if (target >= 0) {
    cursor.lastTarget = target
    cursor.lastName = name
  }
  return name
}

/**
 * Copies the name at the cursor, decompressed, to `scratch[to]`. Returns the position after the copy, and moves the cursor
 * behind the name.
 */
function copyName(cursor: Cursor, to: number): number {
  const { bytes, start, end } = cursor
  const limit = to + maxNameOctets
  let read = cursor.at
  let write = to
  /** Start of the current run of labels: the next pointer must point before it, which makes loops impossible. */
  let run = read
  let jumps = 0
  for (;;) {
    if (read >= end) throw malformed(cursor, 'a name runs over the end of the message')
    const length = bytes[read]
    if (length > maxLabelOctets) {
      if (length < 0xc0) throw malformed(cursor, 'a label is of an unknown kind')
      if (read + 1 >= end) throw malformed(cursor, 'a compression pointer is cut off')
      if (jumps === 0) cursor.at = read + 2
      if (++jumps > maxJumps) throw malformed(cursor, `a name has more than ${maxJumps} compression pointers`)
      read = start + (((length & 0x3f) << 8) | bytes[read + 1])
      if (read >= run) throw malformed(cursor, 'a compression pointer does not point backwards')
      if (read < start + headerOctets) throw malformed(cursor, 'a compression pointer points into the header')
      run = read
      continue
    }
    if (write + length + 1 > limit) throw malformed(cursor, 'a name is longer than 255 octets')
    if (read + length + 1 > end) throw malformed(cursor, 'a label runs over the end of the message')
    for (const last = read + length; read <= last; read++) scratch[write++] = bytes[read]
    if (length === 0) break
  }
  if (jumps === 0) cursor.at = read
  cursor.namesOctets += write - to
  if (cursor.namesOctets > maxNamesOctets) throw malformed(cursor, 'the names of the message are too long in all')
  return write
}

/** Extracts the OPT records from the additional section (RFC 6891 §6.1.1). */
function withEdns(cursor: Cursor, message: Message): Message {
  const { additional } = message
  let edns: Edns | undefined
  for (const record of additional) if (record.type === type.OPT) edns = parseEdns(cursor, record)
  if (!edns) return message
  return {
    ...message,
    additional: additional.filter((record) => record.type !== type.OPT),
    edns,
    rcode: (edns.extendedRcode << 4) | message.rcode,
  }
}

function parseEdns(cursor: Cursor, record: ResourceRecord): Edns {
  return {
    version: (record.ttl >> 16) & 0xff,
    payloadSize: record.class,
    dnssecOk: (record.ttl & 0x8000) !== 0,
    extendedRcode: record.ttl >>> 24,
    options: parseOptions(cursor, record.rdata),
  }
}

function parseOptions(cursor: Cursor, rdata: Uint8Array): readonly EdnsOption[] {
  const options: EdnsOption[] = []
  for (let at = 0; at < rdata.length; ) {
    if (at + 4 > rdata.length) throw malformed(cursor, 'an EDNS option is cut off')
    const end = at + 4 + count(rdata, at + 2)
    if (end > rdata.length) throw malformed(cursor, 'an EDNS option is longer than its record')
    options.push({ code: count(rdata, at), data: rdata.slice(at + 4, end) })
    at = end
  }
  return options
}
