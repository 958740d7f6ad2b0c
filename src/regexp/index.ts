/** Regular expressions of a Corefile: RE2's syntax, a search bounded in steps, and proofs of what a pattern matches. */
export { literalsOf } from './literals.ts'
export { beginWithin, type StepAllowance, StepsError, stepsTaken } from './matcher.ts'
export { type Names, namesOf } from './names.ts'
export { compilePattern, type Pattern, PatternError } from './pattern.ts'
export { estimateInstructions } from './size.ts'
