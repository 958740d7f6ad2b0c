/** `slicedns.io/hold`: how long a query waits for an endpoint that does not exist yet. */
import { type NamedAnnotation, type Parsed, parsed, problem } from '../../annotations/annotation.ts'

/** Milliseconds. Clients retry or give up after five seconds, some after two. */
const maxHold = 3000

/** Milliseconds of each unit of a Go duration. */
const units: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}
const part = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/y
/** Characters. No sensible duration is longer, and text that is not read costs no time. */
const maxText = 32

/** The value is in milliseconds. */
export const holdAnnotation: NamedAnnotation<number> = { key: 'hold', on: ['Service'], parse: parseHold }

function parseHold(text: string): Parsed<number> {
  const milliseconds = parseDuration(text.trim())
  if (milliseconds === undefined) return problem('syntax', 'must be a duration with its unit, such as 2s or 1500ms')
  if (milliseconds > 0 && milliseconds <= maxHold) return parsed(milliseconds)
  return problem('range', 'must be longer than 0s and at most 3s')
}

function parseDuration(text: string): number | undefined {
  if (text === '' || text.length > maxText) return undefined
  let sum = 0
  let at = 0
  while (at < text.length) {
    part.lastIndex = at
    const match = part.exec(text)
    if (!match) return undefined
    sum += Number(match[1]) * units[match[2]]
    at = part.lastIndex
  }
  return sum
}
