/** The Kubernetes objects in the text of a manifest: YAML or JSON, several documents, lists. */
import { type Document, isMap, isPair, isScalar, LineCounter, parseAllDocuments, visit, type YAMLMap } from 'yaml'
import { oneLine } from '../../telemetry/quoted.ts'

export interface ManifestObject {
  readonly kind: string
  readonly object: Readonly<Record<string, unknown>>
  /** Line at which its document begins, from 1. */
  readonly line: number
}

/** A manifest that does not parse. `message` has no position; `line` counts from 1. */
export class ManifestError extends Error {
  override name = 'ManifestError'
  readonly line: number
  constructor(message: string, line: number) {
    super(message)
    this.line = line
  }
}

/**
 * Every object with a kind, lists expanded. Throws ManifestError. `warn` gets the problems of objects that are still
 * accepted.
 */
export function parseManifest(
  text: string,
  warn: (message: string, line: number) => void = () => {},
): ManifestObject[] {
  const lines = new LineCounter()
  const found: ManifestObject[] = []
  const documents = parseAllDocuments(text, { lineCounter: lines })
  if (!Array.isArray(documents)) return found
  for (const document of documents) {
    const repeated = repeatedAnnotations(document)
    for (const { message, at } of repeated.values()) warn(message, lines.linePos(at).line)
    const error = document.errors.find(({ pos }) => !repeated.has(pos[0]))
    if (error !== undefined) {
      throw new ManifestError(
        error.message.split('\n')[0].replace(/ at line .*$/, ''),
        lines.linePos(error.pos[0]).line,
      )
    }
    const line = lines.linePos(document.contents?.range?.[0] ?? document.range[0]).line
    try {
      unfold(document.toJS(), line, found)
    } catch (error) {
      // An alias without an anchor, or more aliases than the parser allows.
      throw error instanceof ManifestError ? error : new ManifestError((error as Error).message, line)
    }
  }
  return found
}

function unfold(value: unknown, line: number, found: ManifestObject[]): void {
  if (value === null || value === undefined) return
  if (typeof value !== 'object' || Array.isArray(value)) throw new ManifestError('the document is not an object', line)
  const object = value as Record<string, unknown>
  if (typeof object.kind !== 'string') throw new ManifestError('the object has no kind', line)
  if (object.kind.endsWith('List') && Array.isArray(object.items)) {
    for (const item of object.items) unfold(item, line, found)
    return
  }
  found.push({ kind: object.kind, object, line })
}

interface Repeated {
  readonly message: string
  /** Position in the text. */
  readonly at: number
}

/**
 * Annotations that occur twice, by position: no Service is dropped because of them. As with an API server the last one
 * counts. Any other duplicate key is an error, because its meaning is ambiguous.
 */
function repeatedAnnotations(document: Document.Parsed): ReadonlyMap<number, Repeated> {
  const repeated = new Map<number, Repeated>()
  const places = new Set(document.errors.filter(({ code }) => code === 'DUPLICATE_KEY').map(({ pos }) => pos[0]))
  if (places.size === 0) return repeated
  visit(document, {
    Pair(_, { key }, path) {
      if (!isScalar(key) || !key.range || !places.has(key.range[0])) return
      const owner = path.at(-2)
      if (!isPair(owner) || !isScalar(owner.key) || owner.key.value !== 'annotations') return
      const [at] = key.range
      const object = path.findLast((node): node is YAMLMap => isMap(node) && node.has('kind'))
      const message = `${nameOf(object)}: annotation ${oneLine(String(key.value))} is there twice: the last one counts`
      repeated.set(at, { message, at })
    },
  })
  return repeated
}

function nameOf(object: YAMLMap | undefined): string {
  const parts = [
    ['metadata', 'namespace'],
    ['metadata', 'name'],
  ].map((path) => object?.getIn(path) ?? '')
  return oneLine(`${object?.get('kind')} ${parts.filter((part) => part !== '').join('/')}`)
}
