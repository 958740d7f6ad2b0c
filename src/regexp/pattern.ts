/**
 * Regular expressions of a Corefile. The syntax is Go's (RE2), as CoreDNS reads it: re2js reads and compiles it. The
 * search is matcher.ts: linear in the text, bounded in steps and memory, so that no client can choose a name that keeps
 * the server busy. V8's engine backtracks: `^(a+)+$` takes 11 s on 29 octets there.
 */
import { RE2JS, RE2JSException } from 're2js'
import { type Literal, literalsOf } from './literals.ts'
import { found, type StepAllowance, search } from './matcher.ts'
import { type CompiledProgram, translate } from './program.ts'
import { estimateInstructions, maxInstructions } from './size.ts'

/** CoreDNS refuses longer patterns. */
const maxPatternLength = 10_000

export interface Pattern {
  /** The pattern as written. */
  readonly source: string
  /** How many groups the pattern has, the whole match not counted. */
  readonly groupCount: number
  /** The numbers of named groups. */
  readonly groupNames: ReadonlyMap<string, number>
  /** Whether the pattern matches anywhere in `text`. Throws StepsError. */
  test(text: string, allowance?: StepAllowance): boolean
  /** The leftmost match and its groups ('' for one that took no part, as in Go), or undefined. Throws StepsError. */
  exec(text: string, allowance?: StepAllowance): readonly string[] | undefined
}

/** Why a pattern is invalid. `offset`: of the offending part in the pattern, in characters. */
export class PatternError extends Error {
  readonly offset: number
  constructor(message: string, offset: number) {
    super(message)
    this.name = 'PatternError'
    this.offset = offset
  }
}

/** Compiles a pattern of Go's syntax. Throws PatternError. */
export function compilePattern(source: string): Pattern {
  if (source.length > maxPatternLength)
    throw new PatternError(`regular expression must not exceed ${maxPatternLength} characters`, maxPatternLength)
  const estimate = estimateInstructions(source)
  if (estimate > maxInstructions) throw tooLarge(estimate)
  const compiled = compile(source)
  const groupCount = compiled.groupCount()
  // A group that is repeated zero times is not in the program.
  const known = { source, literals: exactLiterals(source), slots: 2 * (groupCount + 1) }
  const program = translate(compiled.re2().prog as CompiledProgram, known)
  if (program.operations.length > maxInstructions) throw tooLarge(program.operations.length)
  return {
    source,
    groupCount,
    groupNames: new Map(Object.entries(compiled.namedGroups())),
    test: (text, allowance) => search(program, text, false, allowance),
    exec: (text, allowance) => (search(program, text, true, allowance) ? groupsOf(text, groupCount) : undefined),
  }
}

/** Flags let a text without the literals match: `(?i)s` matches `ſ`, `(?m)^a` a second line. */
const exactLiterals = (source: string): readonly Literal[] => (/\(\?[^:P<]/.test(source) ? [] : literalsOf(source))

function groupsOf(text: string, groupCount: number): readonly string[] {
  const places = found()
  const groups: string[] = []
  for (let group = 0; group <= groupCount; group++) {
    const [from, to] = [places[2 * group], places[2 * group + 1]]
    groups.push(from < 0 || to < 0 ? '' : text.slice(from, to))
  }
  return groups
}

const tooLarge = (instructions: number): PatternError =>
  new PatternError(
    `regular expression is too large: it has ${instructions} parts with its repetitions written out, at most ${maxInstructions}`,
    0,
  )

function compile(source: string): RE2JS {
  try {
    return RE2JS.compile(source)
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error
    const fragment = /`(.*)`$/s.exec(error.message)?.[1] ?? ''
    const offset = fragment === '' ? 0 : Math.max(0, source.lastIndexOf(fragment))
    throw new PatternError(error.message.replace(/^error parsing regexp: /, 'invalid regular expression: '), offset)
  }
}
