/** The Kubernetes objects in the text of a manifest: YAML or JSON, several documents, lists. */
import { LineCounter, parseAllDocuments } from 'yaml'

export interface ManifestObject {
  readonly kind: string
  readonly object: Readonly<Record<string, unknown>>
  /** Where its document begins, from 1. */
  readonly line: number
}

/** A text that does not parse. `message` has no place in it; `line` counts from 1. */
export class ManifestError extends Error {
  override name = 'ManifestError'
  readonly line: number
  constructor(message: string, line: number) {
    super(message)
    this.line = line
  }
}

/** Every object with a kind, lists unfolded. Throws ManifestError. */
export function parseManifest(text: string): ManifestObject[] {
  const lines = new LineCounter()
  const found: ManifestObject[] = []
  const documents = parseAllDocuments(text, { lineCounter: lines })
  if (!Array.isArray(documents)) return found
  for (const document of documents) {
    const [error] = document.errors
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
      // An alias to nothing, or more aliases than the parser allows.
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
