/** Key files that cannot be used: which file, why, and never the secret. */
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { keyFileBase, readKeyFiles } from '../../src/dnssec/key-files.ts'
import { errorMessage } from '../../src/telemetry/error-text.ts'
import { type KeyFiles, keyAlgorithms, writeKeyFiles } from '../support/dnssec-keys.ts'

const folder = mkdtempSync(join(tmpdir(), 'keys-'))
after(() => rmSync(folder, { recursive: true }))

describe('key files', () => {
  for (const algorithm of keyAlgorithms)
    it(`a key of ${algorithm} is read, and signs`, async () => {
      const { base } = writeKeyFiles(folder, algorithm, { zone: 'example.org.', algorithm })
      const key = readKeyFiles(base)
      assert.equal(key.role, 'ksk')
      assert.ok((await key.sign(Uint8Array.of(1))).length >= 64)
    })

  it('a key is named by either of its files, or by neither', () => {
    assert.deepEqual(['/k/K.+013', '/k/K.+013.key', '/k/K.+013.private'].map(keyFileBase), Array(3).fill('/k/K.+013'))
  })

  const change = (path: string, from: RegExp | string, to: string) =>
    writeFileSync(path, readFileSync(path, 'utf8').replace(from, to))

  const broken: readonly (readonly [string, (files: KeyFiles) => void, RegExp])[] = [
    [
      'a private file that everybody can read',
      ({ base }) => chmodSync(`${base}.private`, 0o644),
      /it is readable by all users.*chmod o-r/,
    ],
    ['a private file that is missing', ({ base }) => rmSync(`${base}.private`), /\.private: no such file or directory/],
    ['a public file that is missing', ({ base }) => rmSync(`${base}.key`), /\.key: no such file or directory/],
    [
      'a public file without a record',
      ({ base }) => writeFileSync(`${base}.key`, '; nothing\n'),
      /must begin with a DNSKEY record/,
    ],
    [
      'a public file with another record',
      ({ base }) => change(`${base}.key`, /DNSKEY.*/, 'A 192.0.2.1'),
      /must begin with a DNSKEY/,
    ],
    [
      'a public file that is no record',
      ({ base }) => writeFileSync(`${base}.key`, 'a IN BOGUS x\n'),
      /\.key:1: .*BOGUS/,
    ],
    [
      'an algorithm that nobody signs with',
      ({ base }) => change(`${base}.key`, '3 15', '3 3'),
      /algorithm 3 is not supported/,
    ],
    ['two algorithms', ({ base }) => change(`${base}.private`, /Algorithm: 15/, 'Algorithm: 13'), /must be 15/],
    ['no format', ({ base }) => change(`${base}.private`, /^.*\n/, ''), /Private-key-format/],
    ['no private key', ({ base }) => change(`${base}.private`, /PrivateKey.*/, ''), /the line PrivateKey: is missing/],
    [
      'a private key that is not base64',
      ({ base }) => change(`${base}.private`, /PrivateKey: ./, 'PrivateKey: *'),
      /PrivateKey is not base64/,
    ],
    [
      'a line that is not WORD: VALUE',
      ({ base }) => change(`${base}.private`, /PrivateKey: /, 'PrivateKey '),
      /line 3 must be WORD: VALUE/,
    ],
    [
      'the private key of another pair',
      ({ base }) => {
        writeKeyFiles(folder, 'other', { zone: 'example.org.' })
        writeFileSync(`${base}.private`, readFileSync(join(folder, 'other.private')))
      },
      /the private key (is invalid, or )?does not match the public key/,
    ],
    [
      'a file that is too large',
      ({ base }) => writeFileSync(`${base}.private`, ' '.repeat(65_537)),
      /exceeds 65536 octets/,
    ],
  ]
  for (const [what, breakIt, expected] of broken)
    it(`${what} is refused`, () => {
      const files = writeKeyFiles(folder, 'broken', { zone: 'example.org.' })
      chmodSync(`${files.base}.private`, 0o600)
      const [, secret] = /PrivateKey: (.*)/.exec(readFileSync(`${files.base}.private`, 'utf8')) ?? []
      breakIt(files)
      assert.throws(
        () => readKeyFiles(files.base),
        (error) => {
          assert.match(errorMessage(error), expected)
          assert.ok(!errorMessage(error).includes(secret))
          return true
        },
      )
    })
})
