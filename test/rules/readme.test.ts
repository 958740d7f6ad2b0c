/** Every plugin explains itself in the same sections, and the examples of every page are true: they parse, and their settings too. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { checkDirectives, serverKeys } from '../../src/corefile/index.ts'
import { parseCorefile, type Sources } from '../../src/corefile/parser.ts'
import { readSettings } from '../../src/corefile/read.ts'
import type { Plugin } from '../../src/plugin/contract.ts'
import { contentOf, filesIn, root } from './sources.ts'

const sections = ['Name', 'Description', 'Syntax', 'Examples', 'Metrics', 'Ready', 'Differences']

/** An example needs no files: what it imports is left to the reader. */
const noSources: Sources = { readFile: () => '', glob: () => [], env: () => undefined }

const folders = [...new Set(filesIn('src/plugins/*/index.ts').map((path) => path.split('/')[2]))]

/** The plugin that a folder exports, whatever the directive's name in TypeScript. */
async function pluginIn(folder: string): Promise<Plugin> {
  const exported: Record<string, unknown> = await import(join(root, 'src/plugins', folder, 'index.ts'))
  const found = Object.values(exported).find(
    (value): value is Plugin => typeof value === 'object' && value !== null && 'schema' in value && 'setup' in value,
  )
  assert.ok(found, `src/plugins/${folder}/index.ts exports no plugin`)
  return found
}

const plugins = await Promise.all(folders.map(pluginIn))

/** Headings of the second level. */
function headings(text: string): string[] {
  return [...text.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading)
}

/** Code blocks marked `corefile`. */
export function corefiles(text: string): string[] {
  return [...text.matchAll(/^``` ?corefile\n([\s\S]*?)^```$/gm)].map(([, code]) => code)
}

/** Reads an example as `slicedns check` would: grammar, directives, keys and settings. */
function check(code: string, file: string): void {
  const parsed = parseCorefile(code, file, noSources)
  assert.ok(parsed.blocks.length > 0, `${file}: an example without a server block`)
  checkDirectives(parsed, { plugins })
  for (const { keys, directives } of parsed.blocks) {
    const zones = serverKeys(keys).flatMap((key) => key.zones)
    for (const { name, schema } of plugins) {
      const occurrences = directives.filter(({ word }) => word === name)
      if (occurrences.length > 0) readSettings(schema, occurrences, zones)
    }
  }
}

for (const folder of folders) {
  const path = `src/plugins/${folder}/README.md`
  describe(path, () => {
    it(`the README is there: ${path}`, () => assert.ok(existsSync(join(root, path)), `${path} is missing`))
    if (!existsSync(join(root, path))) return
    const text = contentOf(path)

    it(`the sections of ${path} are in order`, () => assert.deepEqual(headings(text), sections))
    it(`the title of ${path} is the directive`, () => assert.match(text, new RegExp(`^# ${folder}\n`)))
    it(`the examples of ${path} can be used as they stand`, () => {
      const examples = corefiles(text)
      assert.ok(examples.length > 0, 'no code block is marked corefile')
      for (const [index, code] of examples.entries()) check(code, `${path} example ${index + 1}`)
    })
  })
}

describe('Corefiles of other pages', () => {
  for (const path of filesIn('{*,docs/**/*,examples/*,manifests/**/*}.md')) {
    const examples = corefiles(contentOf(path))
    if (examples.length > 0)
      it(`the Corefiles of ${path} can be used as they stand`, () => {
        for (const [index, code] of examples.entries()) check(code, `${path} example ${index + 1}`)
      })
  }
})

describe('the rule about READMEs', () => {
  it('the rule about READMEs notices an example that would be refused', () => {
    assert.throws(() => check('. {\nwhoami x\n}\n', 'README.md'), /README\.md:2:8 - Wrong argument count/)
    assert.throws(() => check('. {\nwhoam\n}\n', 'README.md'), /README\.md:2:1 - Unknown directive 'whoam'/)
    assert.throws(() => check('. {\n', 'README.md'))
  })
})
