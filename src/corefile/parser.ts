/**
 * Words to server blocks. The grammar, and its surprises, are CoreDNS's: keys up to `{` or the end of the line, one
 * directive a line, `}` on a line of its own, a single block without braces.
 */
import { type Cursor, createCursor, type Sources, type Warning } from './cursor.ts'
import type { Word } from './lexer.ts'
import { ConfigError, type Directive, type Position, type Token } from './schema.ts'

export type { Sources, Warning } from './cursor.ts'

/** What the grammar makes of a Corefile. Keys, directives and their arguments are as yet unchecked. */
export interface ParsedCorefile {
  readonly blocks: readonly CorefileBlock[]
  readonly warnings: readonly Warning[]
  /** Every directive's word in the order it was met, also those of blocks that were dropped because they have no keys. */
  readonly words: readonly Token[]
}

export interface CorefileBlock {
  readonly keys: readonly Token[]
  /** In file order, imports in their place; one that is repeated stands here as often. */
  readonly directives: readonly Directive[]
  /** Its first key. */
  readonly at: Position
}

/**
 * Parses the text of a Corefile. `file` is the name that positions carry, and relative imports start from its folder.
 * Throws ConfigError.
 */
export function parseCorefile(text: string, file: string, sources: Sources): ParsedCorefile {
  const { error, ...parsed } = parseAsFarAsPossible(text, file, sources)
  if (error !== undefined) throw error
  return parsed
}

/** The same, but keeps what is before a grammatical error, so that `check` can report errors there, too. */
export function parseAsFarAsPossible(
  text: string,
  file: string,
  sources: Sources,
): ParsedCorefile & { readonly error: ConfigError | undefined } {
  const blocks: CorefileBlock[] = []
  const warnings: Warning[] = []
  const words: Token[] = []
  const cursor = createCursor(text, file, sources, (warning) => void warnings.push(warning))
  try {
    while (cursor.advance()) {
      const block = parseBlock(cursor, words)
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

/** A server block, or undefined for what leaves none behind: a snippet, or a block without keys. */
function parseBlock(cursor: Cursor, words: Token[]): CorefileBlock | undefined {
  const { keys, ended } = readKeys(cursor)
  if (!ended && keys.length === 1 && /^\(.*\)$/s.test(keys[0].text)) {
    readSnippet(cursor, keys[0])
    return undefined
  }
  const directives = ended ? [] : readBlockBody(cursor, words)
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

/** The cursor is behind the keys: on `{`, or on the first directive of a block without braces. */
function readBlockBody(cursor: Cursor, words: Token[]): Directive[] {
  const braces = cursor.current().text === '{'
  if (!braces) cursor.stepBack()
  const directives: Directive[] = []
  let closed = false
  while (!closed && cursor.advance()) {
    if (cursor.current().text === '}') closed = true
    else if (cursor.current().text === 'import') cursor.enterImport()
    else directives.push(readDirective(cursor, words))
  }
  // A `}` as the last word of the file closes the block even if it closed a directive before (CoreDNS looks only at it).
  if (braces && !closed && cursor.current().text !== '}') throw unexpected(cursor.current(), '}')
  return directives
}

interface OpenLine {
  readonly word: Token
  readonly args: Token[]
}

/** `word args…` and its body. The cursor is on the word, and is left on the last word that belongs to it. */
function readDirective(cursor: Cursor, words: Token[]): Directive {
  const word = cursor.token()
  words.push(word)
  const args: Token[] = []
  let body: OpenLine[] | undefined
  let depth = 0
  while (cursor.advance()) {
    const current = cursor.current()
    const startsLine = cursor.startsLine()
    if (current.text === '{') {
      if (depth === 0 && startsLine)
        throw new ConfigError(`'{' must be on the line of its directive, after '${word.text}'`, current.at)
      if (depth === 0 && body !== undefined) throw trailing(current)
      if (depth++ === 0) body = []
      // CoreDNS's bodies do not nest: an inner brace is a line of its own, which the plugin refuses as an option.
      else body!.push({ word: cursor.token(), args: [] })
    } else if (startsLine && depth === 0) {
      cursor.stepBack()
      break
    } else if (current.text === '}') {
      if (depth === 0) throw new ConfigError("Unexpected '}' because no matching opening brace", current.at)
      // Behind other words of a line it closes the body and is an argument besides: plugins refuse it or ignore it.
      if (--depth > 0 || (!startsLine && body!.length > 0)) addToBody(body!, cursor.token(), startsLine)
    } else if (current.text === 'import' && startsLine) cursor.enterImport()
    else if (depth > 0) addToBody(body!, cursor.token(), startsLine)
    else if (body === undefined) args.push(cursor.token())
    else throw trailing(current)
  }
  if (depth > 0) throw new ConfigError(`Unexpected EOF: the '{' of ${word.text} is not closed`, cursor.current().at)
  return { word: word.text, at: word.at, args, body }
}

function addToBody(body: OpenLine[], token: Token, startsLine: boolean): void {
  const line = body.at(-1)
  if (startsLine || line === undefined) body.push({ word: token, args: [] })
  else line.args.push(token)
}

function unexpected(word: Word, wanted: string): ConfigError {
  return new ConfigError(`Syntax error: Unexpected token '${word.text}', expecting '${wanted}'`, word.at)
}

function trailing(word: Word): ConfigError {
  return new ConfigError(`Unexpected '${word.text}' after '}': a directive must begin on a line of its own`, word.at)
}
