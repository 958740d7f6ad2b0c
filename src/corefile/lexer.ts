/**
 * Splits text into words as CoreDNS's lexer does: whitespace separates, `"` quotes at the start of a word only, `#`
 * comments.
 */
import type { Token } from './schema.ts'

/** A word as written in the file, without variables replaced, and whether it is the first of its line. */
export interface Word extends Token {
  readonly first: boolean
}

/** Go's unicode.IsSpace, which differs from JavaScript's \s: U+0085 is a space, U+FEFF is not. */
const whitespace = new Set(
  '\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000',
)

/** Cuts the text of a file into words. Any text can be cut into words, so nothing is refused here. */
export function lex(text: string, file: string): Word[] {
  const words: Word[] = []
  let at = text.startsWith('\ufeff') ? 1 : 0
  let line = 1
  let lineStart = 0
  /** The line on which the word before ended: a quoted word may span several. */
  let lastLine = 0

  const newline = () => {
    line++
    lineStart = at + 1
  }

  const push = (value: string, start: { line: number; column: number }, quoted: boolean) => {
    words.push({ text: value, at: { file, ...start }, quoted, first: start.line !== lastLine })
  }

  while (at < text.length) {
    const character = text[at]
    if (character === '\n') newline()
    if (whitespace.has(character)) {
      at++
      continue
    }
    if (character === '#') {
      at = endOfLine(text, at)
      continue
    }
    const start = { line, column: at - lineStart + 1 }
    if (character === '"') {
      const quote = readQuoted(text, at + 1)
      for (; at < quote.end; at++) if (text[at] === '\n') newline()
      // An empty quotation is a word, unless the file ends inside it.
      if (quote.closed || quote.value !== '') push(quote.value, start, true)
    } else {
      const bare = readBare(text, at)
      at = bare.end
      push(bare.value, start, false)
    }
    lastLine = line
  }
  return words
}

/** The inside of a quotation, from after its opening quote. Only `\"` is an escape; `\\` stays two characters. */
function readQuoted(text: string, from: number): { value: string; end: number; closed: boolean } {
  let value = ''
  let at = from
  while (at < text.length) {
    if (text[at] === '"') return { value, end: at + 1, closed: true }
    if (text[at] === '\\') {
      // A backslash hides the next character from being the end; the file's very last one is dropped with it.
      if (at + 1 >= text.length) return { value, end: text.length, closed: false }
      value += text[at + 1] === '"' ? '"' : text.slice(at, at + 2)
      at += 2
    } else value += text[at++]
  }
  return { value, end: at, closed: false }
}

/**
 * A word without quotes. A `#` in it starts a comment, but CoreDNS's comment ends with the word, at the next blank, and
 * what follows counts again: `foo#bar baz` is `foo` and `baz`.
 */
function readBare(text: string, from: number): { value: string; end: number } {
  let value = ''
  let comment = false
  let at = from
  for (; at < text.length; at++) {
    const character = text[at]
    if (character === '\r') continue
    if (whitespace.has(character)) break
    if (character === '#') comment = true
    if (!comment) value += character
  }
  return { value, end: at }
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from)
  return end === -1 ? text.length : end
}
