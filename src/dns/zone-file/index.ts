/**
 * Parses a zone file (RFC 1035 §5): $ORIGIN, $TTL, $INCLUDE, $GENERATE, relative names, TTLs with units. Records are yielded
 * one by one, so that a large file can be read in slices.
 */
import { dnsClass, isZoneType, type, typeName, typeNumber } from '../codes.ts'
import type { ResourceRecord } from '../message.ts'
import { lowerName, NameError, parseName } from '../name.ts'
import { classNumber, parseRdata } from '../record-text.ts'
import { readSoa } from '../values.ts'
import type { Word } from '../words.ts'
import { type Entry, entriesOf, ZoneFileError } from './entries.ts'
import { generatedEntries } from './generate.ts'

export { ZoneFileError } from './entries.ts'

/** Nesting limit of included files, as in CoreDNS. */
const maxIncludeDepth = 7

export interface ZoneFileOptions {
  /** Lower case and absolute: the first origin, and the owner of its SOA. */
  readonly zone: string
  /** The file's name in errors. */
  readonly file: string
  /** Maximum records, including generated and included ones; absent: no limit. */
  readonly maxRecords?: number | undefined
  /** The text of the file that `$INCLUDE` in `file` names. Throws RangeError if it cannot be read. */
  include(path: string, file: string): ZoneText
}

export interface ZoneText {
  readonly file: string
  /** The text in pieces of whole lines. */
  readonly pieces: Iterable<string>
}

/** State of reading one file of a zone. */
interface Reading {
  readonly file: string
  readonly depth: number
  origin: string
  owner: string | undefined
  /** The TTL of records without one: $TTL, or the previous record's (RFC 2308 §4, RFC 1035 §5.1). */
  ttl: number | undefined
  ttlIsSet: boolean
}

interface Zone extends ZoneFileOptions {
  records: number
  hasSoa: boolean
}

/**
 * The records of the zone, in the order of the file; names in their own case, class IN. Throws ZoneFileError and nothing else,
 * also when there is no SOA or it does not belong to the zone.
 */
export function* zoneRecords(
  pieces: Iterable<string>,
  options: ZoneFileOptions,
): Generator<ResourceRecord, void, undefined> {
  const zone: Zone = { ...options, records: 0, hasSoa: false }
  const { file } = options
  const lines = yield* recordsOf(zone, pieces, {
    file,
    depth: 0,
    origin: options.zone,
    owner: undefined,
    ttl: undefined,
    ttlIsSet: false,
  })
  if (!zone.hasSoa) throw new ZoneFileError(file, lines, `there is no SOA record of ${zone.zone}`)
}

/** Returns the number of lines. */
function* recordsOf(
  zone: Zone,
  pieces: Iterable<string>,
  reading: Reading,
): Generator<ResourceRecord, number, undefined> {
  const entries = entriesOf(pieces, reading.file)
  try {
    for (;;) {
      const { done, value: entry } = entries.next()
      if (done) return entry
      try {
        yield* entryRecords(zone, entry, reading)
      } catch (error) {
        if (!(error instanceof RangeError || error instanceof NameError)) throw error
        throw new ZoneFileError(reading.file, entry.line, error.message)
      }
    }
  } finally {
    // A consumer that stops early causes the underlying file to be closed.
    entries.return(0)
  }
}

function* entryRecords(zone: Zone, entry: Entry, reading: Reading): Generator<ResourceRecord, void, undefined> {
  const [first, ...rest] = entry.words
  if (entry.indented || first.quoted || !first.text.startsWith('$')) {
    yield counted(zone, recordOf(entry.words, entry.indented, zone, reading))
    return
  }
  const directive = first.text.toUpperCase()
  if (directive === '$INCLUDE') yield* included(zone, rest, reading)
  else if (directive === '$GENERATE') {
    for (const words of generatedEntries(rest)) yield counted(zone, recordOf(words, false, zone, reading))
  } else setDirective(directive, rest, reading)
}

function setDirective(directive: string, words: readonly Word[], reading: Reading): void {
  if (words.length !== 1) throw new RangeError(`${directive} must have one argument`)
  const [{ text }] = words
  if (directive === '$ORIGIN') reading.origin = absoluteName(text, reading.origin)
  else if (directive === '$TTL') {
    reading.ttl = requiredTtl(text)
    reading.ttlIsSet = true
  } else throw new RangeError(`the directive ${directive} is unknown: write $ORIGIN, $TTL, $INCLUDE or $GENERATE`)
}

/** After it, the including file's origin applies again (RFC 1035 §5.1). */
function* included(zone: Zone, words: readonly Word[], reading: Reading): Generator<ResourceRecord, void, undefined> {
  if (words.length < 1 || words.length > 2) throw new RangeError('$INCLUDE must have a file, and may have an origin')
  if (reading.depth === maxIncludeDepth) throw new RangeError(`$INCLUDE is nested deeper than ${maxIncludeDepth} files`)
  const origin = words.length === 2 ? absoluteName(words[1].text, reading.origin) : reading.origin
  const { file, pieces } = zone.include(words[0].text, reading.file)
  yield* recordsOf(zone, pieces, { ...reading, file, depth: reading.depth + 1, origin })
}

