/** TO of `rewrite name regex FROM TO metadata`, with groups and metadata of the query inserted. */
import { fail } from '../../../corefile/read.ts'
import type { Token } from '../../../corefile/schema.ts'
import { isMetadataLabel } from '../../../plugin/metadata-label.ts'
import type { Query } from '../../../plugin/query.ts'
import type { Pattern } from '../../../regexp/index.ts'
import { escaped } from '../names.ts'

/** The rewritten query name, or undefined where the rule does not apply. */
export type Expand = (query: Query) => string | undefined

type Part =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'group'; readonly group: number }
  | { readonly kind: 'label'; readonly label: string }

/** Throws ConfigError. */
export function readMetadataReplacement(to: Token, pattern: Pattern): Expand {
  const text = to.text.endsWith('.') ? to.text : `${to.text}.`
  const parts = readParts(text, to, pattern.groupCount)
  return (query) => {
    const groups = pattern.exec(query.name, query.budget.steps)
    if (groups === undefined) return undefined
    let name = ''
    for (const part of parts) {
      const piece = textOf(part, groups, query)
      if (piece === undefined) return undefined
      name += piece
    }
    return name
  }
}

/** Undefined for a label without a value: the rule is skipped. */
function textOf(part: Part, groups: readonly string[], query: Query): string | undefined {
  if (part.kind === 'literal') return part.text
  if (part.kind === 'group') return groups[part.group]
  const found = query.metadata?.(part.label)
  return found === undefined || found === '' ? undefined : escaped(found.toLowerCase())
}

function readParts(text: string, place: Token, groups: number): readonly Part[] {
  const parts: Part[] = []
  for (const [, literal, placeholder, stray] of text.matchAll(/([^{}]+)|\{([^{}]*)\}|([{}])/g)) {
    if (stray !== undefined)
      throw fail(stray === '{' ? `unclosed placeholder in '${text}'` : `unmatched '}' in '${text}'`, place)
    if (literal !== undefined) parts.push({ kind: 'literal', text: escaped(literal.toLowerCase()) })
    else if (/^[+-]?\d+$/.test(placeholder))
      parts.push({ kind: 'group', group: groupNumber(placeholder, groups, place) })
    else if (isMetadataLabel(placeholder)) parts.push({ kind: 'label', label: placeholder })
    else throw fail(`invalid metadata label '${placeholder}': must be written plugin/label`, place)
  }
  return parts
}

function groupNumber(text: string, groups: number, place: Token): number {
  const group = Number(text)
  if (group < 0 || group > groups) throw fail(`group {${text}} does not exist: the pattern has ${groups}`, place)
  return group
}
