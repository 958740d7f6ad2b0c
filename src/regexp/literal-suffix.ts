/**
 * The text that every match of a pattern ends with, where the pattern proves it: `(.*)\.svc\.example\.org\.$` ends with
 * `.svc.example.org.`. Names that do not end so need not be tested, and a missing name among them can be denied.
 */

/** One part of a sequence, read from the pattern's text. */
type Part =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'group'; readonly parts: readonly Part[] }
  | { readonly kind: 'end' }
  /** Whatever is not proven to be a fixed text: classes, repetitions, alternatives, assertions. */
  | { readonly kind: 'other' }

/**
 * The literal suffix of every match, in lower case, as the names are that it is used for; '' where none is proven. The
 * pattern must be a valid one (see pattern.ts).
 */
export function literalSuffix(source: string): string {
  const rest = source.replace(/^\(\?[a-zA-Z]+\)/, '')
  const reader = { text: rest, at: 0 }
  const parts = readAlternatives(reader)
  // A parenthesis or flag that this reader does not understand proves nothing.
  if (parts === undefined || reader.at !== rest.length || /\(\?[a-zA-Z-]*[a-zA-Z]/.test(withoutNames(rest))) return ''
  const { text, anchored } = suffixOf(parts)
  if (!anchored) return ''
  return text.toLowerCase()
}

const withoutNames = (text: string): string => text.replace(/\(\?P?<\w+>/g, '(')

interface Reader {
  readonly text: string
  at: number
}

/** A group's inside, or the whole pattern: several alternatives prove nothing. Undefined: not understood. */
function readAlternatives(reader: Reader): readonly Part[] | undefined {
  const parts: Part[] = []
  let alternatives = 1
  while (reader.at < reader.text.length && reader.text[reader.at] !== ')') {
    if (reader.text[reader.at] === '|') {
      alternatives++
      reader.at++
      continue
    }
    const part = readPart(reader)
    if (part === undefined) return undefined
    parts.push(isRepeated(reader) ? { kind: 'other' } : part)
  }
  return alternatives > 1 ? [{ kind: 'other' }] : parts
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
    case '.':
    case '^':
    case '*':
    case '+':
    case '?':
      reader.at++
      return { kind: 'other' }
    default:
      reader.at++
      return { kind: 'literal', text: character }
  }
}

function readEscape(reader: Reader): Part | undefined {
  const escaped = reader.text[reader.at + 1]
  if (escaped === undefined || escaped === 'Q') return undefined
  reader.at += 2
  if (escaped === 'z') return { kind: 'end' }
  if (/[^A-Za-z0-9]/.test(escaped)) return { kind: 'literal', text: escaped }
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
    else if (reader.text.startsWith('[:', at)) at = reader.text.indexOf(':]', at) + 1
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
  const parts = readAlternatives(reader)
  if (parts === undefined || reader.text[reader.at] !== ')') return undefined
  reader.at++
  return { kind: 'group', parts }
}

function isRepeated(reader: Reader): boolean {
  const repetition = /^(?:[*+?]|\{\d+(?:,\d*)?\})\??/.exec(reader.text.slice(reader.at))
  if (repetition === null) return false
  reader.at += repetition[0].length
  return true
}

/** `whole`: the parts are nothing but the text, so what is before them goes on with it. */
function suffixOf(parts: readonly Part[]): { text: string; whole: boolean; anchored: boolean } {
  let text = ''
  let anchored = false
  for (let i = parts.length - 1; i >= 0; i--) {
    const part = parts[i]
    if (part.kind === 'end' && text === '') anchored = true
    else if (part.kind === 'literal') text = part.text + text
    else if (part.kind === 'group') {
      const inner = suffixOf(part.parts)
      if (inner.anchored && text !== '') return { text: '', whole: false, anchored: false }
      anchored ||= inner.anchored
      text = inner.text + text
      if (!inner.whole) return { text, whole: false, anchored }
    } else return { text, whole: false, anchored }
  }
  return { text, whole: true, anchored }
}
