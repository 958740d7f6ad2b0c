/** Records from zone-file text (RFC 1035 §5.1), one line each: the output of text.ts, and text written by people. */
import { parseAddress } from './address.ts'
import { dnsClass, type as rrType, typeName, typeNumber } from './codes.ts'
import { type Field, layoutOf, validRdata } from './layout.ts'
import type { ResourceRecord } from './message.ts'
import { nameToWire, parseName } from './name.ts'
import { parseServiceParams } from './service-params.ts'
import { characterString, join, typesBitmap, uint16, uint32 } from './values.ts'
import { splitWords, undoEscapes, type Word } from './words.ts'

/** The number of `IN` or `CLASS99`, in exactly that case. */
export function classNumber(text: string): number | undefined {
  const number = /^CLASS(\d{1,5})$/.exec(text)?.[1]
  return number === undefined ? new Map<string, number>(Object.entries(dnsClass)).get(text) : Number(number)
}

/**
 * Parses one line of zone-file text: `OWNER [TTL] [CLASS] TYPE RDATA`, TTL and class in either order, by default 3600 and IN (as
 * other DNS libraries do), names absolute with or without the closing dot. Throws RangeError or NameError.
 */
export function parseRecord(text: string): ResourceRecord {
  const words = splitWords(text)
  const owner = words.shift()
  if (!owner) throw new RangeError('a record cannot be empty')
  let ttl = 3600
  let recordClass: number | undefined
  for (; words.length > 0; words.shift()) {
    const word = words[0].text.toUpperCase()
    const asClass = classNumber(word)
    // `ANY` is both a class and a type: after a class, or at the end, it is the type.
    if (/^\d+$/.test(word)) ttl = Number(word)
    else if (asClass !== undefined && recordClass === undefined && words.length > 1) recordClass = asClass
    else break
  }
  if (ttl > 0x7fffffff) throw new RangeError(`the TTL ${ttl} is over 2147483647`)
  const typeWord = words.shift()?.text ?? ''
  const type = typeOf(typeWord)
  if (type === undefined)
    throw new RangeError(`"${text}" has no record type${typeWord && `: "${typeWord}" is unknown`}`)
  return {
    name: parseName(owner.text),
    type,
    class: recordClass ?? dnsClass.IN,
    ttl,
    rdata: parseRdata(type, words, text),
  }
}

/**
 * Parses rdata from words, all of which are consumed. `text` is quoted in errors; `nameOf` parses a name (those of a zone file
 * may be relative). Throws RangeError or NameError.
 */
export function parseRdata(
  type: number,
  words: Word[],
  text: string,
  nameOf: (text: string) => string = parseName,
): Uint8Array {
  const rdata = rdataOf(type, words, text, nameOf)
  if (rdata.length > maxRdataOctets)
    throw new RangeError(`the rdata has ${rdata.length} octets: at most ${maxRdataOctets} are possible`)
  return rdata
}

/** RFC 1035 §3.2.1: RDLENGTH has 16 bits. */
const maxRdataOctets = 65_535

function rdataOf(type: number, words: Word[], text: string, nameOf: (text: string) => string): Uint8Array {
  if (words[0]?.text === '\\#') return parseGeneric(type, words, text)
  const layout = layoutOf(type)
  if (layout && isServiceBinding(type)) {
    const fixed = layout.fields.slice(0, 2).map((field) => parseField(field, words, text, nameOf))
    return join(...fixed, parseServiceParams(words.splice(0)))
  }
  if (!layout || layout.fields.includes('opaque')) {
    throw new RangeError(`rdata of type ${typeName(type)} must be written as \\# LENGTH HEX (RFC 3597)`)
  }
  const parts = layout.fields.map((field) => parseField(field, words, text, nameOf))
  if (words.length > 0)
    throw new RangeError(`"${text}" has more words than ${typeName(type)} takes: "${words[0].text}"`)
  return join(...parts)
}

