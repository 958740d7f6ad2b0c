import { quote, TemplateError } from './error.ts'

export interface Token {
  readonly kind: 'word' | 'field' | 'variable' | 'string' | 'number' | 'symbol' | 'space' | 'end'
  /** As written; the value of a string, the name of a field or variable. */
  readonly text: string
  readonly offset: number
}

/** A template is text and actions (`{{ … }}`) in turn. */
export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly tokens: readonly Token[]; readonly offset: number }

/** Cuts a template into pieces. Throws TemplateError. */
export function cut(template: string): readonly Piece[] {
  const pieces: Piece[] = []
  let at = 0
  let trimNext = false
  while (at < template.length) {
    const open = template.indexOf('{{', at)
    const end = open < 0 ? template.length : open
    const trimEnd = open >= 0 && /^\{\{-\s/.test(template.slice(open, open + 4))
    let text = template.slice(at, end)
    if (trimNext) text = text.trimStart()
    if (trimEnd) text = text.trimEnd()
    if (text !== '') pieces.push({ kind: 'text', text })
    if (open < 0) break
    const action = readAction(template, open + 2 + (trimEnd ? 1 : 0))
    if (action.tokens.length > 0) pieces.push({ kind: 'action', tokens: action.tokens, offset: open })
    at = action.end
    trimNext = action.trim
  }
  return pieces
}

const comment = /^\s*\/\*[\s\S]*?\*\/(\s-)?\}\}/

function readAction(template: string, from: number): { tokens: readonly Token[]; end: number; trim: boolean } {
  const commented = comment.exec(template.slice(from))
  if (commented) return { tokens: [], end: from + commented[0].length, trim: commented[1] !== undefined }
  const tokens: Token[] = []
  let at = from
  for (;;) {
    if (template.startsWith('}}', at)) return { tokens: closed(tokens, at), end: at + 2, trim: false }
    if (/^\s-\}\}/.test(template.slice(at, at + 4))) return { tokens: closed(tokens, at), end: at + 4, trim: true }
    if (at >= template.length) throw new TemplateError('unclosed action', from)
    const token = readToken(template, at)
    tokens.push(token.token)
    at = token.end
  }
}

function closed(tokens: readonly Token[], offset: number): readonly Token[] {
  return [...tokens, { kind: 'end', text: '}}', offset }]
}

const patterns: readonly (readonly [Token['kind'], RegExp])[] = [
  ['space', /\s+/y],
  ['string', /"(?:[^"\\\n]|\\.)*"|`[^`]*`/y],
  ['number', /'(?:[^'\\]|\\.[^']*)'|[+-]?(?:0x[\da-f_]+|0b[01_]+|0o[0-7_]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:e[+-]?\d+)?)/iy],
  ['field', /\.[\p{L}_][\p{L}\p{N}_]*/uy],
  ['variable', /\$[\p{L}\p{N}_]*/uy],
  ['word', /[\p{L}_][\p{L}\p{N}_]*/uy],
  ['symbol', /:=|[().|,=]/y],
]

function readToken(template: string, offset: number): { token: Token; end: number } {
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = offset
    const found = pattern.exec(template)?.[0]
    if (found === undefined) continue
    const text = kind === 'string' ? stringValue(found, offset) : kind === 'field' ? found.slice(1) : found
    return { token: { kind, text, offset }, end: offset + found.length }
  }
  throw new TemplateError(`unexpected ${quote(template[offset])} in an action`, offset)
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', f: '\f', v: '\v' }

/** Go's quoted string. */
function stringValue(quoted: string, offset: number): string {
  if (quoted[0] === '`') return quoted.slice(1, -1)
  return quoted.slice(1, -1).replace(/\\(x[\da-f]{2}|u[\da-f]{4}|U[\da-f]{8}|[0-7]{3}|.)/gi, (_, code: string) => {
    if (/^[xuU]./.test(code)) return String.fromCodePoint(Number.parseInt(code.slice(1), 16))
    if (/^[0-7]{3}$/.test(code)) return String.fromCharCode(Number.parseInt(code, 8))
    if (code in escapes) return escapes[code]
    if (code === '\\' || code === '"') return code
    throw new TemplateError(`invalid escape \\${code} in a string`, offset)
  })
}
