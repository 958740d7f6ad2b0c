import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { systemRoots } from '../../src/trust/system-roots.ts'

const folder = mkdtempSync(join(tmpdir(), 'trust-'))
after(() => rmSync(folder, { recursive: true }))

const pem = (text: string): string => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

function directory(name: string, files: Readonly<Record<string, string>>): string {
  mkdirSync(join(folder, name))
  for (const [each, text] of Object.entries(files)) writeFileSync(join(folder, name, each), text)
  return join(folder, name)
}

const bundle = file('bundle.crt', `# Root one\n${pem('one')}\n# Root two\r\n${pem('two').replaceAll('\n', '\r\n')}`)
const other = file('other.crt', pem('three'))
const certs = directory('certs', { 'one.pem': pem('one'), 'four.pem': pem('four'), README: 'no certificate' })
symlinkSync('four.pem', join(certs, 'deadbeef.0'))
symlinkSync('gone.pem', join(certs, 'dangling.0'))
mkdirSync(join(certs, 'java'))
const more = directory('more', { 'five.pem': pem('five') })
const missing = join(folder, 'missing')

describe('the CA certificates of the system', () => {
  const cases: readonly (readonly [string, Record<string, string>, readonly string[]])[] = [
    ['come from the first bundle that can be read and from all directories, each once', {}, ['one', 'two', 'four', 'five']],
    ['come from SSL_CERT_FILE in place of the bundles', { SSL_CERT_FILE: other }, ['three', 'one', 'four', 'five']],
    ['come from SSL_CERT_DIR in place of the directories', { SSL_CERT_DIR: `${more}:${missing}` }, ['one', 'two', 'five']],
    ['come from both variables alone', { SSL_CERT_FILE: other, SSL_CERT_DIR: more }, ['three', 'five']],
  ] // biome-ignore format: rows
  for (const [what, env, names] of cases)
    it(`the CA certificates ${what}`, () => {
      const found = systemRoots({ env, bundles: [missing, bundle, other], directories: [missing, certs, more] })
      assert.deepEqual(found?.toSorted(), names.map(pem).toSorted())
    })

  it('no certificate at all leaves those of Node.js in use', () => {
    assert.equal(
      systemRoots({ env: { SSL_CERT_FILE: missing, SSL_CERT_DIR: missing }, bundles: [], directories: [] }),
      undefined,
    )
  })
})
