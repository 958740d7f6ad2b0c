/** Corefiles in a test's own words: no files, no environment. */
import assert from 'node:assert/strict'
import type { ParsedCorefile } from '../../src/corefile/parsed.ts'
import { parseCorefile, type Sources } from '../../src/corefile/parser.ts'
import { ConfigError, type Directive, type Token } from '../../src/corefile/schema.ts'

/** Sources that hold these files (absolute paths) and variables. Patterns match by `*` at most. */
export function sources(
  files: Readonly<Record<string, string>> = {},
  env: Readonly<Record<string, string>> = {},
): Sources {
  return {
    readFile(path) {
      if (!(path in files)) throw new Error('no such file')
      return files[path]
    },
    glob(pattern) {
      const [before, behind] = pattern.split('*')
      if (behind === undefined) return pattern in files ? [pattern] : []
      return Object.keys(files)
        .filter((path) => path.startsWith(before) && path.endsWith(behind))
        .sort()
    },
    env: (name) => env[name],
  }
}

export function parse(text: string, from: Sources = sources()): ParsedCorefile {
  return parseCorefile(text, 'Corefile', from)
}

/** The only directive of the only block. It stands in line 2, and its word in column 3. */
export function directive(text: string): Directive {
  const [block] = parse(`. {\n  ${text}\n}`).blocks
  return block.directives[0]
}

export function token(text: string): Token {
  return { text, at: { file: 'Corefile', line: 1, column: 1 }, quoted: false }
}

/** Runs what must fail with a ConfigError, and gives its message. */
export function refusal(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error))
    return error.message
  }
  throw new assert.AssertionError({ message: 'nothing was refused' })
}
