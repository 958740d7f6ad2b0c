/** Why a template is invalid. `offset`: of the offending part in the template's text, in characters. */
export class TemplateError extends Error {
  readonly offset: number
  constructor(message: string, offset: number) {
    super(message)
    this.name = 'TemplateError'
    this.offset = offset
  }
}

/** Why a template that is valid cannot be executed with one set of data. */
export class ExecutionError extends Error {
  override readonly name = 'ExecutionError'
}
