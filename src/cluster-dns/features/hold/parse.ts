/** `slicedns.io/hold`: how long a question for an endpoint that is not there yet may wait for it. */
import { type Parsed, parsed, problem } from '../../annotations/parsed.ts'

/** Clients ask again, or give up, after five seconds; some after two. */
const longest = 3000

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
/** No duration that anybody means is longer; what is not looked at cannot cost time. */
const longestText = 32

/** Milliseconds. */
export function parseHold(text: string): Parsed<number> {
  const milliseconds = parseDuration(text.trim())
  if (milliseconds === undefined) return problem('syntax', 'it must be a duration with its unit, such as 2s or 1500ms')
  if (milliseconds > 0 && milliseconds <= longest) return parsed(milliseconds)
  return problem('range', 'it must be longer than 0s, and at most 3s')
}

function parseDuration(text: string): number | undefined {
  if (text === '' || text.length > longestText) return undefined
  let sum = 0
  let at = 0
  while (at < text.length) {
    part.lastIndex = at
    const found = part.exec(text)
    if (!found) return undefined
    sum += Number(found[1]) * units[found[2]!]!
    at = part.lastIndex
  }
  return sum
}
