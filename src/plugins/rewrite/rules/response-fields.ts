/** `rewrite ttl` and `rewrite rcode`: fields of the reply, for names that match. */
import { fail, integer, type Kind, value } from '../../../corefile/read.ts'
import type { Token } from '../../../corefile/schema.ts'
import { rcode } from '../../../dns/codes.ts'
import { responseCode } from '../../../plugin/dns-values.ts'
import { type MatchKind, readMatchKind, readNames } from '../match.ts'
import type { ResponseRule, Rule } from '../rule.ts'

const maxTtl = 0xffffffff
/** The maximum of an open range. */
const openTtl = 2 ** 31 - 1

/** `ttl [MATCH] FROM SECONDS|MIN-MAX`. Throws ConfigError. */
export function readTtlRule(mode: Rule['mode'], args: readonly Token[], place: Token): Rule {
  if (args.length < 2 || args.length > 3)
    throw fail('a ttl rule must have [MATCH] FROM and SECONDS or MIN-MAX', args[3] ?? place)
  const { kind, from, rest } = nameAnd(args, 1)
  const range = readRange(rest[0])
  const names = readNames(kind, from)
  const response: ResponseRule = {
    kind: 'record',
    rewrite: (record) => ({ ...record, ttl: Math.min(Math.max(record.ttl, range.min), range.max) }),
  }
  return {
    mode,
    claim: { names, reason: `rewrite ttl ${kind} ${from.text} ${rest[0].text}`, at: place.at },
    apply: (query) => (names.matches(query.name, query.budget.steps) ? { query, response: [response] } : undefined),
  }
}

/** `rcode [MATCH] FROM RCODE RCODE`. Throws ConfigError. */
export function readRcodeRule(mode: Rule['mode'], args: readonly Token[], place: Token): Rule {
  if (args.length < 3 || args.length > 4)
    throw fail('an rcode rule must have [MATCH] FROM RCODE RCODE', args[4] ?? place)
  const { kind, from, rest } = nameAnd(args, 2)
  const [old, by] = rest.map(readRcode)
  const names = readNames(kind, from)
  const answers = old === rcode.NOERROR ? 'all' : 'denials'
  return {
    mode,
    claim: {
      names,
      answers,
      reason: `rewrite rcode ${kind} ${from.text} ${rest.map(({ text }) => text).join(' ')}`,
      at: place.at,
    },
    apply: (query) =>
      names.matches(query.name, query.budget.steps)
        ? { query, response: [{ kind: 'rcode', from: old, to: by }] }
        : undefined,
  }
}

/** The name to match, `exact` where no kind is given, and the `after` words that follow it. */
function nameAnd(args: readonly Token[], after: number): { kind: MatchKind; from: Token; rest: readonly Token[] } {
  if (args.length === after + 1) return { kind: 'exact', from: args[0], rest: args.slice(1) }
  return { kind: readMatchKind(args[0]), from: args[1], rest: args.slice(2) }
}

function readRange(token: Token): { readonly min: number; readonly max: number } {
  const parts = /^(\d*)(-?)(\d*)$/.exec(token.text)
  const seconds = (text: string, open: number) => (text === '' ? open : Number(text))
  if (parts !== null && (parts[1] !== '' || parts[3] !== '')) {
    const min = seconds(parts[1], 0)
    const max = parts[2] === '' ? min : seconds(parts[3], openTtl)
    if (min <= max && max <= maxTtl) return { min, max }
  }
  throw fail(`invalid TTL '${token.text}': must be SECONDS, MIN-MAX, MIN- or -MAX`, token)
}

/** The number up to 23, or the name in any case. */
function readRcode(token: Token): number {
  return value(codeOrNumber, token, 'rcode')
}

const byName = responseCode({ anyCase: true })

const codeOrNumber: Kind<number> = {
  ...byName,
  expected: 'a response code such as NXDOMAIN, or a number from 0 to 23',
  parse: (word) => byName.parse(word) ?? integer({ min: 0, max: 23 }).parse(word),
}
