/**
 * Sets of names that a directive's rules match, as `transparencyOf` needs them: an exact test for a name, and what all
 * matching names have in common. Names are lower case and absolute; texts are compared as they are written, escapes
 * included.
 */
import { isSubdomain } from '../dns/name.ts'
import { literalsOf, type StepAllowance, StepsError } from '../regexp/index.ts'
import type { NameText } from '../table/spec.ts'

export interface NameMatcher {
  /** With an allowance it throws StepsError; without, a name on which the search takes too many steps matches. */
  matches(name: string, allowance?: StepAllowance): boolean
  /** Every match is this name or below it. Without texts the table can leave the zone to the chain as one. */
  readonly zone?: string
  /** Texts that every match contains: the data plane looks for them in names that the table lacks. */
  readonly texts?: readonly NameText[]
}

export function exactMatcher(wanted: string): NameMatcher {
  return { matches: (name) => name === wanted, zone: wanted }
}

/** The name and all below it. */
export function zoneMatcher(zone: string): NameMatcher {
  return { matches: (name) => isSubdomain(zone, name), zone }
}

export const everyName: NameMatcher = { matches: () => true }

/** Names that begin with the text, which need not end at a label. Such a name can be below any name. */
export function prefixMatcher(text: string): NameMatcher {
  return { matches: (name) => name.startsWith(text), texts: plain({ at: 'start', text }) }
}

export function substringMatcher(text: string): NameMatcher {
  return { matches: (name) => name.includes(text), texts: plain({ at: 'anywhere', text }) }
}

/** Names that end with the text, which need not begin at a label. */
export function suffixMatcher(text: string): NameMatcher {
  return { matches: (name) => name.endsWith(text), texts: plain({ at: 'end', text }) }
}

/** What tests a name: a RegExp without the flags `g` and `y`, or another engine's. `source` is the expression. */
export interface NamePattern {
  readonly source: string
  test(name: string, allowance?: StepAllowance): boolean
}

/**
 * Names that a regular expression matches. The texts that every match contains limit them: `^api-` gives a prefix,
 * `\.example\.com\.$` a suffix, `\.example\.com` a substring.
 */
export function patternMatcher(pattern: NamePattern): NameMatcher {
  return {
    matches: (name, allowance) => mayFind(pattern, name, allowance),
    texts: plain(...literalsOf(pattern.source)),
  }
}

/** A name on which the search takes too many steps is claimed: the plugin refuses it. */
function mayFind(pattern: NamePattern, name: string, allowance: StepAllowance | undefined): boolean {
  try {
    return pattern.test(name, allowance)
  } catch (error) {
    if (allowance === undefined && error instanceof StepsError) return true
    throw error
  }
}

/** Only the texts that names spell without escapes: the data plane compares unescaped octets. */
const plain = (...texts: readonly NameText[]): readonly NameText[] =>
  texts.filter(({ text }) => /^[!#-&*-:<-?A-[\]-~]+$/.test(text))
