import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, renameSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:net'
import { test } from 'node:test'
import { errorMessage } from '../../src/telemetry/error-text.ts'

async function thrownBy(action: () => unknown): Promise<unknown> {
  try {
    await action()
  } catch (error) {
    return error
  }
}

test('a failed system call reads as in CoreDNS’s log: call, file or address, reason', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const { port } = taken.address() as AddressInfo
  taken.close()
  await once(taken, 'close')
  const cases: readonly (readonly [() => unknown, string])[] = [
    [() => readFileSync('/nonexistent/x'), 'open /nonexistent/x: no such file or directory'],
    [() => renameSync('/nonexistent/x', '/tmp/y'), 'rename /nonexistent/x -> /tmp/y: no such file or directory'],
    [() => once(spawn('/nonexistent/x'), 'spawn'), 'spawn /nonexistent/x: no such file or directory'],
    [() => once(connect(port, '127.0.0.1'), 'connect'), `connect 127.0.0.1:${port}: connection refused`],
    [() => once(connect('/nonexistent/x'), 'connect'), 'connect /nonexistent/x: no such file or directory'],
  ]
  for (const [action, text] of cases) assert.equal(errorMessage(await thrownBy(action)), text)
})

test('an error that is no failed system call says what it says', () => {
  assert.equal(errorMessage(new Error('zone is empty')), 'zone is empty')
  assert.equal(errorMessage('stopped'), 'stopped')
})
