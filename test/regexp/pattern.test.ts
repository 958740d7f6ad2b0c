/** Regular expressions of a Corefile read as Go's regexp reads them, and no name makes one run away. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compilePattern, PatternError } from '../../src/regexp/index.ts'

describe('a pattern of the Corefile', () => {
  const matches: readonly (readonly [string, string, boolean])[] = [
    ['^.* i/o timeout$', 'read udp 1.2.3.4: i/o timeout', true],
    ['(?i)TIMEOUT', 'timeout', true],
    ['(?s)a.b', 'a\nb', true],
    ['a.b', 'a\nb', false],
    ['(?U)a+', 'aa', true],
    ['(?P<port>[[:digit:]]+)\\z', ':53', true],
    ['\\Aread\\z', 'read on', false],
    ['\\Qa.b\\E', 'axb', false],
    ['\\Qa.b\\E', 'a.b', true],
    ['a{,5}', 'a{,5}', true],
    [']', ']', true],
  ]
  for (const [pattern, text, expected] of matches)
    it(`${pattern} ${expected ? 'matches' : 'does not match'} ${JSON.stringify(text)}`, () => {
      assert.equal(compilePattern(pattern).test(text), expected)
      assert.equal(compilePattern(pattern).exec(text) !== undefined, expected)
    })

  it('a pattern of the Corefile gives the groups of the leftmost match, the empty text for a group that took no part', () => {
    assert.deepEqual(compilePattern('(a)|(b)').exec('xb'), ['b', '', 'b'])
    assert.deepEqual(compilePattern('^(.*)\\.svc\\.(.*)$').exec('web.ns.svc.example.'), [
      'web.ns.svc.example.',
      'web.ns',
      'example.',
    ])
  })

  it('a pattern of the Corefile knows its groups by number and by name', () => {
    const pattern = compilePattern('(?P<name>[a-z]+)-(?<zone>[a-z]+)-(x)')
    assert.equal(pattern.groupCount, 3)
    assert.deepEqual(
      [...pattern.groupNames],
      [
        ['name', 1],
        ['zone', 2],
      ],
    )
  })

  const invalid: readonly (readonly [string, number, RegExp])[] = [
    ['ab(?=a)', 2, /invalid or unsupported Perl syntax: `\(\?=`/],
    ['(a)\\1', 3, /invalid escape sequence: `\\1`/],
    ['xa++', 2, /invalid nested repetition operator: `\+\+`/],
    ['a\\Z', 1, /invalid escape sequence/],
    ['x{1001}', 1, /invalid repeat count/],
    ['(', 0, /missing closing \)/],
    ['a[', 1, /missing closing \]/],
    ['x'.repeat(10_001), 10_000, /must not exceed 10000 characters/],
  ]
  for (const [pattern, offset, message] of invalid)
    it(`${pattern.slice(0, 20)} is refused, and the error says where`, () =>
      assert.throws(
        () => compilePattern(pattern),
        (error: unknown) => error instanceof PatternError && message.test(error.message) && error.offset === offset,
      ))

  it('a pattern of the Corefile that backtracking engines need years for is refuted by counting, not by waiting', () => {
    // 2^250 ways to cut the text: only an engine without backtracking comes back at all.
    for (const pattern of [
      '^(a+)+$',
      '^(a|aa)+$',
      '^(a|a?)+$',
      '(.*a){20}$',
      '(x+x+)+y',
      '^(([a-z])+.)+[A-Z]([a-z])+$',
    ])
      assert.equal(compilePattern(pattern).test(`${'a'.repeat(249)}!`), false, pattern)
  })
})
