/** The `tsig` directive. */
import { custom, fail, readBody, value, zonesOf } from '../../corefile/read.ts'
import type { BodyLine, DirectiveSchema, Token } from '../../corefile/schema.ts'
import { domainName, operation, queryType } from '../../plugin/dns-values.ts'

/** A key as written: the secret in base64. */
export interface WrittenKey {
  /** Lower case and absolute. */
  readonly name: string
  readonly secret: string
  readonly place: Token
}

export interface TsigSettings {
  readonly zones: readonly string[]
  readonly keys: readonly WrittenKey[]
  /** Files with keys, as written. */
  readonly files: readonly Token[]
  /** Query types and opcodes of requests that must be signed. */
  readonly types: ReadonlySet<number> | 'all'
  readonly operations: ReadonlySet<number> | 'all'
}

type Required = ReadonlySet<number> | 'all'

/** `all`, `none`, or words of a kind. The last line counts, but `all` of an earlier line stays, as in CoreDNS. */
const required = (kind: Parameters<typeof value<number>>[0]) =>
  custom({ min: 1 }, ({ word, args }: BodyLine, before: Required = new Set()): Required => {
    const [{ text: first }] = args
    const own = first === 'none' ? [] : args
    if (first === 'all' || before === 'all') return 'all'
    return new Set(own.map((arg) => value(kind, arg, word.text)))
  })

const rows = {
  secret: custom({ min: 2, max: 2 }, ({ args: [name, secret] }, before: readonly WrittenKey[] = []) => {
    const key = { name: value(domainName('the name of a key'), name, 'secret'), secret: secret.text, place: name }
    if (before.some((other) => other.name === key.name)) throw fail(`the key ${key.name} is defined twice`, name)
    return [...before, key]
  }),
  secrets: custom({ min: 1, max: 1 }, ({ args: [file] }, before: readonly Token[] = []) => [...before, file]),
  require: required(queryType()),
  require_opcode: required(operation),
}

export const schema: DirectiveSchema<TsigSettings> = {
  usage: 'tsig [ZONES...] { secret NAME KEY | secrets FILE | require TYPES... | require_opcode OPCODES... }',
  repeat: 'once',
  read({ occurrences: [directive], zones: served }) {
    const body = readBody(directive, rows)
    return {
      zones: zonesOf(directive.args, served),
      keys: body.secret ?? [],
      files: body.secrets ?? [],
      types: body.require ?? new Set(),
      operations: body.require_opcode ?? new Set(),
    }
  },
}
