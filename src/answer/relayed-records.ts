/**
 * Reads an upstream's reply without copying it: whether it is complete and has only the records that the data plane can
 * pass on unchanged, and the facts needed to do so. Anything unusual is left to the plugin chain, which parses it.
 */
import { rcode, type } from '../dns/codes.ts'
import { readUint32 } from '../dns/values.ts'

/** Facts about the reply read last; offsets are in its memory. */
export interface RelayedRecords {
  /** Where the records end: the message without its OPT. */
  end: number
  answers: number
  authorities: number
  /** Without the OPT. */
  additionals: number
  hasOpt: boolean
  /** Octets of the OPT's options, which begin 11 octets after `end`; -1 when malformed or the version is not 0. */
  optionOctets: number
  dnssecOk: boolean
  /** NXDOMAIN or NODATA, with an SOA. */
  denial: boolean
  lowestTtl: number
  /** Octets without name compression. */
  octets: number
  /** Offsets of the records' TTLs, in their order. */
  readonly ttlAt: Int32Array
  records: number
  /** Runs of addresses that may be permuted: offset of the first record, octets of a record, number of records. */
  readonly runs: Int32Array
  runCount: number
}

/** Replies with more records are left to the chain. */
const maxRecords = 128
const headerOctets = 12
const maxNameOctets = 255
const maxJumps = 127

export const createRelayedRecords = (): RelayedRecords => ({
  end: 0,
  answers: 0,
  authorities: 0,
  additionals: 0,
  hasOpt: false,
  optionOctets: 0,
  dnssecOk: false,
  denial: false,
  lowestTtl: 0,
  octets: 0,
  ttlAt: new Int32Array(maxRecords),
  records: 0,
  runs: new Int32Array(9),
  runCount: 0,
})

/** Uncompressed octets of the name passed by the last `skipName`. */
let nameOctets = 0

/** Position after the name at `at`, or -1 when malformed. A pointer must point backwards, into the message. */
function skipName(bytes: Uint8Array, start: number, at: number, end: number): number {
  let after = -1
  let run = at
  let jumps = 0
  let octets = 1
  let read = at
  for (;;) {
    if (read >= end) return -1
    const length = bytes[read]
    if (length === 0) break
    if (length > 63) {
      if (length < 0xc0 || read + 1 >= end || ++jumps > maxJumps) return -1
      if (after < 0) after = read + 2
      read = start + (((length & 0x3f) << 8) | bytes[read + 1])
      if (read >= run || read < start + headerOctets) return -1
      run = read
      continue
    }
    octets += length + 1
    if (octets > maxNameOctets) return -1
    read += length + 1
  }
  nameOctets = octets
  return after < 0 ? read + 1 : after
}

const u16 = (bytes: Uint8Array, at: number): number => (bytes[at] << 8) | bytes[at + 1]

/** Uncompressed octets of the rdata, or -1 when it is malformed or of an unsupported type. */
function rdataOctets(bytes: Uint8Array, start: number, kind: number, at: number, end: number): number {
  const octets = end - at
  switch (kind) {
    case type.A:
      return octets === 4 ? 4 : -1
    case type.AAAA:
      return octets === 16 ? 16 : -1
    case type.CNAME:
    case type.NS:
    case type.PTR:
      return skipName(bytes, start, at, end) === end ? nameOctets : -1
    case type.MX:
      return octets > 2 && skipName(bytes, start, at + 2, end) === end ? nameOctets + 2 : -1
    case type.SRV:
      return octets > 6 && skipName(bytes, start, at + 6, end) === end ? nameOctets + 6 : -1
    case type.SOA:
      return soaOctets(bytes, start, at, end)
    case type.TXT:
      return areStrings(bytes, at, end) ? octets : -1
    default:
      return -1
  }
}

function soaOctets(bytes: Uint8Array, start: number, at: number, end: number): number {
  const second = skipName(bytes, start, at, end)
  if (second < 0) return -1
  const first = nameOctets
  const numbers = skipName(bytes, start, second, end)
  return numbers >= 0 && numbers + 20 === end ? first + nameOctets + 20 : -1
}

/** RFC 1035 §3.3.14: one or more character-strings. */
function areStrings(bytes: Uint8Array, from: number, end: number): boolean {
  let at = from
  while (at < end) at += bytes[at] + 1
  return at === end && end > from
}

/** RFC 6891 §6.1.2: a sequence of complete options. */
function areOptions(bytes: Uint8Array, from: number, end: number): boolean {
  let at = from
  while (at + 4 <= end) at += 4 + u16(bytes, at + 2)
  return at === end
}

