/** Regular expressions of a Corefile: RE2's syntax and engine, and what can be proven of a pattern. */
export { literalsOf } from './literals.ts'
export { type Names, namesOf } from './names.ts'
export { compilePattern, type Pattern, PatternError } from './pattern.ts'
