/**
 * The subset of YAML that kubectl writes: block mappings and lists of mappings, with unambiguous scalars. The YAML parser and
 * @kubernetes/client-node would add 60 ms to a start, so such files are read without them.
 */

export type PlainValue = string | boolean | null | PlainValue[] | PlainMapping
export interface PlainMapping {
  readonly [key: string]: PlainValue
}

interface Entry {
  readonly column: number
  /** Undefined: the dash of a list item, whose first entry follows. */
  readonly key: string | undefined
  readonly value: PlainValue | undefined
}

/** Deeper than any kubeconfig. */
const deepest = 16

/** Undefined for any other notation, which is left to the YAML parser. */
export function parsePlainYaml(text: string): PlainMapping | undefined {
  const entries: Entry[] = []
  for (const line of text.replace(/^---\n/, '').split('\n')) {
    if (/^ *(#|$)/.test(line)) continue
    const found = /^( *)(?:-( +))?([A-Za-z][\w.-]*):(?: +(\S.*?))? *$/.exec(line)
    if (found === null) return undefined
    const [, indent, gap, key, written] = found
    // A null key: its meaning is left to the parser.
    if (/^null$/i.test(key)) return undefined
    const value = written === undefined ? undefined : scalar(written)
    if (written !== undefined && value === undefined) return undefined
    let column = indent.length
    if (gap !== undefined) {
      entries.push({ column, key: undefined, value: undefined })
      column += 1 + gap.length
    }
    entries.push({ column, key, value })
  }
  const reader = createReader(entries)
  const document = reader.mapping(0, 0)
  return reader.atEnd() ? document : undefined
}

/** Undefined for scalars that YAML may interpret as something other than their characters. */
function scalar(text: string): PlainValue | undefined {
  if (text === '{}') return {}
  if (text === '[]') return []
  const quoted = /^(?:"([^"\\]*)"|'([^']*)')$/.exec(text)
  if (quoted !== null) return quoted[1] ?? quoted[2]
  if (text === 'true' || text === 'false') return text === 'true'
  if (/^(null|true|false)$/i.test(text)) return undefined
  return /^[A-Za-z/](?:[\w+/=.:@-]*[\w+/=.@-])?$/.test(text) ? text : undefined
}

function createReader(entries: readonly Entry[]) {
  let next = 0

  function mapping(column: number, depth: number): PlainMapping | undefined {
    const read: Record<string, PlainValue> = Object.create(null)
    for (let entry = entries[next]; entry?.key !== undefined && entry.column === column; entry = entries[next]) {
      const { key, value } = entry
      next++
      const inner = value ?? block(column, depth + 1)
      if (inner === undefined || key in read) return undefined
      read[key] = inner
    }
    return read
  }

  /** What follows a key without a value: nothing, something indented, or a list that begins below the key. */
  function block(column: number, depth: number): PlainValue | undefined {
    const entry = entries[next]
    if (depth > deepest) return undefined
    if (entry?.key === undefined && entry !== undefined && entry.column >= column) return list(entry.column, depth)
    return entry !== undefined && entry.column > column ? mapping(entry.column, depth) : null
  }

  function list(column: number, depth: number): PlainValue[] | undefined {
    const items: PlainValue[] = []
    while (entries[next] !== undefined && entries[next].key === undefined && entries[next].column === column) {
      next++
      const item = mapping(entries[next].column, depth + 1)
      if (item === undefined) return undefined
      items.push(item)
    }
    return items
  }

  return { mapping, atEnd: () => next === entries.length }
}
