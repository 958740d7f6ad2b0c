/**
 * A folder of test/ holds one kind of tests. The folders that `npm run test:unit` leaves out compare with peers or run
 * the built server as a process. The others are named as the rooms of src/, with `rules` and `spec` beside them: they
 * run from the sources alone and start no peer, no built server and no dig.
 */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { contentOf, filesIn, importsOf, root } from './sources.ts'

/** What a unit test does not reach, however indirectly it imports it. */
const processes = ['peers', 'control-plane', 'server', 'dig'].map((name) => `test/support/${name}.ts`)

const systemFolders = leftOut(JSON.parse(contentOf('package.json')).scripts['test:unit'])
const folders = [...new Set(filesIn('test/*/**/*.test.ts').map((path) => path.split('/')[1]))]
const unitFolders = folders.filter((name) => !systemFolders.includes(name))

/** `test/!(a|b)/` to its names. */
function leftOut(script: string): string[] {
  return /test\/!\(([^)]*)\)\//.exec(script)?.[1].split('|') ?? []
}

/** Which of `processes` a file imports, with what it imports. */
function startedBy(path: string, seen = new Set<string>()): string[] {
  if (seen.has(path)) return []
  seen.add(path)
  const imported = importsOf(path)
    .filter(({ kind, typeOnly, target }) => kind === 'file' && !typeOnly && target.startsWith('test/'))
    .map(({ target }) => target)
    // The rules' own examples of imports are text, and name files that are not there.
    .filter((target) => existsSync(join(root, target)))
  const found = imported.flatMap((target) => [target, ...startedBy(target, seen)])
  return [...new Set(found.filter((target) => processes.includes(target)))]
}

describe('the layout of test/', () => {
  it('the layout of test/ gives each folder of unit tests the name of a room of src/, but for rules and spec', () => {
    const rooms = filesIn('src/*/').map((path) => path.split('/')[1])
    assert.deepEqual(
      unitFolders.filter((name) => !rooms.includes(name)),
      ['rules', 'spec'],
    )
  })

  it('the layout of test/ keeps peers, the built server and dig out of the folders that test:unit runs', () => {
    const faults = unitFolders
      .flatMap((folder) => filesIn(`test/${folder}/**/*.test.ts`))
      .flatMap((path) => startedBy(path).map((target) => `${path} imports ${target}: move it to e2e or conformance`))
    assert.deepEqual(faults, [])
  })

  it('the layout of test/ finds what a test imports through its helpers', () => {
    assert.deepEqual(startedBy('test/e2e/records.test.ts').sort(), [...processes].sort())
  })

  it('the layout of test/ reads the folders that are left out of the script', () => {
    assert.deepEqual(leftOut('node --test "test/!(e2e|guides)/**/*.test.ts"'), ['e2e', 'guides'])
  })
})

describe('test/plugins', () => {
  it('test/plugins has one folder for each plugin, and no test beside them', () => {
    const plugins = filesIn('src/plugins/*/index.ts').map((path) => path.split('/')[2])
    assert.deepEqual(filesIn('test/plugins/*.test.ts'), [])
    const tested = [...new Set(filesIn('test/plugins/*/**/*.test.ts').map((path) => path.split('/')[2]))]
    assert.deepEqual(tested.sort(), plugins.sort())
  })
})
