/** Regular expressions of a Corefile read as Go's regexp reads them, and no name makes one run away. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compilePattern, PatternError, StepsError, stepsTaken } from '../../src/regexp/index.ts'
import { maxSteps } from '../../src/regexp/matcher.ts'
import { evilPatterns } from '../support/evil-patterns.ts'

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

  it('a group that is repeated no times takes no part, and keeps its number', () => {
    assert.deepEqual(compilePattern('(a)(b){0}(c)').exec('xac'), ['ac', 'a', '', 'c'])
    assert.equal(compilePattern('(?P<n>a){0}b').groupNames.get('n'), 1)
  })

  it('a pattern of the Corefile takes one character for one, also where UTF-16 has two', () => {
    assert.deepEqual(compilePattern('^(.)(.)$').exec('😀é'), ['😀é', '😀', 'é'])
    assert.deepEqual(compilePattern('[😀-😂]+').exec('a😁😂b'), ['😁😂'])
    assert.equal(compilePattern('^.$').test('😀'), true)
  })
})

describe('what a pattern costs', () => {
  for (const { pattern, name } of evilPatterns)
    it(`the pattern ${pattern} takes at most ${maxSteps} steps on a name that is made for it`, () => {
      const compiled = compilePattern(pattern)
      try {
        assert.equal(compiled.test(name), false)
      } catch (error) {
        assert.ok(error instanceof StepsError, String(error))
      }
      assert.ok(stepsTaken() <= maxSteps, `${stepsTaken()} steps`)
    })

  it('a text of twice the length takes about twice the steps, whatever repetitions lie in one another', () => {
    const steps = (pattern: string, text: string): number => {
      compilePattern(pattern).test(text)
      return stepsTaken()
    }
    const linear = evilPatterns.filter(({ pattern }) => !/\{\d/.test(pattern))
    for (const { pattern, name } of linear) {
      const [once, twice] = [name.slice(0, 125) + name.at(-1), name + name.slice(0, 1)].map((text) =>
        steps(pattern, text),
      )
      assert.ok(twice <= 2.1 * once + 100, `${pattern}: ${once} steps, then ${twice}`)
    }
    assert.ok(linear.length > 35)
  })

  it('a text that must end otherwise takes no step', () => {
    compilePattern('(.*)\\.svc\\.example\\.org\\.$').test('www.example.com.')
    assert.equal(stepsTaken(), 0)
  })

  it('a pattern whose repetitions make it huge is refused before it is compiled', () => {
    for (const pattern of [
      '(a{1000}){1000}',
      '((a{100}){100}){100}',
      'a{1000}'.repeat(30),
      '(aaaaaaaaaaaaaaaaaaaaaaaaaaaaa)(?i){1000}',
      '(?:(?:.{9}){9}){9}'.repeat(99),
    ])
      assert.throws(() => compilePattern(pattern), /too large: it has \d+ parts with its repetitions written out/)
  })

  it('a pattern as long as any may be is accepted', () => {
    const words = Array.from({ length: 900 }, (_, i) => `w${i}\\.test`).join('|')
    assert.equal(compilePattern(words.slice(0, 9_990)).test('w17.test'), true)
    assert.equal(compilePattern('x'.repeat(10_000)).test('x'.repeat(10_000)), true)
  })
})
