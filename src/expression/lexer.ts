import { ExpressionError } from './error.ts'

export interface Token {
  readonly kind: 'name' | 'number' | 'string' | 'operator' | 'end'
  /** The text as written; of a string, its value. */
  readonly text: string
  /** Where the token begins, in characters from 0. */
  readonly offset: number
}

/** Longest first, so that `**` is not read as two `*`. */
const operators = ['**', '&&', '||', '==', '!=', '<=', '>=', '?.', '??', '..', ...'+-*/%^<>!?:;,.()[]{}|#=']
const spaceOrComment = /(?:\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*/y
const number = /0x[\da-f_]+|0b[01_]+|0o[0-7_]+|(?:\d[\d_]*)?\.?\d[\d_]*(?:e[+-]?\d+)?/iy
const name = /[\p{L}_$][\p{L}\p{N}_$]*/uy
const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', f: '\f', v: '\v' }

/** The tokens of an expression, an `end` last. Throws ExpressionError. */
export function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = []
  let at = skip(text, 0)
  while (at < text.length) {
    const { token, end } = readToken(text, at)
    tokens.push(token)
    at = skip(text, end)
  }
  tokens.push({ kind: 'end', text: '', offset: text.length })
  return tokens
}

function skip(text: string, from: number): number {
  spaceOrComment.lastIndex = from
  spaceOrComment.test(text)
  return spaceOrComment.lastIndex
}

function readToken(text: string, offset: number): { token: Token; end: number } {
  const character = text[offset]
  if (character === '"' || character === "'") return readString(text, offset)
  if (character === '`') return readRawString(text, offset)
  const digits = /\d/.test(character) || (character === '.' && /\d/.test(text[offset + 1] ?? ''))
  const found = digits ? readNumber(text, offset) : match(name, text, offset)
  if (digits && found !== undefined && /^\d[\d_]*$/.test(found) && BigInt(found.replaceAll('_', '')) >= 2n ** 63n)
    throw new ExpressionError(`the integer ${found} has more than 64 bits`, offset)
  if (found !== undefined)
    return { token: { kind: digits ? 'number' : 'name', text: found, offset }, end: offset + found.length }
  const operator = operators.find((candidate) => text.startsWith(candidate, offset))
  if (operator === undefined) throw new ExpressionError(`unrecognized character '${character}'`, offset)
  return { token: { kind: 'operator', text: operator, offset }, end: offset + operator.length }
}

/** `1..3` is a range of 1 and 3, not the number `1.`. */
function readNumber(text: string, offset: number): string | undefined {
  const range = /^\d[\d_]*(?=\.\.)/.exec(text.slice(offset))
  return range ? range[0] : match(number, text, offset)
}

function match(pattern: RegExp, text: string, offset: number): string | undefined {
  pattern.lastIndex = offset
  return pattern.exec(text)?.[0]
}

function readRawString(text: string, offset: number): { token: Token; end: number } {
  const end = text.indexOf('`', offset + 1)
  if (end < 0) throw new ExpressionError('string is not terminated', offset)
  return { token: { kind: 'string', text: text.slice(offset + 1, end), offset }, end: end + 1 }
}

function readString(text: string, offset: number): { token: Token; end: number } {
  let meaning = ''
  let at = offset + 1
  while (at < text.length && text[at] !== text[offset]) {
    if (text[at] !== '\\') {
      meaning += text[at++]
      continue
    }
    const [length, character] = readEscape(text, at)
    meaning += character
    at += length
  }
  if (at >= text.length) throw new ExpressionError('string is not terminated', offset)
  return { token: { kind: 'string', text: meaning, offset }, end: at + 1 }
}

/** The length of the escape, and the character. */
function readEscape(text: string, at: number): readonly [number, string] {
  const code = /^\\(?:x([\da-f]{2})|u([\da-f]{4})|U([\da-f]{8}))/i.exec(text.slice(at, at + 10))
  if (code) {
    const value = Number.parseInt(code[1] ?? code[2] ?? code[3], 16)
    if (value > 0x10ffff) throw new ExpressionError('invalid escape in a string', at)
    return [code[0].length, String.fromCodePoint(value)]
  }
  const letter = text[at + 1] ?? ''
  if (letter in escapes) return [2, escapes[letter]]
  if (/^[\\'"`]$/.test(letter)) return [2, letter]
  throw new ExpressionError(`invalid escape '\\${letter}' in a string`, at)
}
