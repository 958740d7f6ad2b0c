/** The names that a pattern is said to stand for are those that it matches, and no others. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isSubdomain } from '../../src/dns/name.ts'
import { compilePattern, type Names, namesOf } from '../../src/regexp/index.ts'

const shown = (names: readonly Names[] | undefined): string | undefined =>
  names
    ?.map((each) => {
      if (each.kind === 'all') return 'all'
      return each.kind === 'one' ? each.name : `*.${each.zone}`
    })
    .join(' ')

describe('the names of a pattern', () => {
  const cases: readonly (readonly [pattern: string, names: string | undefined])[] = [
    ['.*', 'all'],
    ['', 'all'],
    ['^.+$', 'all'],
    ['^a\\.example\\.$', 'a.example.'],
    ['^(a|b)\\.example\\.$', 'a.example. b.example.'],
    ['^a[.]example[.]$', 'a.example.'],
    ['\\.example\\.$', '*.example.'],
    ['^.*\\.example\\.$', '*.example.'],
    ['(^|\\.)example\\.$', 'example. *.example.'],
    ['^a\\.$|^b\\.$', 'a. b.'],
    ['a\\.example\\.$', undefined],
    ['^a\\.example\\.', undefined],
    ['^a.example\\.$', undefined],
    ['^A\\.example\\.$', undefined],
    ['^a\\.example$', undefined],
    ['^[ab]\\.example\\.$', undefined],
    ['^a*\\.example\\.$', undefined],
    ['^(?:[^.]+\\.){4,}internal\\.$', undefined],
    ['^$', undefined],
  ]
  for (const [pattern, names] of cases)
    it(`the names of ${pattern} are ${names ?? 'not proven'}`, () => assert.equal(shown(namesOf(pattern)), names))

  it('a pattern with proven names matches those names and no others', () => {
    const atom = fc.constantFrom('a', 'b', '\\.', '[.]', '.*', '.+', '^', '$', '(a|b)', '(^|\\.)', '(b\\.)', '|', 'A')
    const patterns = fc.tuple(fc.constantFrom('', '^'), fc.array(atom, { maxLength: 5 }), fc.constantFrom('', '\\.$'))
    const label = fc.constantFrom('a', 'b', 'ab', 'ba')
    const names = fc.array(label, { maxLength: 3 }).map((labels) => labels.map((each) => `${each}.`).join('') || '.')
    fc.assert(
      fc.property(patterns, fc.array(names, { minLength: 10 }), ([begin, atoms, end], candidates) => {
        const source = begin + atoms.join('') + end
        const proven = namesOf(source)
        if (proven === undefined) return
        const pattern = compilePattern(source)
        const holds = (name: string): boolean =>
          proven.some((each) => {
            if (each.kind === 'all') return true
            return each.kind === 'one' ? each.name === name : name !== each.zone && isSubdomain(each.zone, name)
          })
        for (const name of candidates) assert.equal(holds(name), pattern.test(name), `${source}: ${name}`)
      }),
      { numRuns: 5000 },
    )
  })
})