/** The order in which `loadbalance` puts the records of a section: CNAMEs, others, addresses, MX. */
const place = (kind: number): number => {
  if (kind === type.CNAME) return 0
  if (kind === type.A || kind === type.AAAA) return 2
  return kind === type.MX ? 3 : 1
}

/**
 * Reads the records after the question, which ends at `questionEnd`. False when the reply is left to the chain: it is
 * malformed, has too many or unsupported records, or no answer to a question of type `asked`.
 * `ordered`: addresses will be permuted, so the records must already stand in `loadbalance`'s order.
 */
export function readRelayed(
  x: RelayedRecords,
  bytes: Uint8Array,
  start: number,
  questionEnd: number,
  end: number,
  asked: number,
  ordered: boolean,
): boolean {
  x.answers = u16(bytes, start + 6)
  x.authorities = u16(bytes, start + 8)
  x.additionals = u16(bytes, start + 10)
  const all = x.answers + x.authorities + x.additionals
  if (all > maxRecords) return false
  x.records = 0
  x.runCount = 0
  x.hasOpt = false
  x.optionOctets = 0
  x.dnssecOk = false
  x.lowestTtl = 0xffffffff
  x.octets = questionEnd - start
  const code = bytes[start + 3] & 15
  let at = questionEnd
  let finished = false
  let hasSoa = false
  let before = 0
  let runAt = -1
  let runRecord = 0
  let runLength = 0
  for (let i = 0; i < all; i++) {
    const section = i < x.answers ? 0 : i < x.answers + x.authorities ? 1 : 2
    if (i === 0 || i === x.answers || i === x.answers + x.authorities) {
      before = 0
      if (!closeRun(x, runAt, runRecord, runLength)) return false
      runAt = -1
    }
    const fixed = skipName(bytes, start, at, end)
    if (fixed < 0 || fixed + 10 > end) return false
    const kind = u16(bytes, fixed)
    const octets = u16(bytes, fixed + 8)
    const next = fixed + 10 + octets
    if (next > end) return false
    if (kind === type.OPT) {
      // It must be the last record: then no pointer can lead behind it.
      if (i !== all - 1 || section !== 2 || bytes[at] !== 0) return false
      x.hasOpt = true
      x.dnssecOk = (bytes[fixed + 6] & 0x80) !== 0
      x.optionOctets = bytes[fixed + 5] === 0 && areOptions(bytes, fixed + 10, next) ? octets : -1
      // Upper bits of an extended rcode.
      if (bytes[fixed + 4] !== 0) return false
      x.additionals--
      break
    }
    const owner = nameOctets
    if (u16(bytes, fixed + 2) !== 1) return false
    const rdata = rdataOctets(bytes, start, kind, fixed + 10, next)
    // RFC 2181 §8: a TTL with the top bit set counts as zero. The chain handles it.
    if (rdata < 0 || bytes[fixed + 4] > 127) return false
    x.octets += owner + 10 + rdata
    x.lowestTtl = Math.min(x.lowestTtl, readUint32(bytes, fixed + 4))
    x.ttlAt[x.records++] = fixed + 4
    if (section === 0 && kind !== type.CNAME) finished = true
    if (section === 1 && kind === type.SOA) hasSoa = true
    if (ordered) {
      const now = place(kind)
      if (now < before || (now === 3 && before === 3)) return false
      if (now === 2) {
        if (runAt >= 0 && !sameOwnerAndType(bytes, runAt, at, fixed - at)) return false
        if (runAt < 0) {
          runAt = at
          runRecord = next - at
          runLength = 0
        }
        if (next - at !== runRecord) return false
        runLength++
      }
      before = now
    }
    at = next
  }
  if (!closeRun(x, runAt, runRecord, runLength)) return false
  x.end = at
  x.denial = hasSoa && x.answers === 0
  if (code === rcode.NXDOMAIN) return x.denial
  // `cache` treats CNAMEs without a final answer, answers with an SOA, and delegations differently.
  return x.answers > 0 ? !hasSoa && (finished || asked === type.CNAME) : x.denial
}

function closeRun(x: RelayedRecords, at: number, octets: number, length: number): boolean {
  if (at < 0 || length < 2) return true
  x.runs[x.runCount * 3] = at
  x.runs[x.runCount * 3 + 1] = octets
  x.runs[x.runCount * 3 + 2] = length
  x.runCount++
  return true
}

/** Owner, type and class of two records; their owners are written alike. */
function sameOwnerAndType(bytes: Uint8Array, one: number, other: number, owner: number): boolean {
  for (let i = 0; i < owner + 4; i++) if (bytes[one + i] !== bytes[other + i]) return false
  return true
}
