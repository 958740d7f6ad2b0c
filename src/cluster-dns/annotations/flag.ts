/** Annotations that switch something on. */
import { type Parsed, parsed, problem } from './parsed.ts'

export function parseFlag(text: string): Parsed<boolean> {
  const word = text.trim()
  if (word !== 'true' && word !== 'false') return problem('syntax', 'it must be true or false')
  return parsed(word === 'true')
}
