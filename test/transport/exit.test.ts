import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'

describe('a process that starts', () => {
  test('a process that exits while its UDP threads load native code ends with its code', async () => {
    const script = fileURLToPath(new URL('./starting-process.ts', import.meta.url))
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 'ignore', 'pipe'] })
    const [errors] = await Promise.all([text(child.stderr), once(child, 'exit')])
    assert.deepEqual([errors, child.exitCode, child.signalCode], ['', 7, null])
  })
})

for (const udp of ['auto', 'dgram']) {
  describe(`a process that serves (${udp})`, () => {
    const cases = [
      { name: 'ends by itself once the transport is closed', ending: 'close', code: 0 },
      { name: 'ends at once on process.exit, with its code', ending: 'exit', code: 7 },
      { name: 'ends on an exception that nobody catches', ending: 'throw', code: 1 },
    ]
    for (const { name, ending, code } of cases) {
      test(`a process that serves (${udp}) ${name}`, async () => {
        const script = fileURLToPath(new URL('./serving-process.ts', import.meta.url))
        const child = spawn(process.execPath, [script, ending, udp], { stdio: ['ignore', 'pipe', 'ignore'] })
        const [output] = await Promise.all([text(child.stdout), once(child, 'exit')])
        assert.equal(output, 'answered\n')
        assert.equal(child.exitCode, code)
      })
    }
  })
}
