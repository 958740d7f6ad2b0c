/**
 * Templates in the language of Go's text/template, for the records of the `template` plugin: checked when the Corefile is
 * read, bounded when they are executed.
 */
import { execute } from './execute.ts'
import { parse } from './parser.ts'
import type { Value } from './value.ts'

export { ExecutionError, TemplateError } from './error.ts'
export type { Struct, Value } from './value.ts'

export interface Template {
  readonly source: string
  /** Whether the text is the same whatever the data. */
  readonly constant: boolean
  /** Throws ExecutionError. */
  execute(data: Value): string
}

/** Reads a template. Throws TemplateError with the place. */
export function compileTemplate(source: string): Template {
  const nodes = parse(source)
  const constant = nodes.every(({ kind }) => kind === 'text')
  return { source, constant, execute: (data) => execute(nodes, data) }
}
