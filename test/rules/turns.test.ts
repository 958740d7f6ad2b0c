/** A file of tests that wants the machine for itself has it, beside others that `npm test` runs several at once. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { contentOf } from './sources.ts'

const folder = mkdtempSync(join(tmpdir(), 'slicedns-turns-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const support = join(import.meta.dirname, '../support')
const log = join(folder, 'log')

/** Runs until those that may run beside it have had the time to begin. */
const file = (name: string, first: string): string => `${first}
import { appendFileSync } from 'node:fs'
import { it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
it('one test of a file', async () => {
  appendFileSync(${JSON.stringify(log)}, 'begin ${name}\\n')
  await delay(300)
  appendFileSync(${JSON.stringify(log)}, 'end ${name}\\n')
})
`

const alone = `import ${JSON.stringify(join(support, 'alone.ts'))}`

/** What the tests have logged. */
async function run(...options: readonly string[]): Promise<string[]> {
  rmSync(log, { force: true })
  // It says that we are a file under test, which would run no files itself.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  await promisify(execFile)(process.execPath, options, { env })
  return readFileSync(log, 'utf8').trim().split('\n')
}

describe('turns of files', () => {
  it('no other file runs beside one that is alone, and all run', async () => {
    const files = ['a', 'b-alone', 'c', 'd-alone', 'e'].map((name) => {
      const path = join(folder, `${name}.test.ts`)
      writeFileSync(path, file(name, name.endsWith('alone') ? alone : ''))
      return path
    })
    const lines = await run('--import', join(support, 'turns.ts'), '--test', '--test-concurrency=3', ...files)
    assert.equal(lines.length, 2 * files.length)
    for (const name of ['b-alone', 'd-alone'])
      assert.equal(lines[lines.indexOf(`begin ${name}`) + 1], `end ${name}`, lines.join(', '))
  })

  it('a file that is alone also runs by itself', async () => {
    const path = join(folder, 'f-alone.test.ts')
    writeFileSync(path, file('f-alone', alone))
    assert.deepEqual(await run('--test', path), ['begin f-alone', 'end f-alone'])
  })

  it('npm test takes turns, and says how many there are', () => {
    const { scripts } = JSON.parse(contentOf('package.json'))
    assert.match(scripts.test, /--import \.\/test\/support\/turns\.ts .*--test --test-concurrency=\d+ /)
  })
})
