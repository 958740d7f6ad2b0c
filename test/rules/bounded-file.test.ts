/** A test file that does not end must fail, and must neither keep the others waiting nor take their results along. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { contentOf } from './sources.ts'

const folder = mkdtempSync(join(tmpdir(), 'slicedns-bounded-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const head = `
import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { after, it } from 'node:test'
import { Worker } from 'node:worker_threads'
import { boundFile } from ${JSON.stringify(join(import.meta.dirname, '../support/bounded-file.ts'))}
`
/** Milliseconds: long enough for ten results on a busy machine. */
const bound = 6000
const short = `boundFile({ afterTests: ${bound}, inAll: 900_000 })`
const listen = 'createServer().listen(0)'
const many = "for (let i = 0; i < 10; i++) it('one of many tests passes', () => {})"

const files: readonly [title: string, text: string, said: RegExp][] = [
  [
    'a listener that a failed test leaves open',
    `${short}; ${many}; it('one of many tests fails', () => { ${listen}; assert.equal(1, 2) })`,
    /something is still open: .*TCPServerWrap/,
  ],
  ['a listener beside tests that pass', `${short}; ${listen}; ${many}`, /something is still open/],
  ['a hook that waits for ever', `${short}; ${listen}; ${many}; after(() => new Promise(() => {}))`, /still open/],
  [
    'a thread that waits in native code',
    `${short}; ${many}; new Worker('Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)', { eval: true })`,
    /still open/,
  ],
  [
    'an await outside of the tests',
    `boundFile({ afterTests: 900_000, inAll: ${bound} }); ${listen}; ${many}; await new Promise(() => {})`,
    /take too long: .*TCPServerWrap/,
  ],
]

describe('a test file that does not end', { concurrency: true }, () => {
  for (const [title, text, said] of files)
    it(`a test file fails because of ${title}, and the results are there`, async () => {
      const file = join(folder, `${title.replaceAll(' ', '-')}.test.ts`)
      writeFileSync(file, `${head}${text}\n`)
      const { code, output } = await runTests(file)
      assert.equal(code, 1)
      assert.match(output, said)
      assert.equal(Number(/^# pass (\d+)$/m.exec(output)?.[1]), 10)
      assert.notEqual(Number(/^# fail (\d+)$/m.exec(output)?.[1]), 0)
    })

  it('both scripts that run tests bound a file', () => {
    const { scripts } = JSON.parse(contentOf('package.json'))
    for (const script of [scripts.test, scripts['test:unit']])
      assert.match(script, /--import \.\/test\/support\/bounded-file\.ts .*--test .*--test-timeout=\d+/)
  })
})

function runTests(file: string): Promise<{ readonly code: unknown; readonly output: string }> {
  // It says that we are a file under test, which would run no files itself.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const args = ['--test', '--test-reporter=tap', '--test-timeout=60000', file]
  return new Promise((resolve) => {
    execFile(process.execPath, args, { env, maxBuffer: 2 ** 24 }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, output: stdout + stderr }),
    )
  })
}
