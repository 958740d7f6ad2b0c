/**
 * Expressions of `view` and `template` in the language of expr-lang (github.com/expr-lang/expr): text to a function that
 * is checked before any query, and bounded in steps. What it leaves out is in docs/differences.md.
 */
export { isReserved } from './calls.ts'
export { compileExpression, type Expression } from './compile.ts'
export { ExpressionError } from './error.ts'
export { keywords, parse as parseExpression } from './parser.ts'
export type { Node } from './syntax.ts'
export type { Environment, FunctionSpec } from './typed.ts'
export { EvaluationError, type Type, type Value } from './value.ts'
