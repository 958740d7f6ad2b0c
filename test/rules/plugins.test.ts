/** docs/plugins.md: every directive and option, read as `slicedns check` reads it, and none of CoreDNS's left out. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { checkText, findingText } from '../../src/cli/findings.ts'
import { plugins } from '../../src/plugins/index.ts'
import { contentOf } from './sources.ts'

interface Row {
  readonly plugin: string
  /** The line that it stands below, itself where it is a directive. */
  readonly directive: string
  readonly line: string
  readonly here: string
  readonly difference: string
}

/** The section of CoreDNS's plugins that slicedns does not have. */
const notBuilt = 'Not built'

function rowsOf(text: string): readonly Row[] {
  const rows: Row[] = []
  let plugin = ''
  let directive = ''
  for (const each of text.split('\n')) {
    if (each.startsWith('## ')) plugin = each.slice(3)
    const cells = /^\| `(.*)` \| (.*) \| (.*) \|$/.exec(each)
    if (cells === null) continue
    const [, line, here, difference] = cells
    if (line.split(' ')[0] === plugin || plugin === notBuilt) directive = line
    rows.push({ plugin, directive, line, here, difference })
  }
  return rows
}

const rows = rowsOf(contentOf('docs/plugins.md'))
const isOption = ({ directive, line }: Row): boolean => line !== directive

/** Words of the lines of the plugin. */
function wordsIn(plugin: string): ReadonlySet<string> {
  return new Set(rows.filter((row) => row.plugin === plugin).flatMap(({ line }) => line.split(/[^a-z0-9_-]+/)))
}

/** What `slicedns check` says of the line, beside what it needs. */
function errorsOf(row: Row): readonly string[] {
  const { directive, line } = row
  const open = directive.endsWith(' ⏎ }') ? directive.slice(0, -4) : `${directive} {`
  const own = isOption(row) ? `${open}\n${line}\n}` : line
  const beside = row.plugin === 'kubernetes' ? '' : 'kubernetes cluster.local'
  const { findings } = checkText(`. {\n${own.replaceAll(' ⏎ ', '\n')}\n${beside}\n}\n`, 'Corefile', plugins, {
    dnsPort: 53,
    lenient: false,
  })
  return findings.filter(({ severity }) => severity === 'error').map(findingText)
}

describe('docs/plugins.md', () => {
  for (const row of rows)
    it(`the line '${row.line}' of ${row.plugin} is ${row.here}`, () => {
      const errors = errorsOf(row)
      const refused = /^refused: `(.*)`$/.exec(row.here)?.[1]
      if (refused === undefined) assert.deepEqual(errors, [])
      else assert.ok(errors[0]?.includes(refused), errors.join('\n'))
    })

  it('docs/plugins.md has every plugin, in the order of the chain', () => {
    assert.deepEqual([...new Set(rows.map(({ plugin }) => plugin))], [...plugins.map(({ name }) => name), notBuilt])
  })

  it('docs/plugins.md names differences by the beginning of their lines in docs/differences.md', () => {
    const lines = [...contentOf('docs/differences.md').matchAll(/^- \*\*([\s\S]*?)\*\*$/gm)].map(([, line]) => line)
    const named = rows.flatMap(({ difference }) => (difference === '–' ? [] : [difference]))
    assert.deepEqual(
      named.filter((each) => !lines.some((line) => line.replaceAll(/\n */g, ' ').startsWith(each))),
      [],
    )
  })

  it('docs/plugins.md has every option that a directive names where its use is wrong', () => {
    const missing = plugins.flatMap(({ name, schema }) => {
      const [, body = ''] = /\{(.*)\}/s.exec(schema.usage) ?? []
      return body
        .match(/\b(?<![A-Z.])[a-z][a-z0-9_-]+\b/g)
        ?.flatMap((word) => (wordsIn(name).has(word) ? [] : `${name}: ${word}`))
    })
    assert.deepEqual(
      missing.filter((each) => each !== undefined),
      ['cache: options', 'forward: options', 'grpc: options'],
    )
  })

  const modules = process.env.GOMODCACHE ?? join(process.env.GOPATH ?? join(homedir(), 'go'), 'pkg/mod')
  const theirs = join(modules, 'github.com/coredns/coredns@v1.15.0/plugin')
  const skip = !existsSync(theirs) && 'the source of CoreDNS is not on this machine'

  /** Words of files that a directive names. */
  const inFiles: Readonly<Record<string, readonly string[]>> = { tsig: ['algorithm'] }

  /** Words that its sources compare words of a Corefile with. */
  function wordsOf(plugin: string): ReadonlySet<string> {
    const folder = join(theirs, plugin === 'prometheus' ? 'metrics' : plugin)
    const sources = readdirSync(folder).filter((file) => file.endsWith('.go') && !file.endsWith('_test.go'))
    const text = sources.map((file) => readFileSync(join(folder, file), 'utf8')).join('\n')
    const cases = [...text.matchAll(/^\s*case ((?:"[a-z0-9_]+"(?:, )?)+):/gm)].map(([, words]) => words)
    return new Set(cases.flatMap((words) => [...words.matchAll(/"([^"]+)"/g)].map(([, word]) => word)))
  }

  it('docs/plugins.md has every option of CoreDNS 1.15.0', { skip }, () => {
    const missing = [...new Set(rows.map(({ plugin }) => plugin))].flatMap((plugin) => {
      if (!existsSync(join(theirs, plugin === 'prometheus' ? 'metrics' : plugin))) return []
      const known = wordsIn(plugin)
      const words = [...wordsOf(plugin)].filter((word) => !known.has(word) && !inFiles[plugin]?.includes(word))
      return words.map((word) => `${plugin}: ${word}`)
    })
    assert.deepEqual(missing, [])
  })
})
