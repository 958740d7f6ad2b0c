/** What others wrote, in lines for people. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { oneLine, quoted } from '../../src/telemetry/quoted.ts'

const cases: readonly (readonly [string, string])[] = [
  ['', '""'],
  ['soon', '"soon"'],
  ['a "b" \\c', '"a \\"b\\" \\\\c"'],
  ['a\nb\r\t\0', '"a\\nb\\u{d}\\u{9}\\u{0}"'],
  ['größe 数 ☃ 😀', '"größe 数 ☃ 😀"'],
  ['\u202eabc\u2028\u00a0\u007f\u0085\ufeff', '"\\u{202e}abc\\u{2028}\\u{a0}\\u{7f}\\u{85}\\u{feff}"'],
  ['\ud800', '"\\u{d800}"'],
  ['x'.repeat(64), `"${'x'.repeat(64)}"`],
  ['x'.repeat(65), `"${'x'.repeat(64)}"… (65 characters)`],
  ['😀'.repeat(65), `"${'😀'.repeat(64)}"… (130 characters)`],
]

describe('a text in quotation marks', () => {
  for (const [text, wanted] of cases) test(JSON.stringify(text.slice(0, 20)), () => assert.equal(quoted(text), wanted))

  test('a text in quotation marks is short, and one line of printable characters, whatever the text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.string({ unit: 'grapheme' })), (text) => {
        for (const line of [quoted(text), oneLine(text, 64)]) {
          assert.ok(line.length < 64 * 10 + 40)
          assert.doesNotMatch(line, /[\p{C}\p{Zl}\p{Zp}]/u)
        }
      }),
    )
  })
})

test('a sentence keeps its quotation marks', () => {
  assert.equal(oneLine('it\'s "so"\n'), 'it\'s "so"\\n')
  assert.equal(oneLine('abc', 2), 'ab…')
})
