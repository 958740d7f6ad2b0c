/**
 * Walks over the words of a Corefile and, where an `import` stands, over those of the snippet or the files instead.
 * Imports are a stack of frames, so that nothing is copied and a cycle is found before it repeats.
 */
import { dirname, resolve } from 'node:path'
import { lex, type Word } from './lexer.ts'
import { ConfigError, type Position, type Token } from './schema.ts'
import { replaceVariables } from './variables.ts'

/** Where imports and variables are read. Functions, so that tests need no files. */
export interface Sources {
  /** The text of a file. Throws with a reason for people. */
  readFile(path: string): string
  /** Existing files that an absolute pattern matches, sorted. Without wildcards: the path itself, if it exists. */
  glob(pattern: string): readonly string[]
  env(name: string): string | undefined
}

export interface Warning {
  readonly message: string
  readonly at: Position | undefined
}

/** CoreDNS's limits. */
const maxSnippetImports = 10_000
const maxFileImports = 100_000
/** Our own limit: snippets that import each other twice double at each step. A ConfigMap holds 1 MiB, some 200,000 words. */
const maxWords = 1_000_000

interface Frame {
  readonly words: readonly Word[]
  next: number
  readonly origin: Origin
}

/** Where the words of a frame come from: a file or `(snippet)`, and who imported it. */
interface Origin {
  readonly name: string
  readonly importedBy: Origin | undefined
}

export interface Cursor {
  /** The word under the cursor; the last one when the end was reached. */
  current(): Word
  /** Whether the word under the cursor begins a line. The first word of an import always does. */
  startsLine(): boolean
  /** Moves to the next word; false at the end. */
  advance(): boolean
  /** Makes the next `advance` stay on the word under the cursor. */
  stepBack(): void
  /** The cursor is on `import`: puts what it names in its place. `advance` then moves to the first word of it. */
  enterImport(): void
  /** The word under the cursor with its variables replaced. */
  token(): Token
  defineSnippet(name: string, words: readonly Word[], at: Position): void
}

/** Longer than a function should be: a closure over the stack of frames, whose inner functions are short. */
export function createCursor(text: string, file: string, sources: Sources, warn: (warning: Warning) => void): Cursor {
  const nowhere: Word = { text: '', at: { file, line: 1, column: 1 }, quoted: false, first: true }
  const frames: Frame[] = [{ words: lex(text, file), next: 0, origin: { name: resolve(file), importedBy: undefined } }]
  const snippets = new Map<string, readonly Word[]>()
  let current = nowhere
  let startsLine = true
  let steppedBack = false
  let wordsRead = 0
  let snippetImports = 0
  let fileImports = 0

  function expand(word: Word): string {
    const replaced = replaceVariables(word.text, sources.env)
    if (replaced === undefined) throw new ConfigError(`the variable in '${word.text}' refers to itself`, word.at)
    return replaced
  }

  function advance(): boolean {
    if (steppedBack) {
      steppedBack = false
      return true
    }
    while (frames.length > 0) {
      const frame = frames[frames.length - 1]
      if (frame.next === frame.words.length) {
        frames.pop()
        continue
      }
      startsLine = frame.next === 0 || frame.words[frame.next].first
      current = frame.words[frame.next++]
      if (++wordsRead > maxWords)
        throw new ConfigError(`the Corefile has more than ${maxWords} words with its imports`, current.at)
      return true
    }
    return false
  }

  /** The next word if it stands on the line of the one under the cursor. */
  function nextOnLine(frame: Frame): Word | undefined {
    const word = frame.words[frame.next]
    return word === undefined || word.first ? undefined : word
  }

  function enterImport(): void {
    const frame = frames[frames.length - 1]
    const target = nextOnLine(frame)
    if (target === undefined)
      throw new ConfigError("Wrong argument count or unexpected line ending after 'import'", current.at)
    const name = expand(target)
    frame.next++
    const surplus = nextOnLine(frame)
    if (name === '') throw new ConfigError('Import requires a non-empty filepath', target.at)
    if (surplus !== undefined)
      throw new ConfigError('Import takes only one argument (glob pattern or file)', surplus.at)
    steppedBack = false
    const snippet = snippets.get(name)
    if (snippet === undefined) enterFiles(name, target.at, frame.origin)
    else enterSnippet(name, snippet, target.at, frame.origin)
  }

  function enterSnippet(name: string, words: readonly Word[], at: Position, importedBy: Origin): void {
    if (++snippetImports > maxSnippetImports)
      throw new ConfigError(`maximum snippet import depth (${maxSnippetImports}) exceeded`, at)
    enter(words, `(${name})`, at, importedBy)
  }

  function enterFiles(name: string, at: Position, importedBy: Origin): void {
    // Relative to the file that imports, as CoreDNS does it (tried with 1.14.7 in a block, in a body and at the top).
    const pattern = resolve(dirname(resolve(at.file)), name)
    if (!isImportPattern(pattern))
      throw new ConfigError(`Glob pattern may only contain one wildcard (*), but has others: ${pattern}`, at)
    const paths = sources.glob(pattern)
    if (paths.length === 0) {
      if (!/[*?[\]]/.test(pattern)) throw new ConfigError(`File to import not found: ${name}`, at)
      warn({ message: `No files matching import glob pattern: ${name}`, at })
    }
    // The last one is pushed first, because the top of the stack is read first.
    for (const path of paths.toReversed()) {
      if (++fileImports > maxFileImports)
        throw new ConfigError(`maximum file import depth (${maxFileImports}) exceeded`, at)
      enter(lex(readImport(path, at), path), path, at, importedBy)
    }
  }

  function readImport(path: string, at: Position): string {
    try {
      return sources.readFile(path)
    } catch (error) {
      throw new ConfigError(`Could not import ${path}: ${error instanceof Error ? error.message : error}`, at)
    }
  }

  function enter(words: readonly Word[], name: string, at: Position, importedBy: Origin): void {
    for (let origin: Origin | undefined = importedBy; origin; origin = origin.importedBy)
      if (origin.name === name) throw new ConfigError(`import of ${name} within itself`, at)
    frames.push({ words, next: 0, origin: { name, importedBy } })
  }

  return {
    current: () => current,
    startsLine: () => startsLine,
    advance,
    stepBack() {
      steppedBack = true
    },
    enterImport,
    token: () => ({ text: expand(current), at: current.at, quoted: current.quoted }),
    defineSnippet(name, words, at) {
      if (snippets.has(name)) throw new ConfigError(`redeclaration of previously declared snippet ${name}`, at)
      snippets.set(name, words)
    },
  }
}

/** At most one `*` and one `?`, no character classes: what CoreDNS allows, so that no pattern runs for ever. */
function isImportPattern(pattern: string): boolean {
  const count = (wildcard: string) => pattern.split(wildcard).length - 1
  return count('*') <= 1 && count('?') <= 1 && !(pattern.includes('[') && pattern.includes(']'))
}
