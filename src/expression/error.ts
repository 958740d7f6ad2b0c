/** An unknown word, and the known ones. */
export interface UnknownWord {
  readonly word: string
  readonly known: readonly string[]
}

/** Why an expression is invalid. `offset`: of the offending part in the expression's text, in characters. */
export class ExpressionError extends Error {
  readonly offset: number
  readonly unknown: UnknownWord | undefined
  constructor(message: string, offset: number, unknown?: UnknownWord) {
    super(message)
    this.name = 'ExpressionError'
    this.offset = offset
    this.unknown = unknown
  }
}
