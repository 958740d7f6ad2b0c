/**
 * Words to server blocks. The grammar, and its surprises, are CoreDNS's: keys up to `{` or the end of the line, one
 * directive per line, `}` on its own line, a single block without braces.
 */
import { type Cursor, createCursor, type Sources, type Warning } from './cursor.ts'
import { chainOrder, directiveError } from './directives.ts'
import type { Word } from './lexer.ts'
import { occurrencesOf, type PlacedToken } from './occurrences.ts'
import type { CorefileBlock, DirectiveWord, ParsedCorefile } from './parsed.ts'
import { ConfigError, type Directive, type Position, type Token } from './schema.ts'

export type { Sources, Warning } from './cursor.ts'

/**
 * Parses the text of a Corefile. `file` is the name that positions carry, and relative imports start from its folder.
 * Throws ConfigError.
 */
export function parseCorefile(text: string, file: string, sources: Sources): ParsedCorefile {
  const { error, ...parsed } = parseAsFarAsPossible(text, file, sources)
  if (error === undefined) return parsed
  // An unknown directive before a syntax error is often its cause.
  for (const word of parsed.words) {
    const unknown = directiveError(word, chainOrder)
    if (unknown !== undefined) throw unknown
  }
  throw error
}

/** The same, but keeps what comes before a syntax error, so that `check` can also report errors there. */
export function parseAsFarAsPossible(
  text: string,
  file: string,
  sources: Sources,
): ParsedCorefile & { readonly error: ConfigError | undefined } {
  const blocks: CorefileBlock[] = []
  const warnings: Warning[] = []
  const words: DirectiveWord[] = []
  const cursor = createCursor(text, file, sources, (warning) => void warnings.push(warning))
  try {
    while (cursor.advance()) {
      const block = parseBlock(cursor, { words, warnings })
      if (block === undefined) continue
      blocks.push(block)
      if (block.keys[0].text === '}')
        warnings.push({ message: "this '}' closes nothing: it begins a server block for the zone '}.'", at: block.at })
    }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return { blocks, warnings, words, error }
  }
  return { blocks, warnings, words, error: undefined }
}

/** Collected while parsing. */
interface Findings {
  readonly words: DirectiveWord[]
  readonly warnings: Warning[]
}

/** A server block; undefined for a snippet and for a block without keys. */
function parseBlock(cursor: Cursor, found: Findings): CorefileBlock | undefined {
  const { keys, ended } = readKeys(cursor)
  if (!ended && keys.length === 1 && /^\(.*\)$/s.test(keys[0].text)) {
    readSnippet(cursor, keys[0])
    return undefined
  }
  const directives = ended ? [] : readBlockBody(cursor, keys, found)
  return keys.length === 0 ? undefined : { keys, directives, at: keys[0].at }
}

/** The keys of a block. `ended`: the file ends with them, so the block has no body. */
function readKeys(cursor: Cursor): { keys: Token[]; ended: boolean } {
  const keys: Token[] = []
  let continues = false
  const end = () => {
    if (continues) throw new ConfigError('Unexpected EOF: the key list ends with a comma', cursor.current().at)
    return { keys, ended: true }
  }
  for (;;) {
    if (cursor.current().text === 'import' && cursor.startsLine()) {
      cursor.enterImport()
      if (!cursor.advance()) return end()
      continue
    }
    if (cursor.current().text === '{') {
      if (continues)
        throw new ConfigError("Expected another address but had '{' - check for extra comma", cursor.current().at)
      return { keys, ended: false }
    }
    const key = cursor.token()
    if (key.text !== '') {
      continues = key.text.endsWith(',')
      keys.push(continues ? { ...key, text: key.text.slice(0, -1) } : key)
    }
    if (!cursor.advance()) return end()
    if (!continues && cursor.startsLine()) return { keys, ended: false }
  }
}

