/** Corefiles from disk, and the hash by which `reload` sees that one has changed. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { isatty } from 'node:tty'
import { type CorefileBlock, type ParsedCorefile, parseCorefile, type Sources } from './parser.ts'
import { ConfigError, type Directive } from './schema.ts'

/** A Corefile as it was loaded. */
export interface Corefile extends ParsedCorefile {
  /** Its path as it was given, which positions carry. */
  readonly file: string
  /** SHA-512 in hex: see `configHash`. */
  readonly hash: string
  /** There was no Corefile, or one without a server block: this is what stands in for it. */
  readonly builtIn: boolean
}

/**
 * Loads a Corefile: a path, or `stdin` for what is piped in. One without any server block is answered by the built-in
 * one, with a warning. Throws ConfigError.
 */
export function loadCorefile(file: string): Corefile {
  const parsed = parseCorefile(readCorefile(file), file, diskSources)
  if (parsed.blocks.length > 0) return { ...parsed, file, hash: configHash(parsed.blocks), builtIn: false }
  const standIn = defaultCorefile()
  const empty = { message: `${file} has no server block: the built-in one is used`, at: undefined }
  return { ...standIn, file, warnings: [...parsed.warnings, empty] }
}

/** The Corefile that stands in where there is none: every zone, on `port` or the default one, `whoami` and `log`. */
export function defaultCorefile(port?: number): Corefile {
  const key = port === undefined ? '.' : `.:${port}`
  const parsed = parseCorefile(`${key} {\nwhoami\nlog\n}\n`, 'Corefile', diskSources)
  return { ...parsed, file: 'Corefile', hash: configHash(parsed.blocks), builtIn: true }
}

/** What was piped in: it can be read only once, and a reload wants it again. */
let piped: string | undefined

/** The text of a Corefile. Throws ConfigError. */
export function readCorefile(file: string): string {
  // A terminal is not read: nobody types a Corefile.
  if (file === 'stdin') {
    piped ??= isatty(0) ? '' : readFileSync(0, 'utf8')
    return piped
  }
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new ConfigError(`cannot read the Corefile ${file}: ${reason(error)}`, undefined)
  }
}

/** Imports from the file system, variables from the environment. */
export const diskSources: Sources = {
  readFile(path) {
    const stats = statSync(path)
    if (stats.isDirectory()) throw new Error('is a directory')
    // Reading a pipe or a device could block for ever.
    if (!stats.isFile()) throw new Error('is not a regular file')
    return readFileSync(path, 'utf8')
  },
  glob: globFiles,
  env: (name) => process.env[name],
}

/** As Go's filepath.Glob: wildcards in any part of the path, folders that cannot be read match nothing, sorted. */
export function globFiles(pattern: string): string[] {
  if (!/[*?\\]/.test(pattern)) return existsSync(pattern) ? [pattern] : []
  const name = nameMatcher(basename(pattern))
  return globFiles(dirname(pattern)).flatMap((folder) =>
    list(folder)
      .filter((entry) => name.test(entry))
      .map((entry) => join(folder, entry)),
  )
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder).sort()
  } catch {
    return []
  }
}

/** `*` and `?` as in Go's filepath.Match; they match a leading dot, too. */
function nameMatcher(pattern: string): RegExp {
  const source = pattern.replace(/\\(.)|[.+^${}()|[\]]|[*?]/gs, (part, escaped) => {
    if (part === '*') return '.*'
    if (part === '?') return '.'
    return `\\u{${(escaped ?? part).codePointAt(0).toString(16)}}`
  })
  return new RegExp(`^${source}$`, 'su')
}

/**
 * SHA-512 (hex) of what a Corefile says: keys, directives and every word with its file and line, imports and variables
 * in their places. Comments and indentation do not count; a line that moved does, as for CoreDNS.
 */
export function configHash(blocks: readonly CorefileBlock[]): string {
  const content = blocks.map(({ keys, directives }) => ({
    keys: keys.map(({ text }) => text),
    directives: directives.map(words),
  }))
  return createHash('sha512').update(JSON.stringify(content)).digest('hex')
}

function words(directive: Directive): unknown[] {
  const tokens = [
    { text: directive.word, at: directive.at },
    ...directive.args,
    ...(directive.body ?? []).flatMap(({ word, args }) => [word, ...args]),
  ]
  return [directive.body !== undefined, ...tokens.map(({ text, at }) => [at.file, at.line, text])]
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = (error as NodeJS.ErrnoException).code
  return code === 'ENOENT'
    ? 'no such file'
    : code === 'EISDIR'
      ? 'it is a directory'
      : code === 'EACCES'
        ? 'permission denied'
        : error.message
}
