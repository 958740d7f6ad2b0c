/**
 * Domain names. In memory a name is an absolute presentation string (`www.example.com.`, `.` for the root) in which each octet
 * has exactly one spelling: printable octets stand for themselves, the nine that are special in zone files are escaped with
 * a backslash, all others are `\DDD` (RFC 1035 §5.1). Names that are equal including case are equal strings.
 */

/** An invalid name; the message says why. */
export class NameError extends Error {
  constructor(message: string) {
    // Whoever asks for a name that `rewrite` makes too long chooses that there is an error: as ParseError's, without a stack trace.
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    super(message)
    Error.stackTraceLimit = stackTraceLimit
    this.name = 'NameError'
  }
}

/** RFC 1035 §2.3.4: 63 octets per label; 255 per name, including length octets and the root. */
export const maxLabelOctets = 63
export const maxNameOctets = 255

const DOT = 0x2e
const BACKSLASH = 0x5c

/** How an octet is spelled inside a label. Valid values: 0 plain, 1 after a backslash, 2 as `\DDD`. */
const spelling = new Uint8Array(256)
for (let octet = 0; octet < 256; octet++) {
  if (octet < 0x20 || octet > 0x7e) spelling[octet] = 2
  else if ('. \'@;()"\\'.includes(String.fromCharCode(octet))) spelling[octet] = 1
}

/** A name of 255 octets is spelled with at most four characters per octet. */
const spelled = Buffer.alloc(4 * maxNameOctets)
const wireScratch = new Uint8Array(maxNameOctets)

/**
 * The absolute name in `text`, with or without a closing dot, in canonical spelling and unchanged case. Characters beyond
 * ASCII stand for their UTF-8 octets. Throws NameError.
 */
export function parseName(text: string): string {
  if (text === '') throw new NameError('a name cannot be empty (the root is written ".")')
  const ascii = /^[\0-\x7f]*$/.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1')
  const absolute = endsInDot(ascii) ? ascii : `${ascii}.`
  writeName(absolute, wireScratch, 0)
  return wireToName(wireScratch, 0)
}

/** Whether the last dot closes the name; `\.` at the end does not. */
function endsInDot(text: string): boolean {
  return text.endsWith('.') && !isEscaped(text, text.length - 1)
}

/** Whether the character at `at` is preceded by an odd number of backslashes. */
function isEscaped(text: string, at: number): boolean {
  let backslashes = 0
  while (at - backslashes > 0 && text.charCodeAt(at - backslashes - 1) === BACKSLASH) backslashes++
  return backslashes % 2 === 1
}

/** The name's octets, uncompressed. Throws NameError when a label or the name is too long. */
export function nameToWire(name: string): Uint8Array {
  return wireScratch.slice(0, writeName(name, wireScratch, 0))
}

/** Octets of the absolute name when uncompressed. */
export function nameOctets(name: string): number {
  if (name === '.') return 1
  let octets = name.length + 1
  for (let at = name.indexOf('\\'); at >= 0; ) {
    const characters = isDigit(name.charCodeAt(at + 1)) ? 4 : 2
    octets -= characters - 1
    at = name.indexOf('\\', at + characters)
  }
  return octets
}

/** Writes the name uncompressed at `out[at]`, where 255 octets must be free; returns the position after it. */
export function writeName(name: string, out: Uint8Array, at: number): number {
  if (name === '.') {
    out[at] = 0
    return at + 1
  }
  const limit = at + maxNameOctets - 1
  let labelAt = at
  let write = at + 1
  for (let read = 0; read < name.length; read++) {
    let octet = name.charCodeAt(read)
    if (octet === DOT) {
      const length = write - labelAt - 1
      if (length === 0) throw new NameError(`"${name}" has an empty label`)
      if (length > maxLabelOctets) throw new NameError(`"${name}" has a label of more than 63 octets`)
      out[labelAt] = length
      labelAt = write++
      if (labelAt > limit) throw new NameError(`"${name}" is longer than 255 octets`)
      continue
    }
    if (octet === BACKSLASH) {
      octet = escapedOctet(name, read)
      read += isDigit(name.charCodeAt(read + 1)) ? 3 : 1
    }
    if (write > limit) throw new NameError(`"${name}" is longer than 255 octets`)
    out[write++] = octet
  }
  if (labelAt !== write - 1) throw new NameError(`"${name}" is not absolute: it has no closing dot`)
  out[labelAt] = 0
  return write
}

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39

