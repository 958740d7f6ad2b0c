/** The operator `matches`: a literal pattern is compiled once, a computed one in each evaluation. */
import { compilePattern, estimateInstructions, type Pattern, PatternError, stepsTaken } from '../regexp/index.ts'
import { ExpressionError } from './error.ts'
import { EvaluationError, type Run, searchSteps, spend } from './value.ts'

/** Compiling one instruction of a pattern costs about as much as processing so many characters. */
const charactersPerInstruction = 4096

/** One step of an expression is 64 characters. */
const charactersPerStep = Math.floor(64 / searchSteps)

/** Throws ExpressionError. */
export function literalPattern(source: string, offset: number): Pattern {
  try {
    return compilePattern(source)
  } catch (error) {
    if (!(error instanceof PatternError)) throw error
    throw new ExpressionError(error.message, offset + 1 + error.offset)
  }
}

/** Throws EvaluationError where the pattern is invalid, and StepsError. */
export function matchAny<Context>(run: Run<Context>, text: string, source: string): boolean {
  spend(run, estimateInstructions(source) * charactersPerInstruction)
  try {
    return matchOne(run, text, compilePattern(source))
  } catch (error) {
    throw error instanceof PatternError ? new EvaluationError(error.message) : error
  }
}

/** The steps of the search count as steps of the evaluation. Throws StepsError. */
export function matchOne<Context>(run: Run<Context>, text: string, pattern: Pattern): boolean {
  try {
    return pattern.test(text)
  } finally {
    spend(run, stepsTaken() * charactersPerStep)
  }
}
