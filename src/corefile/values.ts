/**
 * Kinds of values: each parses one word, or says what was expected instead. Rows of options (read.ts) are made of them.
 * They are as lax or strict as Go's own parsers, which CoreDNS uses.
 */
import { isIP } from 'node:net'
import { type Network, parseIp, parseNetwork } from './address.ts'
import { suggestion } from './nearest.ts'
import { ConfigError, type Token } from './schema.ts'

/** A kind of value. */
export interface Kind<T> {
  /** Completes "is not …": `an integer from 0 to 3600`. */
  readonly expected: string
  /** The words of an enumeration, of which the nearest is named in the error. */
  readonly words?: readonly string[]
  /** The value, or undefined when the word is invalid. */
  parse(text: string): T | undefined
}

/** Reads one word. `of` names its option in the error: `'5x' is not an integer, which 'ttl' requires`. */
export function value<T>(kind: Kind<T>, token: Token, of: string): T {
  const parsed = kind.parse(token.text)
  if (parsed !== undefined) return parsed
  const hint = suggestion(token.text, kind.words ?? []) || braceHint(token)
  throw new ConfigError(`'${token.text}' is not ${kind.expected}, which '${of}' requires${hint}`, token.at)
}

/** What to do where a brace that was meant to open or close a body became an argument, or a part of one. */
export function braceHint(token: Token | undefined): string {
  if (token?.text === '}') return " ('}' needs a line of its own)"
  return token?.text.endsWith('{') && !token.quoted ? " (a space is missing before '{')" : ''
}

/** Any word. */
export const text: Kind<string> = { expected: 'a word', parse: (word) => word }

/** A kind whose value passes one more test: `where(text, 'a file name', (name) => name !== '')`. */
export function where<T>(kind: Kind<T>, expected: string, holds: (value: T) => boolean): Kind<T> {
  return {
    expected,
    parse(word) {
      const parsed = kind.parse(word)
      return parsed !== undefined && holds(parsed) ? parsed : undefined
    },
  }
}

interface Range {
  readonly min?: number
  readonly max?: number
}

const int64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n }

/** As Go's strconv.Atoi: decimal digits of 64 bits, perhaps a sign. Both bounds are included. */
export function integer(range: Range = {}): Kind<number> {
  return {
    expected: `an integer${rangeText(range, String)}`,
    parse: (word) => (isInteger(word) ? within(range, Number(word)) : undefined),
  }
}

/** Whether Go's strconv.Atoi takes the word. Where the digits are many it decides to the last one. */
export function isInteger(word: string): boolean {
  if (!/^[+-]?\d{1,64}$/.test(word)) return false
  const number = BigInt(word.replace('+', ''))
  return number >= int64.min && number <= int64.max
}

/** As Go's strconv.ParseUint, which takes no sign. */
export function unsigned(range: Range): Kind<number> {
  const { expected, parse } = integer({ min: 0, ...range })
  return { expected, parse: (word) => (/^\d/.test(word) ? parse(word) : undefined) }
}

/** A number as Go's strconv.ParseFloat reads it, of 32 bits: decimal or hexadecimal, perhaps with an exponent. */
export function float(range: Range = {}): Kind<number> {
  return {
    expected: `a number${rangeText(range, String)}`,
    parse(word) {
      const number = parseFloat32(word)
      return number === undefined || Number.isNaN(number) ? number : within(range, number)
    },
  }
}

/** The largest number that rounds to one of 32 bits. */
const maxFloat32 = (2 - 2 ** -24) * 2 ** 127

