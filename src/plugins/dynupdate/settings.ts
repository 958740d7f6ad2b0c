/** The `dynupdate` directive. */
import {
  argCount,
  custom,
  fail,
  integer,
  type Kind,
  normalizeZone,
  option,
  readBody,
  text,
  value,
  where,
} from '../../corefile/read.ts'
import type { Directive, DirectiveSchema, Token } from '../../corefile/schema.ts'
import { type, typeNumber } from '../../dns/codes.ts'
import { isSubdomain } from '../../dns/name.ts'
import { domainName } from '../../plugin/dns-values.ts'
import { isKnown, isMetaType, isUnsupported } from './update.ts'

/** An `allow` line: what a key may update. */
export interface Permission {
  /** Lower case and absolute. */
  readonly key: string
  readonly name: string | 'any'
  readonly types: ReadonlySet<number> | 'any'
}

export interface DynupdateSettings {
  /** Lower case and absolute. */
  readonly zone: string
  /** Paths as written. */
  readonly file: string
  readonly database: string | undefined
  readonly permissions: readonly Permission[]
  readonly maxRecords: number
  readonly maxOctets: number
  /** Bound on the prerequisites and updates of one message. */
  readonly maxUpdateRecords: number
}

const positive = integer({ min: 1 })
const path = where(text, 'a file', (word) => word !== '')

/** ANY deletes a whole name. */
const permittedType: Kind<number> = {
  expected: 'a record type that updates may have',
  parse(word) {
    const rrType = typeNumber(word.toUpperCase())
    if (rrType === type.ANY) return rrType
    const isPermitted = rrType !== undefined && isKnown(rrType) && !isUnsupported(rrType) && !isMetaType(rrType)
    return isPermitted ? rrType : undefined
  },
}

const keyName: Kind<string> = {
  expected: 'the name of a key',
  parse: (word) => (/^(\s*|[*@])$/.test(word) ? undefined : domainName('').parse(word)),
}

/** `allow` with its words, which are read once the zone is known. */
const allow = custom({ min: 3 }, ({ args }, before: readonly (readonly Token[])[] = []) => [...before, args])

const rows = {
  file: option(path, { repeat: 'once' }),
  database: option(path, { repeat: 'once' }),
  allow,
  max_records: option(positive, { repeat: 'once', default: 10_000 }),
  max_bytes: option(positive, { repeat: 'once', default: 8 * 1024 * 1024 }),
  max_update_records: option(positive, { repeat: 'once', default: 1024 }),
}

export const schema: DirectiveSchema<DynupdateSettings> = {
  usage:
    'dynupdate [ZONE] { file DBFILE | database PATH | allow KEY NAME TYPE... | max_records N | max_bytes N | max_update_records N }',
  repeat: 'once',
  read({ occurrences: [directive], zones: served }) {
    argCount(directive, 0, 1)
    const zone = zoneOf(directive, served)
    const body = readBody(directive, rows)
    if (body.file === undefined) throw fail("'file' is required: the initial contents of the zone", directive)
    if (!body.allow) throw fail("'allow' is required: KEY NAME TYPE... that updates may change", directive)
    return {
      zone,
      file: body.file,
      database: body.database,
      permissions: body.allow.map((words) => permissionOf(words, zone)),
      maxRecords: body.max_records,
      maxOctets: body.max_bytes,
      maxUpdateRecords: body.max_update_records,
    }
  },
}

function zoneOf(directive: Directive, served: readonly string[]): string {
  const [word] = directive.args
  const zones = word ? normalizeZone(word.text) : [...new Set(served)]
  if (zones.length === 1) return zones[0]
  throw fail(
    word ? `'${word.text}' is not one zone` : 'the server block has several zones: specify the one to update',
    word ?? directive,
  )
}

function permissionOf([key, name, ...types]: readonly Token[], zone: string): Permission {
  const any = types.find(({ text: word }) => word === '*')
  if (any && types.length > 1) throw fail("'*' must be the only type", any)
  return {
    key: value(keyName, key, 'allow'),
    name: nameOf(name, zone),
    types: any ? 'any' : new Set(types.map((word) => value(permittedType, word, 'allow'))),
  }
}

function nameOf(word: Token, zone: string): string {
  if (word.text === '*') return 'any'
  if (word.text === '@') return zone
  const name = value(domainName('a name'), word, 'allow')
  if (!isSubdomain(zone, name))
    throw fail(`'${word.text}' is not in the zone ${zone}: write the whole name, @ or *`, word)
  return name
}
