/** Reads the two files of a key from BIND's dnssec-keygen, ldns-keygen or coredns-keygen: NAME.key and NAME.private. */
import { readFileSync, statSync } from 'node:fs'
import { type } from '../dns/codes.ts'
import type { ResourceRecord } from '../dns/message.ts'
import { NameError } from '../dns/name.ts'
import { parseRecord } from '../dns/record-text.ts'
import { entriesOf, ZoneFileError } from '../dns/zone-file/entries.ts'
import { createSigningKey, type SigningKey } from './key.ts'

/** Maximum octets of a file: a private RSA key of 4,096 bits takes 3,500. */
const maxKeyFileOctets = 65_536
const readableByEverybody = 0o004

/** The path without the ending of one of the two files. */
export const keyFileBase = (path: string): string => path.replace(/\.(?:key|private)$/, '')

/** `base`: the path of both files without their endings. Throws an Error that names the file and the defect. */
export function readKeyFiles(base: string): SigningKey {
  const record = ofFile(`${base}.key`, (path) => publicRecord(readText(path), path))
  return ofFile(`${base}.private`, (path) => {
    if (statSync(path).mode & readableByEverybody)
      throw new RangeError(
        'it is readable by all users: remove that permission (chmod o-r, or defaultMode: 0440 of the Secret)',
      )
    return createSigningKey(record, privateFields(readText(path)))
  })
}

function ofFile<T>(path: string, read: (path: string) => T): T {
  try {
    return read(path)
  } catch (error) {
    // Errors of node:fs and of zone files name the file already.
    if (error instanceof RangeError || error instanceof NameError) throw new RangeError(`${path}: ${error.message}`)
    throw error
  }
}

function readText(path: string): string {
  const facts = statSync(path)
  if (!facts.isFile()) throw new RangeError('it is not a regular file')
  if (facts.size > maxKeyFileOctets) throw new RangeError(`it exceeds ${maxKeyFileOctets} octets`)
  return readFileSync(path, 'utf8')
}

/** The first record counts. */
function publicRecord(text: string, path: string): ResourceRecord {
  for (const { line, words } of entriesOf([text], path)) {
    const record = recordOf(words.map((word) => word.text).join(' '), path, line)
    if (record.type !== type.DNSKEY) break
    return record
  }
  throw new RangeError('the file must begin with a DNSKEY record')
}

function recordOf(text: string, path: string, line: number): ResourceRecord {
  try {
    return parseRecord(text)
  } catch (error) {
    if (error instanceof RangeError || error instanceof NameError) throw new ZoneFileError(path, line, error.message)
    throw error
  }
}

/** `Word: value` per line. A value never becomes part of an error, because it may be the secret. */
function privateFields(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>()
  for (const [index, line] of text.split('\n').entries()) {
    if (/^\s*(?:[;#].*)?$/.test(line)) continue
    const [, word, value] = /^\s*([A-Za-z0-9-]+)\s*:\s*(.*?)\s*$/.exec(line) ?? []
    if (word === undefined) throw new RangeError(`line ${index + 1} must be WORD: VALUE`)
    fields.set(word.toLowerCase(), value)
  }
  const format = fields.get('private-key-format')
  if (!/^v1\.[23]$/.test(format ?? '')) throw new RangeError('the file must have Private-key-format: v1.2 or v1.3')
  return fields
}
