/**
 * No code of `src` is there for tests or benchmarks alone: what a file exports, another file of `src` imports, or the file
 * itself uses (a bound that a test has to reach, the type of a parameter).
 */
import assert from 'node:assert/strict'
import { dirname, join, normalize } from 'node:path'
import { describe, it } from 'node:test'
import { contentOf, filesIn } from './sources.ts'

/** Files that something outside of `src` starts: their exports are for it. */
const entryPoints: ReadonlySet<string> = new Set([
  'src/launch-thread.ts',
  'src/launch.ts',
  'src/main.ts',
  'src/runtime.js',
  'src/transport/udp/worker.ts',
  'src/version.ts',
])

/** Files that were written before the first file that uses them. A file leaves this list when all its exports are used. */
const notUsedYet: readonly string[] = []

interface Export {
  readonly file: string
  readonly name: string
}

/** What one file exports and imports. `all` stands for every export of a file (`import *`, `export *`, `import()`). */
interface Names {
  readonly exports: readonly Export[]
  readonly imports: readonly { readonly file: string; readonly name: string | 'all' }[]
}

/** Keeps line breaks; strings stay, for they name the files. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
}

function namesIn(file: string, text: string): Names {
  const code = withoutComments(text)
  const exports: Export[] = []
  const imports: { file: string; name: string }[] = []
  const resolve = (target: string): string => normalize(join(dirname(file), target))

  const declared = /^export (?:declare )?(?:async )?(?:const|let|function\*?|class|interface|type) (\w+)/gm
  for (const [, name] of code.matchAll(declared)) {
    exports.push({ file, name })
  }
  const lists = /\b(import|export)\s+(?:type\s+)?(?:\w+\s*,\s*)?\{([^}]*)\}(?:\s+from\s+'(\.[^']*)')?/g
  for (const [, statement, list, target] of code.matchAll(lists)) {
    for (const item of list.split(',').map((word) => word.trim())) {
      if (item === '') continue
      const [source, alias = source] = item.replace(/^type /, '').split(/\s+as\s+/)
      if (statement === 'export') exports.push({ file, name: alias })
      if (target !== undefined) imports.push({ file: resolve(target), name: source })
    }
  }
  const whole = /\b(?:import|export)\s+\*(?:\s+as\s+\w+)?\s+from\s+'(\.[^']*)'|\bimport\s*\(\s*'(\.[^']*)'\s*\)/g
  for (const [, star, dynamic] of code.matchAll(whole)) imports.push({ file: resolve(star ?? dynamic), name: 'all' })
  return { exports, imports }
}

/** The exports that nothing in `src` uses. */
function unused(sources: ReadonlyMap<string, string>): string[] {
  const all = [...sources].map(([file, text]) => namesIn(file, text))
  const imported = new Set(all.flatMap(({ imports }) => imports.map(({ file, name }) => `${file} ${name}`)))
  return all
    .flatMap(({ exports }) => exports)
    .filter(({ file, name }) => {
      if (entryPoints.has(file) || imported.has(`${file} ${name}`) || imported.has(`${file} all`)) return false
      return occurrences(sources.get(file) ?? '', name) < 2
    })
    .map(({ file, name }) => `${file} exports ${name}, which nothing in src uses`)
}

function occurrences(text: string, name: string): number {
  return [...withoutComments(text).matchAll(new RegExp(`\\b${name}\\b`, 'g'))].length
}

describe('exports', () => {
  it('every export is used in src, or its file is an entry point', () => {
    const sources = new Map(filesIn('src/**/*.{ts,js}').map((path) => [path, contentOf(path)]))
    const faults = unused(sources)
    const isExpected = (fault: string): boolean => notUsedYet.some((file) => fault.startsWith(`${file} `))
    assert.deepEqual(
      faults.filter((fault) => !isExpected(fault)),
      [],
    )
    assert.deepEqual(
      notUsedYet.filter((file) => !faults.some((fault) => fault.startsWith(`${file} `))),
      [],
      'files whose exports are all used',
    )
  })

  it('exceptions for exports belong to entry points that exist', () => {
    const files = new Set(filesIn('src/**/*.{ts,js}'))
    assert.deepEqual(
      [...entryPoints].filter((path) => !files.has(path)),
      [],
    )
  })

  const examples: readonly (readonly [string, string, string, readonly string[]])[] = [
    ['a function that another file imports', 'export function f() {}', "import { f } from './a.ts'", []],
    ['a function under another name', 'export function f() {}', "import { f as g } from './a.ts'", []],
    ['a value that nobody imports', 'export const unusedValue = 1', '', ['unusedValue']],
    ['a class in a comment only', 'export class C {}', "// import { C } from './a.ts'", ['C']],
    ['a type of an exported signature', 'export interface T {}\nexport const f = (t: T) => t', "import { f } from './a.ts'", []],
    ['a type that nothing mentions', 'export interface T {}', '', ['T']],
    ['a re-export that nobody imports', "export { f } from './c.ts'", '', ['f']],
    ['a bound that its own file keeps', 'export const most = 1\nconst free = most', '', []],
    ['all of a file', 'export const f = 1', "export * from './a.ts'", []],
    ['a file that is imported at run time', 'export const f = 1', "const a = await import('./a.ts')", []],
    ['the same name of another file', 'export const f = 1', "import { f } from './c.ts'", ['f']],
  ] // biome-ignore format: rows
  for (const [what, exporting, importing, names] of examples)
    it(`${names.length > 0 ? 'refuses' : 'allows'} ${what}`, () => {
      const sources = new Map([
        ['src/x/a.ts', exporting],
        ['src/x/b.ts', importing],
      ])
      const expected = names.map((name) => `src/x/a.ts exports ${name}, which nothing in src uses`)
      assert.deepEqual(unused(sources), expected)
    })
})