/** The rest of the line without blanks. */
const restOf = (words: Word[]): string =>
  words
    .splice(0)
    .map((word) => word.text)
    .join('')

/** RFC 3597 §5: `\\# LENGTH HEX…`, for any type. */
function parseGeneric(type: number, words: Word[], text: string): Uint8Array {
  words.shift()
  const length = words.shift()?.text
  const octets = fromHex(restOf(words))
  if (!octets || String(octets.length) !== length) throw new RangeError(`"${text}": \\# LENGTH HEX do not agree`)
  if (!validRdata(type, octets)) throw new RangeError(`"${text}" is not rdata of type ${typeName(type)}`)
  return octets
}

function fromHex(text: string): Uint8Array | undefined {
  return /^([0-9a-fA-F]{2})*$/.test(text) ? Uint8Array.from(Buffer.from(text, 'hex')) : undefined
}

function parseField(field: Field, words: Word[], text: string, nameOf: (text: string) => string): Uint8Array {
  const take = (): Word => {
    const word = words.shift()
    if (!word) throw new RangeError(`"${text}" ends too early`)
    return word
  }
  const bad = (what: string): RangeError => new RangeError(`"${text}": ${what}`)
  switch (field) {
    case 'a':
    case 'aaaa': {
      const octets = parseAddress(take().text)
      if (octets?.length !== (field === 'a' ? 4 : 16)) throw bad(`not an IPv${field === 'a' ? 4 : 6} address`)
      return octets
    }
    case 'u8':
    case 'u16':
    case 'u32': {
      const word = take().text
      const limit = { u8: 0xff, u16: 0xffff, u32: 0xffffffff }[field]
      if (!/^\d+$/.test(word) || Number(word) > limit) throw bad(`"${word}" is not a number from 0 to ${limit}`)
      const octets = uint32(Number(word))
      return octets.slice({ u8: 3, u16: 2, u32: 0 }[field])
    }
    case 'type': {
      const word = take().text
      const number = typeOf(word)
      if (number === undefined) throw bad(`"${word}" is not a record type`)
      return uint16(number)
    }
    case 'time':
      return parseTime(take().text, bad)
    case 'name':
      return nameToWire(nameOf(take().text))
    case 'string':
      return characterString(undoEscapes(take().text))
    case 'strings':
      return join(...[take(), ...words.splice(0)].flatMap(({ text }) => splitText(undoEscapes(text))))
    case 'text':
      return undoEscapes(take().text)
    case 'types': {
      const numbers = words.splice(0).map((word) => typeOf(word.text))
      if (numbers.includes(undefined)) throw bad('a word of the type list is not a record type')
      return typesBitmap(numbers.filter((number) => number !== undefined))
    }
    case 'base64':
      return Uint8Array.from(Buffer.from(restOf(words), 'base64'))
    case 'hex':
    case 'opaque': {
      const octets = fromHex(restOf(words))
      if (!octets) throw bad('odd or wrong hexadecimal digits')
      return octets
    }
  }
}

/** A text too long for one character string is split, and readers join it (RFC 7208 §3.3). */
function splitText(octets: Uint8Array): Uint8Array[] {
  const strings = [characterString(octets.subarray(0, 255))]
  for (let at = 255; at < octets.length; at += 255) strings.push(characterString(octets.subarray(at, at + 255)))
  return strings
}

function parseTime(text: string, bad: (what: string) => RangeError): Uint8Array {
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(text)?.slice(1).map(Number)
  if (!parts) throw bad(`"${text}" is not a time: write YYYYMMDDHHmmSS`)
  return uint32(Date.UTC(parts[0], parts[1] - 1, parts[2], parts[3], parts[4], parts[5]) / 1000)
}

const isServiceBinding = (number: number): boolean => number === rrType.SVCB || number === rrType.HTTPS

/** In any case. One type name has lower-case letters: `Reserved`. */
const typeOf = (word: string): number | undefined => typeNumber(word) ?? typeNumber(word.toUpperCase())
