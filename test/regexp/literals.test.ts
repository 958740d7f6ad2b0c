/** What is proven of a pattern's end is true of every match, for any pattern and text. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { compilePattern, literalsOf } from '../../src/regexp/index.ts'

const literalSuffix = (source: string): string => literalsOf(source).find(({ at }) => at === 'end')?.text ?? ''

describe('the literals of a pattern', () => {
  const all: readonly (readonly [pattern: string, literals: string])[] = [
    ['^api-', 'start api-'],
    ['^api-.*\\.svc\\.$', 'end .svc. start api-'],
    ['^web\\.svc\\.$', 'end web.svc. start web.svc.'],
    ['(.*)-(us-west-1)\\.example\\.org', 'anywhere -us-west-1.example.org'],
    ['\\Aapi', 'start api'],
    ['(?i)\\.CONSUL\\b', 'anywhere .consul'],
    ['^(?:(api))x', 'start apix'],
    ['a+bc?de', 'anywhere de'],
    ['a|b', ''],
    ['^(a|b)c', 'anywhere c'],
    ['^a|b$', ''],
    ['a^b', 'anywhere a'],
    ['x(^a)', 'anywhere x'],
    ['[a-z]+', ''],
    ['.*', ''],
    ['(?i)ſ', ''],
    ['[[:alpha:]]b', 'anywhere b'],
    ['[[:a]b', 'anywhere b'],
    ['[[:alpha]]b', 'anywhere ]b'],
  ]
  for (const [pattern, literals] of all)
    it(`the literals of ${pattern} are ${literals || 'not there'}`, () => {
      const found = literalsOf(pattern).map(({ at, text }) => `${at} ${text}`)
      assert.equal(found.join(' '), literals)
    })

  const cases: readonly (readonly [string, string])[] = [
    ['(.*)\\.svc\\.example\\.org\\.$', '.svc.example.org.'],
    ['^web\\.example\\.org\\.$', 'web.example.org.'],
    ['^(.*)\\.(corp\\.example\\.)$', '.corp.example.'],
    ['(?i)\\.EXAMPLE\\.$', '.example.'],
    ['(?P<host>[a-z]+)\\.example\\.\\z', '.example.'],
    ['[^.]+x$', 'x'],
    ['(.*)\\.svc\\.example\\.org\\.', ''],
    ['a\\.example\\.$|b', ''],
    ['(a|b)\\.example\\.$', '.example.'],
    ['\\.(example|test)\\.$', '.'],
    ['example\\.?$', ''],
    ['examplex{2}$', ''],
    ['(example\\.)+$', ''],
    ['\\Qexample.\\E$', ''],
    ['a(?i:B)$', ''],
    ['^api\\.example\\.com\\.$', 'api.example.com.'],
    ['(.*)\\.example\\.com\\.$', '.example.com.'],
    ['^.*[.]Example[.]com[.]$', '.example.com.'],
    ['(?i)^(?P<host>[a-z]+)\\.(?:example\\.(com))\\.$', '.example.com.'],
    ['a{2}b$', 'b'],
    ['web-\\d+\\.svc\\.$', '.svc.'],
    ['abc\\z', 'abc'],
    ['abc*$', ''],
    ['ab(cd)?$', ''],
    ['ab(c|d)$', ''],
    ['^a$|^b\\.com\\.$', ''],
    ['example\\.com\\.', ''],
    ['example\\.com\\$', ''],
    ['\\x2e$', ''],
    ['\\pL$', ''],
    ['\\Qab$', ''],
    ['[[:alpha:]]$', ''],
    ['(?=a)b$', ''],
    ['(a$', ''],
    ['', ''],
  ]
  for (const [pattern, suffix] of cases)
    it(`the literal suffix of a pattern of ${pattern} is ${suffix === '' ? 'not proven' : suffix}`, () =>
      assert.equal(literalSuffix(pattern), suffix))

  it('every text that a pattern matches has its literals', () => {
    const atom = fc.constantFrom(
      'a',
      'b',
      '\\.',
      '.',
      '[ab]',
      '[^a]',
      '\\w',
      '$',
      '^',
      '\\z',
      '(?:',
      '(',
      ')',
      '|',
      '*',
      '+',
      '?',
    )
    const flags = fc.constantFrom('', '(?i)', '(?s)', '(?U)')
    const patterns = fc.tuple(flags, fc.array(atom, { maxLength: 9 })).map(([flag, atoms]) => flag + atoms.join(''))
    const texts = fc.array(fc.constantFrom('a', 'b', '.', 'c'), { maxLength: 8 }).map((letters) => letters.join(''))
    fc.assert(
      fc.property(patterns, fc.array(texts, { minLength: 10, maxLength: 30 }), (source, candidates) => {
        let pattern: ReturnType<typeof compilePattern>
        try {
          pattern = compilePattern(source)
        } catch {
          return
        }
        const literals = literalsOf(source)
        for (const text of candidates.filter((each) => pattern.test(each))) {
          for (const literal of literals) {
            const has = {
              start: text.startsWith(literal.text),
              end: text.endsWith(literal.text),
              anywhere: text.includes(literal.text),
            }
            assert.ok(has[literal.at], `${source}: ${text}`)
          }
        }
      }),
      { numRuns: 5000 },
    )
  })
})
