/**
 * The parts of a pattern as far as they can be read without compiling it: literals in order, and what stands between
 * them.
 */

/** One part of a sequence, read from the pattern's text. */
export type Part =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'group'; readonly alternatives: readonly (readonly Part[])[] }
  | { readonly kind: 'begin' }
  | { readonly kind: 'end' }
  /** `.*` or `.+`: anything. */
  | { readonly kind: 'anything' }
  /** Anything that is not a fixed text: classes, repetitions, assertions. */
  | { readonly kind: 'other'; readonly dot?: boolean }

/** The parts of each alternative of the pattern; undefined where a parenthesis or flag is not understood. */
export function alternativesOf(source: string): readonly (readonly Part[])[] | undefined {
  const rest = source.replace(/^\(\?[a-zA-Z]+\)/, '')
  const reader = { text: rest, at: 0 }
  const alternatives = readAlternatives(reader)
  if (reader.at !== rest.length || /\(\?[a-zA-Z-]*[a-zA-Z]/.test(withoutNames(rest))) return undefined
  return alternatives
}

const withoutNames = (text: string): string => text.replace(/\(\?P?<\w+>/g, '(')

interface Reader {
  readonly text: string
  at: number
}

/** A group's inside, or the whole pattern. Undefined: not understood. */
function readAlternatives(reader: Reader): readonly (readonly Part[])[] | undefined {
  const alternatives: Part[][] = [[]]
  while (reader.at < reader.text.length && reader.text[reader.at] !== ')') {
    if (reader.text[reader.at] === '|') {
      alternatives.push([])
      reader.at++
      continue
    }
    const part = readPart(reader)
    if (part === undefined) return undefined
    const repeated = readRepetition(reader)
    const isAnything = part.kind === 'other' && part.dot === true && (repeated === '*' || repeated === '+')
    alternatives.at(-1)!.push(isAnything ? { kind: 'anything' } : repeated === '' ? part : { kind: 'other' })
  }
  return alternatives
}

function readPart(reader: Reader): Part | undefined {
  const { text } = reader
  const character = text[reader.at]
  switch (character) {
    case '\\':
      return readEscape(reader)
    case '[':
      return readClass(reader)
    case '(':
      return readGroup(reader)
    case '$':
      reader.at++
      return { kind: 'end' }
    case '^':
      reader.at++
      return { kind: 'begin' }
    case '.':
      reader.at++
      return { kind: 'other', dot: true }
    case '*':
    case '+':
    case '?':
      reader.at++
      return { kind: 'other' }
    default:
      reader.at++
      // Case folding maps some other letters to ASCII letters.
      return character > '\x7f' ? { kind: 'other' } : { kind: 'literal', text: character }
  }
}

function readEscape(reader: Reader): Part | undefined {
  const escaped = reader.text[reader.at + 1]
  if (escaped === undefined || escaped === 'Q') return undefined
  reader.at += 2
  if (escaped === 'z') return { kind: 'end' }
  if (escaped === 'A') return { kind: 'begin' }
  if (/[!-/:-@[-`{-~]/.test(escaped)) return { kind: 'literal', text: escaped }
  if (/[pP]/.test(escaped))
    reader.at += reader.text[reader.at] === '{' ? reader.text.indexOf('}', reader.at) - reader.at + 1 : 1
  if (/[x0-7]/.test(escaped)) return undefined
  return { kind: 'other' }
}

function readClass(reader: Reader): Part | undefined {
  let at = reader.at + 1
  if (reader.text[at] === '^') at++
  if (reader.text[at] === ']') at++
  for (; at < reader.text.length && reader.text[at] !== ']'; at++) {
    if (reader.text[at] === '\\') at++
    else if (reader.text.startsWith('[:', at)) {
      const end = reader.text.indexOf(':]', at)
      // Without its end, `[:` is two characters of the class.
      if (end !== -1) at = end + 1
    }
  }
  const inside = reader.text.slice(reader.at + 1, at)
  reader.at = at + 1
  // `[.]` is one character.
  const single = /^\\?([^\\^a-zA-Z0-9])$|^([a-zA-Z0-9])$/.exec(inside)
  return single ? { kind: 'literal', text: single[1] ?? single[2] } : { kind: 'other' }
}

function readGroup(reader: Reader): Part | undefined {
  const opening = /^\((?:\?:|\?P?<\w+>)?/.exec(reader.text.slice(reader.at))!
  reader.at += opening[0].length
  if (reader.text[reader.at] === '?') return undefined
  const alternatives = readAlternatives(reader)
  if (alternatives === undefined || reader.text[reader.at] !== ')') return undefined
  reader.at++
  return { kind: 'group', alternatives }
}

/** The repetition that follows a part, without the `?` of a lazy one; '' for none. */
function readRepetition(reader: Reader): string {
  const repetition = /^([*+?]|\{\d+(?:,\d*)?\})\??/.exec(reader.text.slice(reader.at))
  if (repetition === null) return ''
  reader.at += repetition[0].length
  return repetition[1]
}
