/** The Corefile inside a ConfigMap, from a file or from `kubectl get configmap -o yaml`. */
import { isMap, isScalar, LineCounter, type Node, parseAllDocuments, Scalar, type YAMLMap } from 'yaml'

/** A Corefile, with the positions of its text in the file that contains it. */
export interface Source {
  readonly text: string
  /** Line and column in the file, both from 1, of a position in the text. */
  place(line: number, column: number): { readonly line: number; readonly column: number }
}

const key = 'Corefile'

/** A file that contains only the text. */
export const wholeFile = (text: string): Source => ({ text, place: (line, column) => ({ line, column }) })

/** Whether the text is a Kubernetes object rather than a Corefile, which never begins like that. */
export const isObject = (text: string): boolean =>
  /^(?:\s|#.*\n|---[ \t\r]*\n)*(?:\{\s*"|(?:apiVersion|kind):\s)/.test(text)

/** The Corefile of the first ConfigMap that has one, possibly in a List. Throws an Error with the reason. */
export function corefileOf(text: string): Source {
  const lines = new LineCounter()
  const documents = parseAllDocuments(text, { lineCounter: lines, uniqueKeys: true })
  for (const { errors } of documents) if (errors.length > 0) throw new Error(`not valid YAML: ${errors[0].message}`)
  const objects = documents.flatMap(({ contents }) => objectsOf(contents))
  const maps = objects.filter((object) => object.get('kind') === 'ConfigMap')
  if (maps.length === 0) throw new Error('it contains no ConfigMap')
  for (const map of maps) {
    const found = map.getIn(['data', key], true)
    if (isScalar(found) && typeof found.value === 'string') return sourceOf(found as Scalar<string>, text, lines)
  }
  const names = maps.map(
    (map) => `${map.getIn(['metadata', 'namespace']) ?? ''}/${map.getIn(['metadata', 'name']) ?? ''}`,
  )
  throw new Error(`ConfigMap ${names.join(', ')} has no key ${key} in its data`)
}

function objectsOf(contents: Node | null): YAMLMap[] {
  if (!isMap(contents)) return []
  const items = contents.get('kind') === 'List' ? contents.get('items', true) : undefined
  return items && 'items' in items
    ? (items.items as unknown[]).filter((item): item is YAMLMap => isMap(item))
    : [contents]
}

function sourceOf(scalar: Scalar<string>, text: string, lines: LineCounter): Source {
  const start = lines.linePos(scalar.range?.[0] ?? 0)
  // In a quoted text, lines and columns differ from the file's: every position becomes its beginning.
  if (scalar.type !== Scalar.BLOCK_LITERAL)
    return { text: scalar.value, place: () => ({ line: start.line, column: start.col }) }
  const first = text.split('\n')[start.line] ?? ''
  const indent = first.length - first.trimStart().length
  return { text: scalar.value, place: (line, column) => ({ line: start.line + line, column: column + indent }) }
}
