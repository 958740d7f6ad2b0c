import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { readRegularFile } from '../../src/corefile/regular-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'slicedns-file-'))
after(() => rmSync(folder, { recursive: true }))

test('a file that a Corefile names is read, /dev/null is empty, and whatever could block is refused', () => {
  const file = join(folder, 'file')
  const pipe = join(folder, 'pipe')
  writeFileSync(file, 'text')
  execFileSync('mkfifo', [pipe])
  assert.equal(readRegularFile(file).toString(), 'text')
  assert.equal(readRegularFile('/dev/null').length, 0)
  for (const path of [pipe, '/dev/zero', '/dev/tty'])
    assert.throws(() => readRegularFile(path), /is not a regular file|ENXIO/, path)
  assert.throws(() => readRegularFile(folder), { message: `read ${folder}: is a directory` })
  assert.throws(() => readRegularFile(join(folder, 'nowhere')), { code: 'ENOENT' })
})
