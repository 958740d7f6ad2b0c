/** Annotations whose value is a whole number. */
import { type Parsed, parsed, problem } from './parsed.ts'

const maxTtl = 3600
const maxU16 = 65_535

export const parseTtl = (text: string): Parsed<number> => parseNumber(text, maxTtl, 'seconds')

/** RFC 2782: priority and weight have 16 bits. */
export const parseU16 = (text: string): Parsed<number> => parseNumber(text, maxU16, 'a number')

function parseNumber(text: string, max: number, what: string): Parsed<number> {
  const digits = text.trim()
  if (!/^[0-9]+$/.test(digits)) return problem('syntax', `it must be ${what} from 0 to ${max}, in digits`)
  const value = Number(digits)
  return value <= max ? parsed(value) : problem('range', `it must be ${what} from 0 to ${max}`)
}
