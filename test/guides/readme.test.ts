/**
 * README.md as it stands. Its console blocks are typed against the server that `npm start` runs, on ports of this test;
 * `…` in what a block shows stands for any lines.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { summaries } from '../../src/cli/summaries.ts'
import { without } from '../support/peers.ts'
import { type RunningServer, startServer } from '../support/server.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')

interface Typed {
  readonly command: string
  /** What it prints, a line each. */
  readonly shown: readonly string[]
}

/** The commands of the console blocks, each with the lines below it. */
function typedIn(text: string): Typed[] {
  const blocks = [...text.matchAll(/^```console\n(.*?)^```$/gms)].map(([, block]) => block!)
  return blocks.flatMap((block) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((each) => {
        const [command, ...lines] = each.trimEnd().split('\n')
        return { command: command!, shown: lines.filter((line) => line !== '') }
      }),
  )
}

/** The order of records is drawn anew with each answer, and dig aligns columns. */
const normal = (lines: readonly string[]): string[] => lines.map((line) => line.replace(/\s+/g, ' ').trim()).sort()

describe('README.md', { skip: without('dig') }, () => {
  let server: RunningServer
  before(async () => {
    const example = readFileSync(join(root, 'Corefile.example'), 'utf8')
    server = await startServer({
      corefile: ({ dns, health, ready, metrics }) =>
        example
          .replace('.:1053 {', `.:${dns} {`)
          .replace('localhost:10580', `localhost:${health}`)
          .replace('localhost:10581', `localhost:${ready}`)
          .replace('localhost:10553', `localhost:${metrics}`)
          .replace('manifests examples', `manifests ${join(root, 'examples')}`),
      waitFor: 'ready',
    })
  })
  after(() => server?.stop())

  const typed = typedIn(readme)
  assert.ok(typed.length >= 2, 'README.md has commands to try')
  for (const { command, shown } of typed) {
    test(`README.md shows what \`${command}\` prints`, async () => {
      const { stdout } = await run('sh', ['-c', command.replace(/-p 1053\b/, `-p ${server.ports.dns}`)])
      const printed = normal(stdout.split('\n').filter((line) => line !== ''))
      const expected = normal(shown.filter((line) => line !== '…'))
      if (!shown.includes('…')) return assert.deepEqual(printed, expected)
      // SRV weights of a thousand records are not repeated in a document: the lines that are shown must be among them.
      assert.deepEqual(
        expected.filter((line) => !printed.includes(line)),
        [],
      )
      assert.ok(printed.length > expected.length)
    })
  }
})

describe('the table of commands', () => {
  const section = /^## Commands$(.*?)^## /ms.exec(readme)![1]!

  test('the README names every command, and no other', () => {
    const named = [...section.matchAll(/^slicedns ([a-z]+)/gm)].map(([, name]) => name!)
    assert.deepEqual([...new Set(named)].sort(), Object.keys(summaries).sort())
  })

  test('the README’s npm scripts exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const named = [...readme.matchAll(/npm run (?:-s )?([\w:-]+)/g)].map(([, name]) => name!)
    assert.deepEqual(
      named.filter((name) => !(name in scripts)),
      [],
    )
  })

  test('the README’s folders of manifests exist', () => {
    const named = [...readme.matchAll(/manifests\/[\w-]+/g)].map(([path]) => path)
    assert.ok(named.length > 0)
    assert.deepEqual(
      named.filter((path) => !existsSync(join(root, path))),
      [],
    )
  })
})
