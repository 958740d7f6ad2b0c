/** The Corefile inside a ConfigMap, as it is kept in files or as `kubectl get configmap -o yaml` prints it. */
import { isMap, isScalar, LineCounter, type Node, parseAllDocuments, Scalar, type YAMLMap } from 'yaml'

/** A Corefile with the way from its lines to those of the file that it is written in. */
export interface Source {
  readonly text: string
  /** Line and column in the file, both from 1, of a place in the text. */
  place(line: number, column: number): { readonly line: number; readonly column: number }
}

const key = 'Corefile'

/** A file that holds the text and nothing else. */
export const wholeFile = (text: string): Source => ({ text, place: (line, column) => ({ line, column }) })

/** Whether the text is an object of the API rather than a Corefile: no Corefile begins with one of these. */
export const isObject = (text: string): boolean =>
  /^(?:\s|#.*\n|---[ \t\r]*\n)*(?:\{\s*"|(?:apiVersion|kind):\s)/.test(text)

/** The Corefile of the first ConfigMap that has one, also in a List. Throws Error with the reason. */
export function corefileOf(text: string): Source {
  const lines = new LineCounter()
  const documents = parseAllDocuments(text, { lineCounter: lines, uniqueKeys: true })
  for (const { errors } of documents) if (errors.length > 0) throw new Error(`not valid YAML: ${errors[0].message}`)
  const objects = documents.flatMap(({ contents }) => objectsOf(contents))
  const maps = objects.filter((object) => object.get('kind') === 'ConfigMap')
  if (maps.length === 0) throw new Error('no ConfigMap is in it')
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
  // Of a quoted text, lines and columns are not those of the file: everything is where it begins.
  if (scalar.type !== Scalar.BLOCK_LITERAL)
    return { text: scalar.value, place: () => ({ line: start.line, column: start.col }) }
  const first = text.split('\n')[start.line] ?? ''
  const indent = first.length - first.trimStart().length
  return { text: scalar.value, place: (line, column) => ({ line: start.line + line, column: column + indent }) }
}
