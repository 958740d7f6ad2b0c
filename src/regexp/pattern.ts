/**
 * Regular expressions of a Corefile. The syntax is Go's (RE2), as CoreDNS reads it, and the engine is RE2's: its time is
 * linear in the text, so that no client can pick a name that keeps the server busy. V8's engine backtracks: `^(a+)+$`
 * takes 11 s on 29 octets there.
 */
import { RE2JS, RE2JSException } from 're2js'

/** CoreDNS refuses longer patterns. */
const maxPatternLength = 10_000

export interface Pattern {
  /** The pattern as it is written. */
  readonly source: string
  /** How many groups the pattern has, the whole match not counted. */
  readonly groupCount: number
  /** The numbers of named groups. */
  readonly groupNames: ReadonlyMap<string, number>
  /** Whether the pattern matches anywhere in `text`. Costs a tenth of `exec`. */
  test(text: string): boolean
  /** The leftmost match and its groups ('' for one that took no part, as in Go), or undefined. */
  exec(text: string): readonly string[] | undefined
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
  const compiled = compile(source)
  const groupCount = compiled.groupCount()
  return {
    source,
    groupCount,
    groupNames: new Map(Object.entries(compiled.namedGroups())),
    test: (text) => compiled.test(text),
    exec(text) {
      // The automaton behind `test` rejects most texts; only a match pays for its groups.
      if (!compiled.test(text)) return undefined
      const matcher = compiled.matcher(text)
      if (!matcher.find()) return undefined
      const groups: string[] = []
      for (let group = 0; group <= groupCount; group++) groups.push(matcher.group(group) ?? '')
      return groups
    },
  }
}

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
