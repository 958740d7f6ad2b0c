/** `txt.slicedns.io/KEY`: metadata of a service as TXT records (RFC 6763 §6). */
import { rdata } from '../../../dns/rdata.ts'
import type { AnnotationEntry, AnnotationGroup, Flaw, Parsed } from '../../annotations/annotation.ts'
import { maxString, maxTxtOctets, partsOf } from '../../records/txt.ts'
import { grpcConfigAnnotation } from '../grpc-config/parse.ts'

/** Of each record besides its rdata: a pointer to the name, type, class, TTL, length. */
const recordOctets = 12

/** Rdata: first a record with one string per key, then one record for each value that is too long for it. */
export const metadataAnnotation: AnnotationGroup<readonly Uint8Array[]> = {
  group: 'txt',
  on: ['Service'],
  parseGroup: (entries, values) =>
    parseMetadata(entries, maxTxtOctets - (values.get(grpcConfigAnnotation)?.length ?? 0)),
}

/** `octets`: how much of `maxTxtOctets` is left for it. An entry that does not fit is left out, key by key. */
function parseMetadata(entries: readonly AnnotationEntry[], octets: number): Parsed<readonly Uint8Array[]> {
  const flaws: Flaw[] = []
  const spellings = new Map<string, string>()
  const strings: Uint8Array[] = []
  const long: Uint8Array[] = []
  let left = octets - recordOctets
  for (const { key, word, text } of entries) {
    const rule = ruleOfKey(word, spellings)
    if (rule !== undefined) {
      flaws.push({ key, reason: 'syntax', rule })
      continue
    }
    spellings.set(word.toLowerCase(), word)
    const entry = `${word}=${text}`
    const size = octetsOf(entry)
    if (size > left) {
      flaws.push({ key, reason: 'range', rule: tooLong(size) })
      continue
    }
    left -= size
    const data = Buffer.from(entry, 'utf8')
    if (data.length > maxString) long.push(rdata.txt(partsOf(data)))
    else strings.push(data)
  }
  const records = [...(strings.length > 0 ? [rdata.txt(strings)] : []), ...long]
  return { ok: true, value: records, flaws }
}

/** RFC 6763 §6.4: printable US-ASCII without `=`, at least one character, whose case does not matter. */
function ruleOfKey(word: string, spellings: ReadonlyMap<string, string>): string | undefined {
  if (word === '') return 'the key must have at least one character (RFC 6763 §6.4)'
  if (!/^[\x20-\x3c\x3e-\x7e]+$/.test(word)) return 'the key must be printable ASCII without = (RFC 6763 §6.4)'
  const other = spellings.get(word.toLowerCase())
  return other === undefined
    ? undefined
    : `the key exists already as ${other}: keys that differ only in case are the same (RFC 6763 §6.4)`
}

/** Octets of an entry in the reply: a length octet for each string, and a separate record when it is long. */
function octetsOf(text: string): number {
  const octets = Buffer.byteLength(text, 'utf8')
  return octets + Math.ceil(octets / maxString) + (octets > maxString ? recordOctets : 0)
}

const tooLong = (size: number): string =>
  `takes ${size} octets, more than are left: all TXT records of a Service may take ${maxTxtOctets}, so that they fit one DNS message`
