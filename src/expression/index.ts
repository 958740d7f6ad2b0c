/**
 * Expressions of `view` and `template` in the language of expr-lang (github.com/expr-lang/expr): text to a function that
 * is checked before any query, and bounded in steps. What it leaves out is in docs/differences.md.
 */
export {
  compileExpression,
  type Environment,
  type Expression,
  type FunctionSpec,
  isReserved,
} from './compile.ts'
export { ExpressionError } from './error.ts'
export { keywords, parse as parseExpression } from './parser.ts'
export type { Node } from './syntax.ts'
export { EvaluationError, type Type, type Value } from './value.ts'
