/** Corefiles from disk, and the hash by which `reload` sees that one has changed. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { isatty } from 'node:tty'
import { type Corefile, type ParseOptions, parseCorefile, type ServerBlock, type Sources } from './parser.ts'
import { ConfigError, type Directive } from './schema.ts'

/** A Corefile as loaded: `file` is what its positions carry. */
export interface LoadedCorefile extends Corefile {
  readonly file: string
  /** SHA-512 in hex: see `configHash`. */
  readonly hash: string
}

export interface LoadOptions extends ParseOptions {
  /** The port in the built-in Corefile that stands in for a missing or empty one. */
  readonly dnsPort?: number
}

/**
 * Loads a Corefile. `path` is the `-conf` flag: a file, or `stdin` for what is piped in. Without it `./Corefile` is
 * taken; when there is none, or when a file gives no server block, `.:53` with `whoami` and `log`, as CoreDNS does.
 * Throws ConfigError.
 */
export function loadCorefile(path: string | undefined, options: LoadOptions = {}): LoadedCorefile {
  const file = path ?? 'Corefile'
  const text = readCorefile(path)
  const given = text === undefined ? undefined : parseCorefile(text, file, diskSources, options)
  const corefile =
    given && given.blocks.length > 0 ? given : parseCorefile(builtIn(options), file, diskSources, options)
  const warnings = [...(given?.warnings ?? [])]
  if (corefile !== given)
    warnings.push({
      message: `${given ? `${file} has no server block` : 'no Corefile here'}: using the built-in one`,
      at: undefined,
    })
  return { blocks: corefile.blocks, warnings, file, hash: configHash(corefile.blocks) }
}

function builtIn({ dnsPort = 53 }: LoadOptions): string {
  return `.:${dnsPort} {\nwhoami\nlog\n}\n`
}

/** The text of the Corefile, or undefined when none was named and none is there. */
function readCorefile(path: string | undefined): string | undefined {
  if (path === undefined && !existsSync('Corefile')) return undefined
  // A terminal is not read: nobody types a Corefile.
  if (path === 'stdin') return isatty(0) ? undefined : readFileSync(0, 'utf8')
  try {
    return readFileSync(path ?? 'Corefile', 'utf8')
  } catch (error) {
    throw new ConfigError(`cannot read the Corefile ${path}: ${reason(error)}`, undefined)
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
export function configHash(blocks: readonly ServerBlock[]): string {
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