/** The raw words of `(name) { … }`: they are parsed where the snippet is imported. */
function readSnippet(cursor: Cursor, key: Token): void {
  const name = key.text.slice(1, -1)
  if (cursor.current().text !== '{') throw unexpected(cursor.current(), '{')
  const words: Word[] = []
  for (let depth = 1; ; ) {
    if (!cursor.advance()) throw unexpected(cursor.current(), '}')
    if (cursor.current().text === '{') depth++
    if (cursor.current().text === '}' && --depth === 0) break
    words.push({ ...cursor.current(), first: cursor.startsLine() })
  }
  const self = words.findIndex(
    (word, index) => word.text === 'import' && (index === 0 || word.first) && words[index + 1]?.text === name,
  )
  if (self !== -1) throw new ConfigError(`snippet ${name} imports itself`, words[self].at)
  cursor.defineSnippet(name, words, key.at)
}

/** The cursor is after the keys: on `{`, or on the first directive of a block without braces. */
function readBlockBody(cursor: Cursor, keys: readonly Token[], found: Findings): Directive[] {
  const opened = cursor.current().text === '{' ? cursor.current().at : undefined
  if (opened === undefined) cursor.stepBack()
  const directives: Directive[] = []
  let glued = opened === undefined ? keys.find(isGlued) : undefined
  let closed = false
  while (!closed && cursor.advance()) {
    if (cursor.current().text === '}') closed = true
    else if (cursor.current().text === 'import') cursor.enterImport()
    else {
      const tokens = readDirective(cursor, found, glued)
      glued ??= tokens.find(isGlued)
      directives.push(...uses(tokens, found))
    }
  }
  // A `}` as the last word of the file closes the block even if it closed a directive before (CoreDNS looks only at it).
  if (opened !== undefined && !closed) {
    const missing = `'}' is missing: the server block that opens here is not closed`
    if (cursor.current().text !== '}') throw new ConfigError(missing, opened)
    found.warnings.push({ message: missing, at: opened })
  }
  return directives
}

/** `127.0.0.1{`: a word to CoreDNS. `{$NAME}` and the like end with `}`. */
function isGlued({ text, quoted }: Token): boolean {
  return !quoted && text.length > 1 && text.endsWith('{')
}

/** The words of a directive and its body. The cursor is on the first, and is left on the last. */
function readDirective(cursor: Cursor, { words }: Findings, glued: Token | undefined): PlacedToken[] {
  const word = cursor.token()
  words.push({ ...word, glued })
  const tokens: PlacedToken[] = [{ ...word, startsLine: true }]
  const open: Position[] = []
  while (cursor.advance()) {
    const current = cursor.current()
    const startsLine = cursor.startsLine()
    if (current.text === '{') open.push(current.at)
    else if (startsLine && open.length === 0) {
      cursor.stepBack()
      break
    } else if (current.text === '}') {
      if (open.pop() === undefined)
        throw new ConfigError("Unexpected '}' because no matching opening brace", current.at)
    } else if (current.text === 'import' && startsLine) {
      cursor.enterImport()
      continue
    }
    tokens.push({ ...cursor.token(), startsLine })
  }
  const unclosed = open.at(-1)
  if (unclosed !== undefined)
    throw new ConfigError(`'}' is missing: the block of '${word.text}' that opens here is not closed`, unclosed)
  return tokens
}

/** The occurrences that CoreDNS reads from the words of a directive. A second one is rarely meant: it is warned of. */
function uses(tokens: readonly PlacedToken[], { warnings }: Findings): Directive[] {
  const occurrences = occurrencesOf(tokens)
  for (const { spill } of occurrences)
    if (spill !== undefined && !warnings.some(({ at }) => at === spill.at))
      warnings.push({ message: spill.reason, at: spill.at })
  return occurrences
}

function unexpected(word: Word, wanted: string): ConfigError {
  return new ConfigError(`Syntax error: Unexpected token '${word.text}', expecting '${wanted}'`, word.at)
}
