/** The operator `matches`: a pattern that stands in the expression is compiled once, another one in each evaluation. */
import { compilePattern, type Pattern, PatternError } from '../regexp/index.ts'
import { ExpressionError } from './error.ts'
import { EvaluationError, type Run, spend } from './value.ts'

/** Compiling costs about as much as so many steps for each character of the pattern. */
const stepsPerCharacter = 64

/** Throws ExpressionError. */
export function literalPattern(source: string, offset: number): Pattern {
  try {
    return compilePattern(source)
  } catch (error) {
    if (!(error instanceof PatternError)) throw error
    throw new ExpressionError(error.message, offset + 1 + error.offset)
  }
}

/** Throws EvaluationError where the pattern is invalid. */
export function matchAny<Context>(run: Run<Context>, text: string, source: string): boolean {
  spend(run, source.length * stepsPerCharacter)
  try {
    return compilePattern(source).test(text)
  } catch (error) {
    throw error instanceof PatternError ? new EvaluationError(error.message) : error
  }
}
