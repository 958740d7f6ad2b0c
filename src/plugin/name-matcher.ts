/**
 * Sets of names that a directive speaks of, as `transparencyOf` needs them: an exact test for a name, and a safe one for
 * everything below it. Names are lower case and absolute; texts are compared as they are written, escapes included.
 */
import { isSubdomain } from '../dns/name.ts'
import { literalSuffix } from '../regexp/index.ts'

export interface NameMatcher {
  matches(name: string): boolean
  /** Whether a name at or below this one may match. May claim too much, never too little. */
  mayMatchBelow(name: string): boolean
  /** Every match is this name or below it: the table can leave it to the chain as one. */
  readonly zone?: string
}

export function exactMatcher(wanted: string): NameMatcher {
  return { matches: (name) => name === wanted, mayMatchBelow: (name) => isSubdomain(name, wanted), zone: wanted }
}

/** The name and all below it. */
export function zoneMatcher(zone: string): NameMatcher {
  return {
    matches: (name) => isSubdomain(zone, name),
    mayMatchBelow: (name) => isSubdomain(zone, name) || isSubdomain(name, zone),
    zone,
  }
}

/** Names that begin with the text, which need not end at a label. Such a name can be below any name. */
export function prefixMatcher(text: string): NameMatcher {
  return { matches: (name) => name.startsWith(text), mayMatchBelow: () => true }
}

export function substringMatcher(text: string): NameMatcher {
  return { matches: (name) => name.includes(text), mayMatchBelow: () => true }
}

/** Names that end with the text, which need not begin at a label. */
export function suffixMatcher(text: string): NameMatcher {
  return { matches: (name) => name.endsWith(text), mayMatchBelow: (name) => mayEndWith(name, text) }
}

/** What tests a name: a RegExp without the flags `g` and `y`, or another engine's. `source` is the expression. */
export interface NamePattern {
  readonly source: string
  test(name: string): boolean
}

/**
 * Names that a regular expression finds. Only a literal end of the expression, such as `\.example\.com\.$`, limits
 * where they can be; without one (`^api-`) every missing name is the chain's.
 */
export function patternMatcher(pattern: NamePattern): NameMatcher {
  const suffix = literalSuffix(pattern.source)
  return { matches: (name) => pattern.test(name), mayMatchBelow: (name) => mayEndWith(name, suffix) }
}

/** Whether `name`, or a name below it, can end with the text. */
function mayEndWith(name: string, suffix: string): boolean {
  const below = name === '.' ? '.' : `.${name}`
  return below.endsWith(suffix) || suffix.endsWith(below) || suffix === name
}
