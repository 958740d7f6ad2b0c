/** An unknown word, and the known ones. */
export interface UnknownWord {
  readonly word: string
  readonly known: readonly string[]
}

/** Why a template is invalid. `offset`: of the offending part in the template's text, in characters. */
export class TemplateError extends Error {
  readonly offset: number
  readonly unknown: UnknownWord | undefined
  constructor(message: string, offset: number, unknown?: UnknownWord) {
    super(message)
    this.name = 'TemplateError'
    this.offset = offset
    this.unknown = unknown
  }
}

/** Why a template that is valid cannot be executed with one set of data. */
export class ExecutionError extends Error {
  override readonly name = 'ExecutionError'
}

/** Characters of the template, or of a value, that an error shows. */
const maxQuoted = 64

/** The text in quotation marks, or its beginning. */
export const quote = (text: string): string =>
  JSON.stringify(text.length > maxQuoted ? `${text.slice(0, maxQuoted)}…` : text)
