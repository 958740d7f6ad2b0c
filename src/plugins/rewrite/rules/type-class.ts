/** `rewrite type` and `rewrite class`: rewrite fields of the question. */
import { fail, value } from '../../../corefile/read.ts'
import type { Token } from '../../../corefile/schema.ts'
import { type } from '../../../dns/codes.ts'
import { queryClass, queryType } from '../../../plugin/dns-values.ts'
import { everyName } from '../../../plugin/name-matcher.ts'
import type { Query } from '../../../plugin/query.ts'
import type { Rule } from '../rule.ts'

/** `type FROM TO`. Throws ConfigError. */
export function readTypeRule(mode: Rule['mode'], args: readonly Token[], place: Token): Rule {
  const [from, to] = readPair(args, place, 'type').map(readType)
  return {
    mode,
    // The table always leaves questions of type ANY to the chain.
    ...(from === type.ANY
      ? {}
      : {
          claim: {
            names: everyName,
            types: [from],
            reason: `rewrite type ${args[0].text} ${args[1].text}`,
            at: place.at,
          },
        }),
    apply: (query) =>
      query.qtype === from && from > 0 && to > 0 ? { query: asked(query, to, query.qclass), response: [] } : undefined,
  }
}

/** `class FROM TO`. Throws ConfigError. */
export function readClassRule(mode: Rule['mode'], args: readonly Token[], place: Token): Rule {
  const [from, to] = readPair(args, place, 'class').map(readClass)
  return {
    mode,
    claim: { names: everyName, class: from, reason: `rewrite class ${args[0].text} ${args[1].text}`, at: place.at },
    apply: (query) => (query.qclass === from ? { query: asked(query, query.qtype, to), response: [] } : undefined),
  }
}

function readPair(args: readonly Token[], place: Token, field: string): readonly Token[] {
  if (args.length !== 2) throw fail(`a ${field} rule must have FROM and TO`, args[2] ?? place)
  return args
}

function asked(query: Query, qtype: number, qclass: number): Query {
  const questions = [{ name: query.qname, type: qtype, class: qclass }]
  return { ...query, qtype, qclass, request: { ...query.request, questions } }
}

function readType(token: Token): number {
  return value(queryType({ anyCase: true }), token, 'type')
}

function readClass(token: Token): number {
  return value(queryClass({ anyCase: true }), token, 'class')
}
