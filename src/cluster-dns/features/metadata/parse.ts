/** `txt.slicedns.io/KEY`: metadata of a service as TXT records (RFC 6763 §6). */
import { rdata } from '../../../dns/rdata.ts'
import type { Problem } from '../../annotations/parsed.ts'

/**
 * What the TXT records of a name may take of a reply: a message has 65,535 octets at most (RFC 1035 §4.2.2), and the
 * question, the name before compression and EDNS options want room too.
 */
export const maxTxtOctets = 64_000

/** Of each record besides its rdata: a pointer to the name, type, class, TTL, length. */
const recordOctets = 12

/** RFC 1035 §3.3: a character string. */
const maxString = 255

export interface Metadata {
  /** Rdata: first the record with a string per key, then one for each value that is too long for it. */
  readonly records: readonly Uint8Array[]
  readonly problems: readonly Problem[]
}

/** `octets`: how much of `maxTxtOctets` is left for it. What does not fit is left out, key by key. */
export function readMetadata(prefix: string, annotations: Readonly<Record<string, string>>, octets: number): Metadata {
  const start = `txt.${prefix}/`
  const problems: Problem[] = []
  const spellings = new Map<string, string>()
  const strings: Uint8Array[] = []
  const long: Uint8Array[] = []
  let left = octets - recordOctets
  for (const key of Object.keys(annotations).sort()) {
    if (!key.startsWith(start)) continue
    const word = key.slice(start.length)
    const rule = ruleOfKey(word, spellings)
    if (rule !== undefined) {
      problems.push({ key, reason: 'syntax', rule })
      continue
    }
    spellings.set(word.toLowerCase(), word)
    const text = `${word}=${annotations[key]}`
    const size = octetsOf(text)
    if (size > left) {
      problems.push({ key, reason: 'range', rule: tooLong(size) })
      continue
    }
    left -= size
    const entry = Buffer.from(text, 'utf8')
    if (entry.length > maxString) long.push(rdata.txt(partsOf(entry)))
    else strings.push(entry)
  }
  return { records: [...(strings.length > 0 ? [rdata.txt(strings)] : []), ...long], problems }
}

/** RFC 6763 §6.4: printable US-ASCII without `=`, at least one character, whose case does not matter. */
function ruleOfKey(word: string, spellings: ReadonlyMap<string, string>): string | undefined {
  if (word === '') return 'a key has at least one character (RFC 6763 §6.4)'
  if (!/^[\x20-\x3c\x3e-\x7e]+$/.test(word)) return 'a key has printable ASCII characters other than = (RFC 6763 §6.4)'
  const other = spellings.get(word.toLowerCase())
  return other === undefined
    ? undefined
    : `the key is there already as ${other}: keys that differ in case are one (RFC 6763 §6.4)`
}

/** What an entry takes of the reply: a length octet for each string, and a record of its own when it is long. */
function octetsOf(text: string): number {
  const octets = Buffer.byteLength(text, 'utf8')
  return octets + Math.ceil(octets / maxString) + (octets > maxString ? recordOctets : 0)
}

const tooLong = (size: number): string =>
  `it takes ${size} octets, more than are left: the TXT records of a service have room for ${maxTxtOctets} in all, so that they fit one DNS message`

/** RFC 7208 §3.3: who reads the record joins its strings. */
export function partsOf(octets: Uint8Array): Uint8Array[] {
  return Array.from({ length: Math.ceil(octets.length / maxString) }, (_, i) =>
    octets.subarray(i * maxString, (i + 1) * maxString),
  )
}
