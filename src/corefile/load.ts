/** Corefiles from disk, and the hash by which `reload` sees that one has changed. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { isatty } from 'node:tty'
import type { CorefileBlock, ParsedCorefile } from './parsed.ts'
import { parseCorefile, type Sources } from './parser.ts'
import { readRegularFile } from './regular-file.ts'
import { ConfigError, type Directive } from './schema.ts'

/** A Corefile as it was loaded. */
export interface Corefile extends ParsedCorefile {
  /** Its path as it was given, which positions carry. */
  readonly file: string
  /** SHA-512 in hex: see `configHash`. */
  readonly hash: string
  /** The built-in Corefile is in use, because there is no Corefile or no server block in it. */
  readonly builtIn: boolean
}

/**
 * Loads a Corefile: a path, or `stdin` for what is piped in. The built-in Corefile replaces one without any server
 * block, with a warning. Throws ConfigError.
 */
export function loadCorefile(file: string): Corefile {
  const parsed = parseCorefile(readCorefile(file), file, diskSources)
  if (parsed.blocks.length > 0) return { ...parsed, file, hash: configHash(parsed.blocks), builtIn: false }
  const standIn = defaultCorefile()
  const empty = { message: `${file} has no server block: using the built-in Corefile`, at: undefined }
  return { ...standIn, file, warnings: [...parsed.warnings, empty] }
}

/** The built-in Corefile: every zone, on `port` or the default port, `whoami` and `log`. */
export function defaultCorefile(port?: number): Corefile {
  const key = port === undefined ? '.' : `.:${port}`
  const parsed = parseCorefile(`${key} {\nwhoami\nlog\n}\n`, 'Corefile', diskSources)
  return { ...parsed, file: 'Corefile', hash: configHash(parsed.blocks), builtIn: true }
}

/** The Corefile from standard input, which can be read only once; a reload needs it again. */
let piped = ''

/**
 * Reads standard input to its end, for `readCorefile('stdin')`. Signals are handled while it waits, because a writer
 * may never close its end. A terminal is not read.
 */
export async function readStandardInput(): Promise<void> {
  piped = ''
  if (isatty(0)) return
  process.stdin.setEncoding('utf8')
  for await (const text of process.stdin) piped += text
}

/** The text of a Corefile; of `stdin`, what `readStandardInput` has read. Throws ConfigError. */
export function readCorefile(file: string): string {
  if (file === 'stdin') return piped
  try {
    return readRegularFile(file).toString('utf8')
  } catch (error) {
    throw new ConfigError(`cannot read the Corefile ${file}: ${reason(error)}`, undefined)
  }
}

/** Imports from the file system, variables from the environment. */
export const diskSources: Sources = {
  readFile: (path) => readRegularFile(path).toString('utf8'),
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
  if (code === 'ENOENT') return 'no such file'
  return code === 'EACCES' ? 'permission denied' : error.message
}
