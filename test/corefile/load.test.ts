import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { chainOrder } from '../../src/corefile/directives.ts'
import { configHash, globFiles, loadCorefile } from '../../src/corefile/load.ts'
import { nearest } from '../../src/corefile/nearest.ts'
import { plugins } from '../../src/plugins/index.ts'
import { parse, refusal, sources } from './support.ts'

const folder = mkdtempSync(join(tmpdir(), 'slicedns-load-'))
after(() => rmSync(folder, { recursive: true }))

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

describe('loading a Corefile', () => {
  test('loading a Corefile gives its blocks and its path', () => {
    const path = file('Corefile', 'example.org {\n  whoami\n}\n')
    const { blocks, file: named, hash } = loadCorefile(path)
    assert.equal(blocks.length, 1)
    assert.equal(named, path)
    assert.match(hash, /^[0-9a-f]{128}$/)
  })
  test('loading a Corefile that does not exist says so', () => {
    const path = join(folder, 'nowhere')
    assert.equal(
      refusal(() => loadCorefile(path)),
      `cannot read the Corefile ${path}: no such file`,
    )
  })
  test('loading a Corefile that is a folder says so', () => {
    assert.equal(
      refusal(() => loadCorefile(folder)),
      `cannot read the Corefile ${folder}: read ${folder}: is a directory`,
    )
  })
  test('loading a Corefile that is a pipe or a device fails at once: reading it could block for ever', () => {
    const pipe = join(folder, 'pipe')
    execFileSync('mkfifo', [pipe])
    for (const path of [pipe, '/dev/zero'])
      assert.equal(
        refusal(() => loadCorefile(path)),
        `cannot read the Corefile ${path}: read ${path}: is not a regular file`,
      )
  })
  test('loading a Corefile without a server block gives the built-in one, with a warning', () => {
    const { blocks, warnings } = loadCorefile(file('empty', '# nothing\n'))
    assert.deepEqual(
      blocks.map(({ keys, directives }) => [keys[0].text, directives.map(({ word }) => word)]),
      [['.', ['whoami', 'log']]],
    )
    assert.match(warnings[0].message, /has no server block: using the built-in Corefile/)
  })
})

describe('the hash of a Corefile', () => {
  const base = '. {\n  log a\n  import extra*\n}\n'
  const hash = (text: string, extra = 'errors') =>
    configHash(parse(text, sources({ [join(process.cwd(), 'extra.conf')]: extra })).blocks)
  const cases: readonly { name: string; text: string; extra?: string; same: boolean }[] = [
    { name: 'a comment behind a line does not count', text: '. { # hello\n  log a\n  import extra*\n}\n', same: true },
    { name: 'indentation does not count', text: '. {\nlog   a\n import extra*\n}', same: true },
    { name: 'a line that moved counts', text: `\n${base}`, same: false },
    { name: 'an argument counts', text: base.replace('log a', 'log b'), same: false },
    { name: 'a key counts', text: base.replace('. {', 'example.org {'), same: false },
    { name: 'an empty body counts', text: base.replace('log a', 'log a {\n}'), same: false },
    { name: 'an imported file counts', text: base, extra: 'errors stdout', same: false },
  ]
  for (const { name, text, extra, same } of cases)
    test(`the hash of a Corefile: ${name}`, () => {
      assert.equal(hash(text, extra) === hash(base), same)
    })
})

test('import globs match as in Go: leading dots too, folders only in the path, sorted', () => {
  for (const name of ['b.conf', 'a.conf', '.hidden.conf', 'a+b.conf', 'note.txt']) file(name, '')
  mkdirSync(join(folder, 'one'))
  writeFileSync(join(folder, 'one/c.conf'), '')
  const found = (pattern: string) => globFiles(join(folder, pattern)).map((path) => path.slice(folder.length + 1))
  assert.deepEqual(found('*.conf'), ['.hidden.conf', 'a+b.conf', 'a.conf', 'b.conf'])
  assert.deepEqual(found('?.conf'), ['a.conf', 'b.conf'])
  assert.deepEqual(found('a+b.*'), ['a+b.conf'])
  assert.deepEqual(found('o*/c.conf'), ['one/c.conf'])
  assert.deepEqual(found('nowhere/*'), [])
  assert.deepEqual(found('note.txt'), ['note.txt'])
})

describe('the nearest known word', () => {
  const cases: readonly [word: string, wanted: string | undefined][] = [
    ['fowrard', 'forward'],
    ['kubernets', 'kubernetes'],
    ['Cache', 'cache'],
    ['prometheu', 'prometheus'],
    ['xyzzy', undefined],
    ['x'.repeat(100_000), undefined],
  ]
  for (const [word, wanted] of cases)
    test(`the nearest known word of '${word.slice(0, 12)}' is ${wanted ?? 'none'}`, () => {
      assert.equal(nearest(word, chainOrder), wanted)
    })
})

test('the plugins are listed in the order of the chain', () => {
  const names = plugins.map(({ name }) => name)
  assert.deepEqual(
    names,
    chainOrder.filter((name) => names.includes(name)),
  )
})
