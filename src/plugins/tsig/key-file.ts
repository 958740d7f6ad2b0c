/** A file of keys in the form of BIND's `named.conf`: `key "NAME" { algorithm NAME; secret "BASE64"; };`. */
import { readFileSync, statSync } from 'node:fs'
import { lowerName, parseName } from '../../dns/name.ts'

export interface FileKey {
  /** Lower case and absolute. */
  readonly name: string
  readonly algorithm: string | undefined
  /** Base64. */
  readonly secret: string
}

/** Octets: ten thousand keys. */
const maxFileOctets = 1024 * 1024
const readableByEverybody = 0o004

/** Throws an error of node:fs, a NameError or a RangeError, each with a sentence about the file. */
export function readKeyFile(path: string): FileKey[] {
  const facts = statSync(path)
  if (!facts.isFile()) throw new RangeError('it is not a regular file')
  if (facts.size > maxFileOctets) throw new RangeError(`it exceeds ${maxFileOctets} octets`)
  if (facts.mode & readableByEverybody)
    throw new RangeError(
      'it is readable by all users: remove that permission (chmod o-r, or defaultMode: 0440 of the Secret)',
    )
  return parseKeyFile(readFileSync(path, 'utf8'))
}

/** As CoreDNS reads it: line by line, with words separated by blanks. */
function parseKeyFile(text: string): FileKey[] {
  const keys: FileKey[] = []
  let open: { readonly name: string; algorithm?: string; secret?: string } | undefined
  for (const [index, line] of text.split('\n').entries()) {
    const [word, argument = ''] = line.trim().split(/\s+/)
    const wrong = (reason: string) => new RangeError(`line ${index + 1}: ${reason}`)
    if (word === '') continue
    if (!open) {
      const name = stripped(argument)
      if (word !== 'key' || name === '') throw wrong('a key must begin with key "NAME" {')
      open = { name: lowerName(parseName(name)) }
    } else if (word === 'algorithm') open.algorithm = stripped(argument)
    else if (word === 'secret') {
      open.secret = stripped(argument)
      if (open.secret === '') throw wrong('the secret is missing')
    } else if (word === '}' || word === '};') {
      const { name, algorithm, secret } = open
      if (secret === undefined) throw wrong(`the key ${name} has no secret`)
      if (keys.some((key) => key.name === name)) throw wrong(`the key ${name} is defined twice`)
      keys.push({ name, algorithm, secret })
      open = undefined
    } else throw wrong('a key must have algorithm, secret and }; on lines of their own')
  }
  if (open) throw new RangeError(`the key ${open.name} is not closed with };`)
  return keys
}

const stripped = (word: string): string => word.replace(/^["{;]+|["{;]+$/g, '')