function counted(zone: Zone, record: ResourceRecord): ResourceRecord {
  zone.records++
  if (zone.maxRecords !== undefined && zone.records > zone.maxRecords)
    throw new RangeError(`the zone has more than ${zone.maxRecords} records`)
  return record
}

function recordOf(entry: readonly Word[], indented: boolean, zone: Zone, reading: Reading): ResourceRecord {
  const words = [...entry]
  if (!indented) reading.owner = absoluteName((words.shift() as Word).text, reading.origin)
  if (reading.owner === undefined) throw new RangeError('the first record must have an owner')
  const name = reading.owner
  const { ttl, rrType } = ttlAndType(words)
  const text = entry
    .map((word) => word.text)
    .join(' ')
    .slice(0, 200)
  if (rrType === type.SOA) withSeconds(words)
  const rdata = parseRdata(rrType, words, text, (target) => absoluteName(target, reading.origin))
  if (rrType === type.SOA) checkSoa(name, zone)
  if (rrType === type.NSEC3 || rrType === type.NSEC3PARAM)
    throw new RangeError(`${typeName(rrType)} is not supported: sign the zone with NSEC`)
  return { name, type: rrType, class: dnsClass.IN, ttl: ttlOf(ttl, rrType, rdata, reading), rdata }
}

function ttlOf(ttl: number | undefined, rrType: number, rdata: Uint8Array, reading: Reading): number {
  const known = ttl ?? reading.ttl ?? (rrType === type.SOA ? readSoa(rdata).minimum : undefined)
  if (known === undefined) throw new RangeError('the record has no TTL, and there is no $TTL before it')
  if (!reading.ttlIsSet) reading.ttl = known
  return Math.min(known, maxTtl)
}

/** Takes `[TTL] [CLASS] TYPE`, TTL and class in either order. */
function ttlAndType(words: Word[]): { readonly ttl: number | undefined; readonly rrType: number } {
  let ttl: number | undefined
  let word = (words.shift()?.text ?? '').toUpperCase()
  for (let next = 0; next < 2; next++) {
    const recordClass = classNumber(word)
    if (recordClass !== undefined && recordClass !== dnsClass.IN)
      throw new RangeError(`the class must be IN, not ${word}`)
    const seconds = recordClass === undefined ? parseTtl(word) : undefined
    if (recordClass === undefined && seconds === undefined) break
    ttl = seconds ?? ttl
    word = (words.shift()?.text ?? '').toUpperCase()
  }
  const rrType = typeNumber(word)
  if (rrType === undefined)
    throw new RangeError(word === '' ? 'the record has no type' : `"${word}" is not a record type`)
  if (!isZoneType(rrType)) throw new RangeError(`${word} cannot be in a zone`)
  return { ttl, rrType }
}

function checkSoa(owner: string, zone: Zone): void {
  if (lowerName(owner) !== zone.zone) throw new RangeError(`the SOA of ${owner} must be owned by the zone ${zone.zone}`)
  if (zone.hasSoa) throw new RangeError(`the zone ${zone.zone} has a second SOA`)
  zone.hasSoa = true
}

/** RFC 2181 §8. */
const maxTtl = 0x7fffffff

const secondsOf: Readonly<Record<string, number>> = { S: 1, M: 60, H: 3600, D: 86_400, W: 604_800 }

/** Seconds of `3600`, `1h30m` or `2W`; undefined for an invalid time. */
function parseTtl(text: string): number | undefined {
  if (!/^(?:\d{1,10}[smhdw])*\d{0,10}$/i.test(text) || text === '') return undefined
  const parts = [...text.toUpperCase().matchAll(/(\d+)([SMHDW]?)/g)]
  const seconds = parts.reduce((sum, [, number, unit]) => sum + Number(number) * secondsOf[unit || 'S'], 0)
  return seconds <= 0xffffffff ? seconds : undefined
}

function requiredTtl(text: string): number {
  const seconds = parseTtl(text)
  if (seconds === undefined) throw new RangeError(`"${text}" is not a TTL: write seconds, or 1h30m`)
  return seconds
}

/** Converts times of an SOA that have units. */
function withSeconds(words: Word[]): void {
  for (let at = 3; at < Math.min(words.length, 7); at++) {
    const seconds = parseTtl(words[at].text)
    if (seconds !== undefined) words[at] = { text: String(seconds), quoted: false }
  }
}

function absoluteName(text: string, origin: string): string {
  if (text === '@') return origin
  if (text === '.') return '.'
  const isAbsolute = text.endsWith('.') && (/\\*(?=\.$)/.exec(text)?.[0].length ?? 0) % 2 === 0
  if (isAbsolute) return parseName(text)
  return parseName(origin === '.' ? `${text}.` : `${text}.${origin}`)
}
