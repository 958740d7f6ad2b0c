import { fail } from '../corefile/read.ts'
import type { Token } from '../corefile/schema.ts'
import { compilePattern, type Pattern, PatternError } from '../regexp/index.ts'

/** Reads a word of the Corefile as a regular expression. Throws ConfigError at the part of the word that is invalid. */
export function readPattern(token: Token): Pattern {
  try {
    return compilePattern(token.text)
  } catch (error) {
    if (!(error instanceof PatternError)) throw error
    const quote = token.quoted ? 1 : 0
    throw fail(error.message, { ...token, at: { ...token.at, column: token.at.column + quote + error.offset } })
  }
}
