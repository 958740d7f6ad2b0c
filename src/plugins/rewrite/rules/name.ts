/** `rewrite name`: rewrites the query name, and names in the reply (`answer auto | name | value`). */

import { suggestion } from '../../../corefile/nearest.ts'
import { fail } from '../../../corefile/read.ts'
import type { Token } from '../../../corefile/schema.ts'
import { lowerName } from '../../../dns/name.ts'
import { readPattern } from '../../../plugin/pattern-value.ts'
import type { Query } from '../../../plugin/query.ts'
import type { Pattern } from '../../../regexp/index.ts'
import {
  absolute,
  checkGroups,
  type MatchKind,
  matcherOf,
  type Replacer,
  readMatchKind,
  replacement,
  replacer,
} from '../match.ts'
import { ownerRule, type Rewrite, valueRule } from '../records.ts'
import type { ResponseRule, Rule } from '../rule.ts'
import { type Expand, readMetadataReplacement } from './metadata-replacement.ts'

/** Throws ConfigError. */
export function readNameRule(mode: Rule['mode'], args: readonly Token[], place: Token): Rule {
  if (args.length < 2) throw fail('a name rule must have FROM and TO', place)
  const kind = args.length === 2 ? 'exact' : readMatchKind(args[0])
  const [from, to, ...options] = args.length === 2 ? args : args.slice(1)
  const usesMetadata = options[0]?.text === 'metadata'
  if (usesMetadata && kind !== 'regex') throw fail('metadata is supported only for regex name rules', options[0])
  const answers = readAnswers(usesMetadata ? options.slice(1) : options, kind)
  const pattern = kind === 'regex' ? readPattern(from) : undefined
  if (pattern !== undefined && !usesMetadata) checkGroups(to, pattern)
  // CoreDNS compiles TO of an exact rule as a regular expression, too: a wildcard is refused there.
  if (kind === 'exact') checkGroups(from, readPattern({ ...to, text: absolute(to.text) }))
  const fromText = absolute(from.text)
  const toText = replacement(to.text)
  const rewrite: Expand =
    pattern !== undefined && usesMetadata
      ? readMetadataReplacement(to, pattern)
      : simple(replacer(kind, fromText, toText, pattern))
  const names = matcherOf(kind, fromText, pattern)
  return {
    mode,
    claim: { names, reason: `rewrite name ${kind} ${from.text} ${to.text}`, at: place.at },
    apply(query) {
      const name = rewrite(query)
      if (name === undefined) return undefined
      const response = [...automatic(kind, answers.auto, query.name, name, fromText, toText), ...answers.rules]
      return { query: renamed(query, name), response }
    },
  }
}

const simple =
  (replace: Replacer): Expand =>
  ({ name, budget }) =>
    replace(name, budget.steps)

function renamed(query: Query, qname: string): Query {
  const questions = [{ name: qname, type: query.qtype, class: query.qclass }]
  return { ...query, qname, name: lowerName(qname), request: { ...query.request, questions } }
}

/**
 * The automatic response rules: `exact` always has them; those of a suffix swap FROM and TO, others swap the two query
 * names.
 */
function automatic(
  kind: MatchKind,
  auto: boolean,
  asked: string,
  name: string,
  from: string,
  to: string,
): ResponseRule[] {
  if (kind === 'suffix') return auto ? both((text) => replaceSuffix(text, to, from)) : []
  return kind === 'exact' || auto ? both((text) => replaceDomain(text, name, asked)) : []
}

const both = (rewrite: Rewrite): ResponseRule[] => [ownerRule(rewrite), valueRule(rewrite)]

const replaceSuffix = (text: string, suffix: string, by: string): string =>
  text.endsWith(suffix) ? text.slice(0, text.length - suffix.length) + by : text

/** Replaces the domain in the name itself and in names below it. */
function replaceDomain(text: string, domain: string, by: string): string {
  return text === domain || text.endsWith(`.${domain}`) ? text.slice(0, text.length - domain.length) + by : text
}

interface Answers {
  readonly auto: boolean
  readonly rules: readonly ResponseRule[]
}

/** `answer (auto | (name|value FROM TO)) { [answer] (auto | (name|value FROM TO)) }` */
function readAnswers(words: readonly Token[], kind: MatchKind): Answers {
  const [first] = words
  if (first === undefined) return { auto: false, rules: [] }
  if (first.text !== 'answer')
    throw fail(
      `unexpected '${first.text}': 'answer' must follow TO of a ${kind} name rule${suggestion(first.text, ['answer'])}`,
      first,
    )
  const rules: ResponseRule[] = []
  let auto = false
  let named: Token | undefined
  for (let at = 0; at < words.length; ) {
    if (words[at].text === 'answer') at++
    const type = words[at]
    if (type === undefined) throw fail("'answer' must be followed by auto, name or value", words[at - 1])
    if (type.text === 'auto') {
      auto = true
      at++
      continue
    }
    if (type.text !== 'name' && type.text !== 'value')
      throw fail(`invalid type '${type.text}' of an answer rule: must be auto, name or value`, type)
    if (at + 2 >= words.length) throw fail(`'answer ${type.text}' must have FROM and TO`, type)
    const rewrite = readAnswerPattern(words[at + 1], words[at + 2])
    rules.push(type.text === 'name' ? ownerRule(rewrite) : valueRule(rewrite))
    if (type.text === 'name') named = type
    at += 3
  }
  if (auto && named) throw fail("'answer auto' cannot be combined with 'answer name'", named)
  return { auto, rules }
}

function readAnswerPattern(from: Token, to: Token): Rewrite {
  const pattern: Pattern = readPattern(from)
  checkGroups(to, pattern)
  const replace = replacer('regex', '', replacement(to.text), pattern)
  return (name, allowance) => replace(name, allowance) ?? name
}
