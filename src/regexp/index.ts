/** Regular expressions of a Corefile: RE2's syntax and engine, and what can be proven of a pattern. */
export { literalSuffix } from './literal-suffix.ts'
export { compilePattern, type Pattern, PatternError } from './pattern.ts'
