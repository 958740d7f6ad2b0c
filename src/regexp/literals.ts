/**
 * Texts that every match of a pattern provably contains: `(.*)\.svc\.example\.org\.$` ends with `.svc.example.org.`,
 * `^api-` begins with `api-`, `\.consul` contains `.consul`. Names without them need not be tested, and missing ones
 * can be denied.
 */

import { alternativesOf, type Part } from './parts.ts'

export interface Literal {
  readonly at: 'start' | 'end' | 'anywhere'
  readonly text: string
}

/**
 * In lower case, like the names that are tested; [] where nothing is proven. The pattern must be valid (see
 * pattern.ts).
 */
export function literalsOf(source: string): readonly Literal[] {
  const parts = flat(alternativesOf(source) ?? [])
  const last = parts.findLastIndex(({ kind }) => kind !== 'end')
  const first = parts.findIndex(({ kind }) => kind !== 'begin')
  const runs = runsOf(parts)
  const found: Literal[] = []
  const end = runs.find((run) => run.to === last && last < parts.length - 1)
  if (end) found.push({ at: 'end', text: end.text })
  const start = runs.find((run) => run.from === first && first > 0)
  if (start) found.push({ at: 'start', text: start.text })
  const rest = runs.filter((run) => run !== end && run !== start)
  const longest = rest.reduce((most, { text }) => (text.length > most.length ? text : most), '')
  if (longest !== '') found.push({ at: 'anywhere', text: longest })
  return found
}

/** Several alternatives prove nothing. */
function flat(alternatives: readonly (readonly Part[])[]): readonly Part[] {
  if (alternatives.length !== 1) return [{ kind: 'other' }]
  return alternatives[0].flatMap((part) => (part.kind === 'group' ? flat(part.alternatives) : [part]))
}

/** Joins adjacent literals. */
function runsOf(parts: readonly Part[]): { readonly from: number; readonly to: number; readonly text: string }[] {
  const runs: { from: number; to: number; text: string }[] = []
  for (const [at, part] of parts.entries()) {
    if (part.kind !== 'literal') continue
    const text = part.text.toLowerCase()
    const before = runs.at(-1)
    if (before?.to === at - 1) runs[runs.length - 1] = { from: before.from, to: at, text: before.text + text }
    else runs.push({ from: at, to: at, text })
  }
  return runs
}