function parseFloat32(word: string): number | undefined {
  const sign = word.startsWith('-') ? -1 : 1
  const text = word.replace(/^[+-]/, '').toLowerCase()
  if (text === 'inf' || text === 'infinity') return sign * Number.POSITIVE_INFINITY
  if (text === 'nan' && text.length === word.length) return Number.NaN
  if (/^_|_$|__|_[.ep]|[.ep+-]_/.test(text)) return undefined
  const digits = text.replaceAll('_', '')
  const hex = /^0x([\da-f]*)\.?([\da-f]*)p([+-]?\d+)$/.exec(digits)
  if (hex === null && !/^(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/.test(digits)) return undefined
  const number = hex === null ? Number(digits) : hexNumber(hex)
  return number !== undefined && number < maxFloat32 ? sign * number : undefined
}

function hexNumber([, whole, fraction, exponent]: RegExpExecArray): number | undefined {
  const digits = whole + fraction
  return digits === '' ? undefined : Number(`0x${digits}`) * 2 ** (Number(exponent) - 4 * fraction.length)
}

const nanosecond = 1e-6
/** Milliseconds of each unit that Go's time.ParseDuration knows. */
const units: Readonly<Record<string, number>> = {
  ns: nanosecond,
  us: 1e-3,
  '\u00b5s': 1e-3,
  '\u03bcs': 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}
/** Go counts nanoseconds in 63 bits: about 292 years. */
const maxDuration = 2 ** 63 * nanosecond

/** A Go duration (`5s`, `1h30m`, `0`) in milliseconds; bounds in milliseconds, both included. */
export function duration(range: Range = {}): Kind<number> {
  return {
    expected: `a duration with units (500ms, 5s, 1h30m)${rangeText(range, durationText)}`,
    parse(word) {
      const milliseconds = parseDuration(word)
      return milliseconds === undefined ? undefined : within(range, milliseconds)
    },
  }
}

/** A Go duration in milliseconds, or undefined. */
export function parseDuration(word: string): number | undefined {
  const [, sign, amount] = /^([+-]?)(.*)$/s.exec(word)!
  if (amount === '0') return 0
  if (!/^((\d+\.?\d*|\.\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h))+$/.test(amount)) return undefined
  let sum = 0
  for (const [, number, unit] of amount.matchAll(/([\d.]+)(\D+)/g)) sum += Number(number) * units[unit]
  if (sum > maxDuration) return undefined
  return sign === '-' ? 0 - sum : sum
}

/** Milliseconds as Go prints durations: `1h30m0s`, `500ms`. */
export function durationText(milliseconds: number): string {
  if (milliseconds === 0) return '0s'
  if (Math.abs(milliseconds) < 1000) return `${milliseconds}ms`
  const seconds = Math.abs(milliseconds) / 1000
  const hours = Math.floor(seconds / 3600)
  const minutes = Math.floor(seconds / 60) % 60
  const rest = `${Number((seconds % 60).toFixed(9))}s`
  const parts = hours > 0 ? `${hours}h${minutes}m` : minutes > 0 ? `${minutes}m` : ''
  return `${milliseconds < 0 ? '-' : ''}${parts}${rest}`
}

/** One of a few words, in their own case unless `ignoreCase`. */
export function oneOf<const Words extends readonly string[]>(
  words: Words,
  options: { readonly ignoreCase?: boolean } = {},
): Kind<Words[number]> {
  return {
    words,
    expected: words.length === 1 ? `'${words[0]}'` : `one of ${words.map((word) => `'${word}'`).join(', ')}`,
    parse: (given) =>
      words.find((word) => word === given || (options.ignoreCase && word.toLowerCase() === given.toLowerCase())),
  }
}

/** An IP address, without brackets. A zone identifier (`fe80::1%eth0`) only where `zoned`. */
export function ip(options: { readonly zoned?: boolean } = {}): Kind<string> {
  return {
    expected: 'an IP address',
    parse: (word) => (parseIp(word) || (options.zoned && isIP(word)) ? word : undefined),
  }
}

/** `ADDRESS/BITS`; with `orAddress` also a bare address, as a network of that address alone. */
export function network(options: { readonly orAddress?: boolean } = {}): Kind<Network> {
  return {
    expected: options.orAddress ? 'an IP address or a network (10.0.0.0/8)' : 'a network (10.0.0.0/8)',
    parse(word) {
      const bytes = options.orAddress ? parseIp(word) : undefined
      return bytes ? { bytes, length: bytes.length * 8 } : parseNetwork(word)
    },
  }
}

/** A host and a port. */
export interface HostPort {
  /** A name, an IP address without brackets, or '' for every address. */
  readonly host: string
  readonly port: number
}

/** Where to listen: `HOST:PORT`, `:PORT`, `[IPV6]:PORT`; without a number the system chooses the port. `anyPort`: one beyond
 *  65535 is found out only on listening. */
export function listenAddress(options: { readonly anyPort?: boolean } = {}): Kind<HostPort> {
  return {
    expected: 'an address to listen on (:8080, localhost:8080, [::1]:8080)',
    parse(word) {
      const split = splitHostPort(word.endsWith(':') ? `${word}0` : word)
      return split !== undefined && (options.anyPort || split.port <= 65_535) ? split : undefined
    },
  }
}

/** `IP`, `IP:PORT`, `[IPV6]:PORT` or a bare IPv6 address; an IPv6 address may have a zone identifier. */
export function ipAndPort(defaultPort: number): Kind<HostPort> {
  return {
    expected: 'an IP address, perhaps with a port',
    parse(word) {
      if (isIP(word)) return { host: word, port: defaultPort }
      const split = splitHostPort(word.endsWith(':') ? `${word}${defaultPort}` : word)
      return split !== undefined && split.port <= 65_535 && isIP(split.host) ? split : undefined
    },
  }
}

/** Go's net.SplitHostPort, for ports in digits. */
function splitHostPort(word: string): HostPort | undefined {
  const match = /^(?:\[([^[\]]*)\]|([^:[\]]*)):(\d{1,9})$/.exec(word)
  return match ? { host: match[1] ?? match[2], port: Number(match[3]) } : undefined
}

function within({ min = -Infinity, max = Infinity }: Range, number: number): number | undefined {
  return number >= min && number <= max ? number : undefined
}

function rangeText({ min, max }: Range, show: (bound: number) => string): string {
  if (min !== undefined && max !== undefined) return ` from ${show(min)} to ${show(max)}`
  if (min !== undefined) return ` of at least ${show(min)}`
  return max === undefined ? '' : ` of at most ${show(max)}`
}
