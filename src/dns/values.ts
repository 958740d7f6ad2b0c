/** Builders and readers of rdata. Readers expect rdata from parseMessage or a builder, and throw RangeError otherwise. */
import { parseAddress } from './address.ts'
import { nameEnd, nameToWire, wireToName } from './name.ts'

interface Srv {
  readonly priority: number
  readonly weight: number
  readonly port: number
  readonly target: string
}

interface Soa {
  readonly mname: string
  readonly rname: string
  readonly serial: number
  readonly refresh: number
  readonly retry: number
  readonly expire: number
  readonly minimum: number
}

/** Text of a character string: a JavaScript string stands for its UTF-8 octets. At most 255 octets. */
type CharacterString = string | Uint8Array

/** Builds rdata from its parts. Names are absolute presentation names. Throws RangeError or NameError for invalid parts. */
export const rdata = {
  a: (text: string): Uint8Array => address(text, 4),
  aaaa: (text: string): Uint8Array => address(text, 16),
  /** CNAME, NS, PTR, DNAME: a name and nothing else. */
  name: nameToWire,
  srv: (srv: Srv): Uint8Array =>
    join(uint16(srv.priority), uint16(srv.weight), uint16(srv.port), nameToWire(srv.target)),
  txt: (strings: readonly CharacterString[]): Uint8Array => join(...strings.map(characterString)),
  soa: (soa: Soa): Uint8Array =>
    join(
      nameToWire(soa.mname),
      nameToWire(soa.rname),
      ...[soa.serial, soa.refresh, soa.retry, soa.expire, soa.minimum].map(uint32),
    ),
}

function address(text: string, octets: 4 | 16): Uint8Array {
  const parsed = parseAddress(text)
  if (parsed?.length !== octets) throw new RangeError(`"${text}" is not an IPv${octets === 4 ? 4 : 6} address`)
  return parsed
}

/** Concatenates the parts. */
export function join(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

export function uint16(value: number): Uint8Array {
  if (!(Number.isInteger(value) && value >= 0 && value <= 0xffff)) throw new RangeError(`${value} is not in 0..65535`)
  return Uint8Array.of(value >> 8, value)
}

export function uint32(value: number): Uint8Array {
  if (!(Number.isInteger(value) && value >= 0 && value <= 0xffffffff))
    throw new RangeError(`${value} is not in 32 bits`)
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value)
}

/** A length octet and the text's octets (RFC 1035 §3.3). */
export function characterString(text: CharacterString): Uint8Array {
  const octets = typeof text === 'string' ? Buffer.from(text, 'utf8') : text
  if (octets.length > 255) throw new RangeError(`a character string has at most 255 octets, not ${octets.length}`)
  return join(Uint8Array.of(octets.length), octets)
}

/** The type bitmap of an NSEC record (RFC 4034 §4.1.2). */
export function typesBitmap(types: readonly number[]): Uint8Array {
  const windows = new Map<number, Uint8Array>()
  for (const number of types.toSorted((a, b) => a - b)) {
    const window = windows.get(number >> 8) ?? new Uint8Array(32)
    windows.set(number >> 8, window)
    window[(number & 0xff) >> 3] |= 0x80 >> (number & 7)
  }
  const parts: Uint8Array[] = []
  for (const [number, window] of windows) {
    const length = window.findLastIndex((octet) => octet !== 0) + 1
    parts.push(Uint8Array.of(number, length), window.subarray(0, length))
  }
  return join(...parts)
}

export const readUint16 = (bytes: Uint8Array, at: number): number => (bytes[at] << 8) | bytes[at + 1]
export const readUint32 = (bytes: Uint8Array, at: number): number =>
  readUint16(bytes, at) * 0x10000 + readUint16(bytes, at + 2)

/** The name of a CNAME, NS, PTR or DNAME record. */
export const readName = (octets: Uint8Array): string => wireToName(octets, 0)

/** The strings of a TXT record, as octets. */
export function readTxt(octets: Uint8Array): Uint8Array[] {
  const strings: Uint8Array[] = []
  for (let at = 0; at < octets.length; at += 1 + octets[at]) strings.push(octets.slice(at + 1, at + 1 + octets[at]))
  return strings
}

export function readSoa(octets: Uint8Array): Soa {
  const rnameAt = nameEnd(octets, 0, octets.length)
  const numbersAt = nameEnd(octets, rnameAt, octets.length)
  const [serial, refresh, retry, expire, minimum] = [0, 4, 8, 12, 16].map((offset) =>
    readUint32(octets, numbersAt + offset),
  )
  return {
    mname: wireToName(octets, 0),
    rname: wireToName(octets, rnameAt),
    serial,
    refresh,
    retry,
    expire,
    minimum,
  }
}
