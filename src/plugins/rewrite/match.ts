/** How rules match names: exact, prefix, suffix, substring, regex. Names are compared in lower case. */
import { fail, oneOf, value } from '../../corefile/read.ts'
import type { Token } from '../../corefile/schema.ts'
import {
  exactMatcher,
  type NameMatcher,
  patternMatcher,
  prefixMatcher,
  substringMatcher,
  suffixMatcher,
} from '../../plugin/name-matcher.ts'
import { readPattern } from '../../plugin/pattern-value.ts'
import type { Pattern, StepAllowance } from '../../regexp/index.ts'
import { escaped } from './names.ts'

export const matchKinds = ['exact', 'prefix', 'suffix', 'substring', 'regex'] as const
export type MatchKind = (typeof matchKinds)[number]

export const readMatchKind = (token: Token): MatchKind =>
  value(oneOf(matchKinds, { ignoreCase: true }), token, 'rewrite')

/** In lower case, with the trailing dot that CoreDNS adds to every FROM and TO but regular expressions. */
export function absolute(text: string): string {
  const lower = text.toLowerCase()
  return lower.endsWith('.') && !/(^|[^\\])(\\\\)*\\\.$/.test(lower) ? lower : `${lower}.`
}

/** TO of a rule, as an absolute name. */
export const replacement = (text: string): string => escaped(absolute(text))

/** The names that a `ttl` or `rcode` rule matches. */
export function readNames(kind: MatchKind, from: Token): NameMatcher {
  return matcherOf(kind, kind === 'regex' ? '' : absolute(from.text), kind === 'regex' ? readPattern(from) : undefined)
}

export function matcherOf(kind: MatchKind, text: string, pattern: Pattern | undefined): NameMatcher {
  switch (kind) {
    case 'exact':
      return exactMatcher(text)
    case 'prefix':
      return prefixMatcher(text)
    case 'suffix':
      return suffixMatcher(text)
    case 'substring':
      return substringMatcher(text)
    case 'regex':
      return patternMatcher(pattern!)
  }
}

/** The rewritten name; undefined where it does not match. Throws StepsError. */
export type Replacer = (name: string, allowance: StepAllowance) => string | undefined

/**
 * Rewrites a name that matches. `{N}` in `to` is replaced by groups of the regular expression, in the order of their
 * numbers, as in CoreDNS.
 */
export function replacer(kind: MatchKind, from: string, to: string, pattern?: Pattern): Replacer {
  switch (kind) {
    case 'exact':
      return (name) => (name === from ? to : undefined)
    case 'prefix':
      return (name) => (name.startsWith(from) ? to + name.slice(from.length) : undefined)
    case 'suffix':
      return (name) => (name.endsWith(from) ? name.slice(0, name.length - from.length) + to : undefined)
    case 'substring':
      return (name) => (name.includes(from) ? name.replaceAll(from, () => to) : undefined)
    case 'regex':
      return (name, allowance) => {
        return pattern!.exec(name, allowance)?.reduce((text, group, i) => text.replaceAll(`{${i}}`, () => group), to)
      }
  }
}

/** Refuses a replacement that uses more groups than its pattern has, as CoreDNS counts them. */
export function checkGroups(to: Token, pattern: Pattern): void {
  let used = 0
  for (let group = 0; group <= 100; group++) if (to.text.includes(`{${group}}`)) used++
  if (used > pattern.groupCount)
    throw fail(`'${to.text}' uses ${used} groups, but '${pattern.source}' has ${pattern.groupCount}`, to)
}
