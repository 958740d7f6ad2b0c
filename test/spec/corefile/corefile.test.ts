/**
 * The Corefile's grammar by example (docs/coredns-behaviour.md §2). A file in good/ begins with what it must be read
 * as, one `# => keys { directives }` for each server block and `# warns LINE:COLUMN message` for each warning; a file
 * in bad/ with the exact error (`<folder>` is the folder it lies in). `# CoreDNS differs: why` excuses the peer.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { checkCorefile, findingText } from '../../../src/cli/findings.ts'
import { chainOrder } from '../../../src/corefile/directives.ts'
import { serverKeys } from '../../../src/corefile/keys.ts'
import { diskSources } from '../../../src/corefile/load.ts'
import type { CorefileBlock } from '../../../src/corefile/parsed.ts'
import { parseCorefile } from '../../../src/corefile/parser.ts'
import type { Directive } from '../../../src/corefile/schema.ts'
import type { Plugin } from '../../../src/plugin/contract.ts'
import { variables } from './variables.ts'

const here = import.meta.dirname
/** Every directive of CoreDNS, with settings that nothing is wrong with: here it is about the grammar. */
const plugins: readonly Plugin[] = chainOrder.map((name) => ({
  name,
  schema: { usage: name, repeat: 'many', read: () => undefined },
  setup: () => ({}),
}))

before(() => Object.assign(process.env, variables))
after(() => {
  for (const name of Object.keys(variables)) delete process.env[name]
})

describe('good Corefiles are read as their first lines say', () => {
  for (const path of corefiles('good'))
    test(title(path), () => {
      const comments = readFileSync(path, 'utf8')
        .replace(/[\ufeff\r]/g, '')
        .split('\n')
      const wanted = comments.flatMap((line) => /^# (=> .*|warns .*)$/.exec(line)?.[1] ?? [])
      const { blocks, warnings } = parseCorefile(readFileSync(path, 'utf8'), path, diskSources)
      const told = warnings.map(({ message, at }) => `warns ${at?.line}:${at?.column} ${message}`)
      assert.deepEqual([...blocks.map(blockText), ...told], wanted)
    })
})

describe('bad Corefiles are refused in the words of their first line', () => {
  for (const path of corefiles('bad'))
    test(title(path), () => {
      const wanted = readFileSync(path, 'utf8').split('\n', 1)[0].slice('# '.length)
      const { findings } = checkCorefile(path, plugins, 53)
      const errors = findings.filter(({ severity }) => severity === 'error')
      const texts = errors.map((error) => findingText(error).replaceAll(`${join(here, 'bad')}/`, ''))
      assert.ok(
        texts.includes(wanted.replaceAll('<folder>/../', `${here}/`).replace('<folder>/', '')),
        texts.join('\n'),
      )
    })
})

function corefiles(folder: string): string[] {
  return readdirSync(join(here, folder))
    .filter((name) => name.endsWith('.corefile'))
    .map((name) => join(here, folder, name))
}

function title(path: string): string {
  return basename(path, '.corefile').replaceAll('-', ' ')
}

/** The notation of the first lines. */
function blockText({ keys, directives }: CorefileBlock): string {
  const zones = serverKeys(keys).flatMap(({ scheme, zones, port }) =>
    zones.map((zone) => `${scheme}://${zone}:${port}`),
  )
  return `=> ${zones.join(' ')} { ${directives.map(directiveText).join('; ')}${directives.length > 0 ? ' ' : ''}}`
}

function directiveText({ word, args, body }: Directive): string {
  const lines = body?.map((line) => [line.word, ...line.args].map(({ text }) => wordText(text)).join(' ')).join('; ')
  const block = lines === undefined ? [] : [lines === '' ? '{ }' : `{ ${lines} }`]
  return [word, ...args.map(({ text }) => wordText(text)), ...block].join(' ')
}

/** Words of blanks, or none, in quotes; a backslash is doubled there. */
function wordText(text: string): string {
  return text === '' || /[\s\\]/.test(text) ? JSON.stringify(text) : text
}
