/** The set of names that a pattern matches, where it can be proven. */
import { alternativesOf, type Part } from './parts.ts'

/** Names that a pattern matches: all of them, one, or those below a name. */
export type Names =
  | { readonly kind: 'all' }
  | { readonly kind: 'one'; readonly name: string }
  | { readonly kind: 'below'; readonly zone: string }

/** More than a hand-written pattern has. */
const maxAlternatives = 64

/**
 * The lower-case names that the pattern matches, of `^a\.example\.$`, `^(a|b)\.example\.$`, `\.example\.$`,
 * `(^|\.)example\.$`, `.*` and the like. Undefined where the pattern proves nothing.
 */
export function namesOf(source: string): readonly Names[] | undefined {
  const sequences = expanded(alternativesOf(source))
  if (sequences === undefined) return undefined
  const found = sequences.map(namesOfSequence)
  return found.every((names) => names !== undefined) ? found : undefined
}

/** The alternatives without groups, written out; undefined where there are too many. */
function expanded(alternatives: readonly (readonly Part[])[] | undefined): readonly (readonly Part[])[] | undefined {
  const found: (readonly Part[])[] = []
  for (const parts of alternatives ?? []) {
    let sequences: readonly (readonly Part[])[] = [[]]
    for (const part of parts) {
      const next = part.kind === 'group' ? expanded(part.alternatives) : [[part]]
      if (next === undefined || next.length * sequences.length > maxAlternatives) return undefined
      sequences = sequences.flatMap((before) => next.map((after) => [...before, ...after]))
    }
    found.push(...sequences)
  }
  return alternatives === undefined || found.length > maxAlternatives ? undefined : found
}

function namesOfSequence(parts: readonly Part[]): Names | undefined {
  const begins = parts[0]?.kind === 'begin'
  const ends = parts.at(-1)?.kind === 'end'
  const inner = parts.slice(begins ? 1 : 0, ends ? -1 : undefined)
  // `.+.+` needs two characters; the root name has one.
  if (inner.filter(({ kind }) => kind === 'anything').length > 1) return undefined
  if (inner.every(({ kind }) => kind === 'anything'))
    return begins && ends && inner.length === 0 ? undefined : { kind: 'all' }
  const leading = inner.findIndex(({ kind }) => kind !== 'anything')
  const literals = inner.slice(leading)
  const text = literals.map((part) => (part.kind === 'literal' ? part.text : undefined)).join('')
  if (!ends || literals.some(({ kind }) => kind !== 'literal') || !isPlainName(text.replace(/^\./, '')))
    return undefined
  if (begins && leading === 0) return text.startsWith('.') ? undefined : { kind: 'one', name: text }
  return text.startsWith('.') ? { kind: 'below', zone: text.slice(1) } : undefined
}

/** Lower case, absolute, and written without escapes. */
const isPlainName = (text: string): boolean => /^(?:[a-z0-9_*-]+\.)+$/.test(text)
