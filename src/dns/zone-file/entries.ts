/** Splits a zone file's text into entries (RFC 1035 §5.1): single lines, or several joined by parentheses; no comments. */
import type { Word } from '../words.ts'

/** Maximum characters of a reason, which may quote an entry of a megabyte. */
const maxReason = 400

/** Any error in a zone file. `message` is ready to print: `FILE:LINE: reason`. */
export class ZoneFileError extends Error {
  constructor(file: string, line: number, reason: string) {
    super(`${file}:${line}: ${reason.length > maxReason ? `${reason.slice(0, maxReason)}…` : reason}`)
    this.name = 'ZoneFileError'
  }
}

export interface Entry {
  /** Line of its first word, counted from 1. */
  readonly line: number
  /** The line begins with a blank: the owner is the previous record's. */
  readonly indented: boolean
  /** At least one. */
  readonly words: Word[]
}

/** Maximum words of an entry: a record of 65,535 octets has fewer strings. */
const maxWords = 65_536
/** Maximum characters of its words: 65,535 octets take a quarter of this even if all are escaped. */
const maxCharacters = 1024 * 1024

/** New line, blanks, comment, parenthesis, quoted word, bare word. None of them backtracks far. */
const token = /(\n)|([ \t\r\f\v]+|;[^\n]*)|([()])|"([^"\\\n]*(?:\\[^\n][^"\\\n]*)*)"|(?:[^\s"();\\]+|\\[^\n]){1,65535}/y

/** `pieces` of the text consist of whole lines. Returns the number of lines. */
export function* entriesOf(pieces: Iterable<string>, file: string): Generator<Entry, number, undefined> {
  let line = 1
  let depth = 0
  let first = line
  let indented = false
  let words: Word[] = []
  let characters = 0
  for (const text of pieces)
    for (let at = line === 1 && text.startsWith('\uFEFF') ? 1 : 0, lineStart = at; at < text.length; ) {
      token.lastIndex = at
      const found = token.exec(text)
      if (!found) throw new ZoneFileError(file, line, strayCharacter(text[at]))
      const [whole, newline, blank, parenthesis, inQuotes] = found
      if (newline !== undefined) {
        if (depth === 0 && words.length > 0) {
          yield { line: first, indented, words }
          words = []
          characters = 0
        }
        line++
        lineStart = at + 1
      } else if (parenthesis !== undefined) {
        depth += parenthesis === '(' ? 1 : -1
        if (depth < 0) throw new ZoneFileError(file, line, 'a closing parenthesis has no opening one')
      } else if (blank === undefined) {
        if (words.length === maxWords) throw new ZoneFileError(file, line, `an entry has more than ${maxWords} words`)
        if (words.length === 0) {
          first = line
          indented = at !== lineStart
        }
        characters += whole.length
        if (characters > maxCharacters)
          throw new ZoneFileError(file, first, `the entry has more than ${maxCharacters} characters`)
        words.push({ text: inQuotes ?? whole, quoted: inQuotes !== undefined })
      }
      at += whole.length
    }
  if (depth > 0) throw new ZoneFileError(file, first, 'a parenthesis is not closed')
  if (words.length > 0) yield { line: first, indented, words }
  return line
}

function strayCharacter(character: string): string {
  if (character === '"') return 'a quote is not closed on its line'
  if (character === '\\') return 'a backslash has no character to escape'
  return `the character U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')} must be escaped`
}
