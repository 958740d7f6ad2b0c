import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createProgress } from '../../src/cli/progress.ts'
import { terminal } from './support.ts'

test('the progress of a command is a line that is written over, no wider than the screen and without control characters', () => {
  const io = terminal()
  let shown = ''
  const screen = {
    write(text: string) {
      shown += text
    },
    size: () => ({ columns: 11, rows: 5 }),
  }
  const progress = createProgress({ ...io, stderr: { ...io.stderr, screen } })
  progress.show('1 of 3 lookups')
  progress.show('a\u001b[2J')
  progress.clear()
  progress.clear()
  assert.equal(shown, '\r\u001b[K1 of 3 loo\r\u001b[Ka\\u001b[2J\r\u001b[K')
})

test('the progress of a command is nothing where no person looks', () => {
  const io = terminal()
  const progress = createProgress(io)
  progress.show('1 of 3')
  progress.clear()
  assert.equal(io.err(), '')
})
