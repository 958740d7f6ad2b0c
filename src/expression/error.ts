/** Why an expression is invalid. `offset`: of the offending part in the expression's text, in characters. */
export class ExpressionError extends Error {
  readonly offset: number
  constructor(message: string, offset: number) {
    super(message)
    this.name = 'ExpressionError'
    this.offset = offset
  }
}
