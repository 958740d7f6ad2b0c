/** The rules of `rewrite`: one for each directive, on its line or in its block. */

import { suggestion } from '../../corefile/nearest.ts'
import { fail } from '../../corefile/read.ts'
import type { Directive, DirectiveSchema, Token } from '../../corefile/schema.ts'
import type { Rule } from './rule.ts'
import { readCnameRule } from './rules/cname.ts'
import { readEdns0Rule } from './rules/edns0.ts'
import { readNameRule } from './rules/name.ts'
import { readRcodeRule, readTtlRule } from './rules/response-fields.ts'
import { readClassRule, readTypeRule } from './rules/type-class.ts'

export type Settings = readonly Rule[]

export const schema: DirectiveSchema<Settings> = {
  usage: 'rewrite [continue|stop] FIELD [TYPE] [(FROM TO)|TTL] [OPTIONS]',
  repeat: 'many',
  read: ({ occurrences }) => occurrences.map(readRule),
}

const readers: Readonly<Record<string, (mode: Rule['mode'], args: readonly Token[], place: Token) => Rule>> = {
  name: readNameRule,
  type: readTypeRule,
  class: readClassRule,
  edns0: readEdns0Rule,
  ttl: readTtlRule,
  cname: readCnameRule,
  rcode: readRcodeRule,
}

function readRule(directive: Directive): Rule {
  const words = wordsOf(directive)
  if (words.length === 0)
    throw fail('rewrite must have a field: name, type, class, edns0, ttl, cname or rcode', directive)
  const mode = words[0].text.toLowerCase()
  const explicit = mode === 'continue' || mode === 'stop'
  const [field, ...args] = explicit ? words.slice(1) : words
  if (field === undefined) throw fail(`'${mode}' must be followed by a field, such as name or type`, words[0])
  const name = field.text.toLowerCase()
  if (name === 'answer') throw fail('a rewrite must begin with a name rule: answer rules follow it', field)
  if (!Object.hasOwn(readers, name))
    throw fail(`invalid field '${field.text}'${suggestion(name, Object.keys(readers))}`, field)
  return readers[name](mode === 'continue' ? 'continue' : 'stop', args, field)
}

/** The words of a rule; the lines of a block are joined. */
function wordsOf({ args, body }: Directive): readonly Token[] {
  if (body === undefined) return args
  if (args.length >= 2) throw fail('a rule on the line of rewrite takes no block', args[1])
  return [...args, ...body.flatMap((line) => [line.word, ...line.args])]
}