/** The octet of the escape at `text[at]`: `\DDD`, or `\X` for X itself. */
function escapedOctet(text: string, at: number): number {
  const next = text.charCodeAt(at + 1)
  if (Number.isNaN(next)) throw new NameError(`"${text}" ends in a backslash`)
  if (!isDigit(next)) return next
  const [tens, ones] = [text.charCodeAt(at + 2), text.charCodeAt(at + 3)]
  const octet = 100 * (next - 0x30) + 10 * (tens - 0x30) + ones - 0x30
  // At the end of the text these are NaN, which is not a digit either.
  if (!isDigit(tens) || !isDigit(ones) || octet > 255) {
    throw new NameError(`"${text}" has an escape that is not \\DDD with DDD from 000 to 255`)
  }
  return octet
}

/** The name whose uncompressed octets begin at `bytes[at]`. They must be valid: see `nameEnd`. */
export function wireToName(bytes: Uint8Array, at: number): string {
  let read = at
  let length = bytes[read++]
  if (length === 0) return '.'
  let write = 0
  while (length > 0) {
    for (const end = read + length; read < end; read++) {
      const octet = bytes[read]
      const how = spelling[octet]
      if (how === 2) write = writeDecimal(octet, write)
      else {
        if (how === 1) spelled[write++] = BACKSLASH
        spelled[write++] = octet
      }
    }
    spelled[write++] = DOT
    length = bytes[read++]
  }
  return spelled.toString('latin1', 0, write)
}

function writeDecimal(octet: number, at: number): number {
  spelled[at] = BACKSLASH
  spelled[at + 1] = 0x30 + Math.floor(octet / 100)
  spelled[at + 2] = 0x30 + (Math.floor(octet / 10) % 10)
  spelled[at + 3] = 0x30 + (octet % 10)
  return at + 4
}

/** The position after the uncompressed name at `bytes[at]`, or -1 if no valid name ends before `end`. */
export function nameEnd(bytes: Uint8Array, at: number, end: number): number {
  for (let read = at; read < end && read - at < maxNameOctets; read += bytes[read] + 1) {
    if (bytes[read] === 0) return read + 1
    if (bytes[read] > maxLabelOctets) return -1
  }
  return -1
}

/** ASCII letters in lower case (RFC 4343); everything else unchanged. */
export const lowerName = (name: string): string => name.toLowerCase()

/** Whether `child` is `parent` or below it. Both lower case and absolute. */
export function isSubdomain(parent: string, child: string): boolean {
  if (parent === '.') return true
  if (!child.endsWith(parent)) return false
  if (child.length === parent.length) return true
  const dot = child.length - parent.length - 1
  return child.charCodeAt(dot) === DOT && !isEscaped(child, dot)
}

/** The innermost of the zones that contains the name. All lower case and absolute. */
export function innermostZone(zones: Iterable<string>, name: string): string | undefined {
  let innermost: string | undefined
  for (const zone of zones)
    if (isSubdomain(zone, name) && (innermost === undefined || zone.length > innermost.length)) innermost = zone
  return innermost
}

/** The absolute name of `left` (labels without a closing dot) below `zone`. */
export const below = (left: string, zone: string): string => (zone === '.' ? `${left}.` : `${left}.${zone}`)

/** The labels from left to right, in the name's spelling; none for the root. */
export function labelsOf(name: string): string[] {
  if (name === '.') return []
  if (!name.includes('\\')) return name.slice(0, -1).split('.')
  const labels: string[] = []
  for (let start = 0; start < name.length; ) {
    const dot = labelEnd(name, start)
    labels.push(name.slice(start, dot))
    start = dot + 1
  }
  return labels
}

/** The position of the dot that closes the label starting at `from`, in an absolute name. */
export function labelEnd(name: string, from: number): number {
  let at = from
  while (at < name.length && name.charCodeAt(at) !== DOT) at += name.charCodeAt(at) === BACKSLASH ? 2 : 1
  return at
}

/** The name without its first label; the root's parent is the root. */
export function parentOf(name: string): string {
  if (name === '.') return '.'
  return name.slice(labelEnd(name, 0) + 1) || '.'
}

/** The last labels of an absolute name, at most so many: the root for 0. */
export function lastLabels(name: string, most: number): string {
  let left = most
  for (let at = name.length - 1; at >= 0; at--)
    if (name.charCodeAt(at) === DOT && !isEscaped(name, at) && left-- === 0) return name.slice(at + 1) || '.'
  return name
}
