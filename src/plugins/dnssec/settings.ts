/** The `dnssec` directive. */
import { custom, fail, integer, option, readBody, zonesOf } from '../../corefile/read.ts'
import type { BodyLine, DirectiveSchema, Token } from '../../corefile/schema.ts'

export interface DnssecSettings {
  /** Lower case and absolute. */
  readonly zones: readonly string[]
  /** Key files, as written. */
  readonly keys: readonly Token[]
  /** Signatures that are kept. */
  readonly capacity: number
}

const defaultCapacity = 10_000

const rows = {
  key: custom({ min: 2 }, ({ args: [source, ...files] }: BodyLine, before: readonly Token[] = []) => {
    if (source.text === 'aws_secretsmanager')
      throw fail(
        'keys in AWS Secrets Manager are not supported: write them to files, and name these by key file',
        source,
      )
    if (source.text !== 'file') throw fail(`'${source.text}' is not a source of keys: write key file KEY...`, source)
    return [...before, ...files]
  }),
  cache_capacity: option(integer(), { default: defaultCapacity, closes: true }),
}

export const schema: DirectiveSchema<DnssecSettings> = {
  usage: 'dnssec [ZONES...] { key file KEY... | cache_capacity CAPACITY }',
  repeat: 'once',
  read({ occurrences: [directive], zones: served }) {
    const { key = [], cache_capacity } = readBody(directive, rows)
    return { zones: zonesOf(directive.args, served), keys: key, capacity: cache_capacity }
  },
}
