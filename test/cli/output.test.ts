/** What others wrote reaches no terminal as a command: names, annotations and records are texts. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { printable, printableLine } from '../../src/cli/output.ts'

describe('printable texts', () => {
  const cases: readonly [what: string, text: string, shown: string][] = [
    ['the colour of a terminal', '\u001b[31mred', '\\u001b[31mred'],
    ['a window title (OSC 0)', '\u001b]0;title\u0007', '\\u001b]0;title\\u0007'],
    ['the clipboard (OSC 52)', '\u001b]52;c;cm0gLXJm\u001b\\', '\\u001b]52;c;cm0gLXJm\\u001b\\'],
    ['a control sequence of one octet (C1)', '\u009b2J', '\\u009b2J'],
    ['a carriage return, which overwrites its line', 'NXDOMAIN\rNOERROR ', 'NXDOMAIN\\u000dNOERROR '],
    ['the direction of text', 'moc.elgoog\u202e', 'moc.elgoog\\u202e'],
    ['isolated text of another direction', '\u2066a\u2069', '\\u2066a\\u2069'],
    ['a space without width', 'pay\u200bpal', 'pay\\u200bpal'],
    ['a tag that no one sees', '\u{e0041}', '\\udb40\\udc41'],
    ['half a character', '\ud800', '\\ud800'],
    ['backspaces', 'ok\b\bno\u007f', 'ok\\u0008\\u0008no\\u007f'],
  ]
  for (const [what, text, shown] of cases)
    test(`printable escapes ${what}`, () => {
      assert.equal(printable(text), shown)
      // In JSON the same text comes out again.
      assert.equal(JSON.parse(printable(JSON.stringify(text))), text)
    })

  test('printable leaves words of any language, lines and tabs as they are', () => {
    for (const text of ['größe\t日本\n', 'emoji 🎉 and ñ']) assert.equal(printable(text), text)
    assert.equal(printableLine('a\nb\tc'), 'a\\u000ab\\u0009c')
  })
})

const main = join(import.meta.dirname, '../../src/main.ts')

describe('output that nobody takes', { skip: process.platform === 'win32' }, () => {
  const shell = (line: string) =>
    spawnSync('bash', ['-c', line], {
      encoding: 'utf8',
      env: { ...process.env, SLICEDNS: `${process.execPath} ${main}`, NODE_NO_WARNINGS: '1' },
    })

  for (const command of ['help', '-h'])
    test(`output of ${command} ends quietly: a closed pipe with 0, a full disk with 1`, () => {
      const closed = shell(`$SLICEDNS ${command} | true; exit \${PIPESTATUS[0]}`)
      assert.deepEqual([closed.status, closed.stderr], [0, ''])
      if (!existsSync('/dev/full')) return
      const full = shell(`$SLICEDNS ${command} >/dev/full`)
      assert.deepEqual([full.status, full.stderr], [1, ''])
    })

  test('output of errors that nobody takes leaves the exit code as it is', { skip: !existsSync('/dev/full') }, () => {
    assert.equal(shell('$SLICEDNS help nothing 2>/dev/full').status, 2)
  })
})
