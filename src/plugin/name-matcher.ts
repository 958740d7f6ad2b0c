/**
 * Sets of names that a directive speaks of, as `transparencyOf` needs them: an exact test for a name, and what all of its
 * names have in common. Names are lower case and absolute; texts are compared as they are written, escapes included.
 */
import { isSubdomain } from '../dns/name.ts'
import { literalsOf, type StepAllowance, StepsError } from '../regexp/index.ts'
import type { NameText } from '../table/spec.ts'

export interface NameMatcher {
  /** With an allowance it throws StepsError; without, a name on which the search takes too many steps matches. */
  matches(name: string, allowance?: StepAllowance): boolean
  /** Every match is this name or below it. Without texts the table can leave the zone to the chain as one. */
  readonly zone?: string
  /** What every match has in it: the data plane looks for it in names that the table does not have. */
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
 * Names that a regular expression finds. Where they can be is limited by the texts that every match has: `^api-` by what
 * names begin with, `\.example\.com\.$` by what they end with, `\.example\.com` by what is in them.
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

/** Without escapes, which the data plane does not write: a text that has one is no condition there. */
const plain = (...texts: readonly NameText[]): readonly NameText[] =>
  texts.filter(({ text }) => /^[!#-&*-:<-?A-[\]-~]+$/.test(text))
