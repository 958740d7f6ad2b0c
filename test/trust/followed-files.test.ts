import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { followFiles } from '../../src/trust/followed-files.ts'

const folder = mkdtempSync(join(tmpdir(), 'slicedns-followed-'))
after(() => rmSync(folder, { recursive: true }))
const path = join(folder, 'file')

/** Reads what is not `bad`. */
function follow() {
  const failures: string[] = []
  let reads = 0
  const files = followFiles(
    [path],
    () => {
      reads++
      const text = readFileSync(path, 'utf8')
      if (text === 'bad') throw new Error('bad')
      return { text }
    },
    (error) => failures.push((error as Error).message),
  )
  return { files, failures, reads: () => reads }
}

describe('followed files', () => {
  it('a file that has not changed is not read again', () => {
    writeFileSync(path, 'first')
    const { files, reads } = follow()
    assert.equal(files.current(), files.current())
    assert.equal(reads(), 1)
  })

  it('a file that has changed is read again', () => {
    writeFileSync(path, 'first')
    const { files } = follow()
    writeFileSync(path, 'the second')
    assert.equal(files.current().text, 'the second')
  })

  it('a file that cannot be read any more leaves what it said before, and is passed on once', () => {
    writeFileSync(path, 'first')
    const { files, failures } = follow()
    writeFileSync(path, 'bad')
    assert.deepEqual([files.current().text, files.current().text, failures], ['first', 'first', ['bad']])
    rmSync(path)
    assert.equal(files.current().text, 'first')
    assert.equal(failures.length, 2)
  })

  it('a file that a loop of links replaces leaves what it said before, until there is a file again', () => {
    writeFileSync(path, 'first')
    const { files, failures } = follow()
    rmSync(path)
    symlinkSync(path, path)
    assert.deepEqual([files.current().text, files.current().text, failures.length], ['first', 'first', 1])
    rmSync(path)
    writeFileSync(path, 'second')
    assert.equal(files.current().text, 'second')
  })

  it('a file that cannot be read at first is an error', () => {
    writeFileSync(path, 'bad')
    assert.throws(follow, /^Error: bad$/)
  })
})
