/** Which names a directive's rules keep out of the answer table: never too few, and as few as can be proven. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import fc from 'fast-check'
import { isSubdomain } from '../../src/dns/name.ts'
import { parseRecord } from '../../src/dns/record-text.ts'
import { transparency } from '../../src/plugin/capabilities/transparency.ts'
import { provide } from '../../src/plugin/capability.ts'
import type { Plugin } from '../../src/plugin/contract.ts'
import {
  exactMatcher,
  type NameMatcher,
  patternMatcher,
  prefixMatcher,
  substringMatcher,
  suffixMatcher,
  zoneMatcher,
} from '../../src/plugin/name-matcher.ts'
import { staticSource } from '../../src/plugin/static-source.ts'
import { type ClaimRule, transparencyOf } from '../../src/plugin/transparency-of.ts'
import { compilePattern } from '../../src/regexp/index.ts'
import { servePlugins } from '../support/plugin-server.ts'

const pattern = (source: string): NameMatcher => patternMatcher(compilePattern(source))

describe('a name matcher', () => {
  const label = fc.constantFrom('a', 'b', 'api', 'web-1', 'svc')
  const name = fc.array(label, { maxLength: 4 }).map((labels) => (labels.length > 0 ? `${labels.join('.')}.` : '.'))
  const text = fc.constantFrom('a', '.svc.', 'api.svc.', 'b.', 'i.b.a.', '-1')
  const matcher: fc.Arbitrary<NameMatcher> = fc.oneof(
    name.map(exactMatcher),
    name.map(zoneMatcher),
    text.map(prefixMatcher),
    text.map(suffixMatcher),
    text.map(substringMatcher),
    fc.constantFrom('^a', '\\.svc\\.$', '^api\\..*\\.b\\.$', 'web-\\d', '(a|b)\\.svc\\.$').map(pattern),
  )

  it('every name that a matcher matches has its texts', () => {
    fc.assert(
      fc.property(matcher, name, (given, found) => {
        fc.pre(given.matches(found))
        for (const { at, text } of given.texts ?? []) {
          const has = { start: found.startsWith(text), end: found.endsWith(text), anywhere: found.includes(text) }
          assert.equal(has[at], true, `${text} ${at}`)
        }
      }),
      { numRuns: 2_000 },
    )
  })

  it('a name matcher has no match outside of its zone', () => {
    fc.assert(
      fc.property(matcher, name, (given, found) => {
        fc.pre(given.zone !== undefined && given.matches(found))
        assert.equal(isSubdomain(given.zone!, found), true)
      }),
    )
  })
})

/** A block with a plugin that has these rules, in front of a source with a zone. */
async function serve(t: TestContext, rules: readonly ClaimRule[]) {
  const schema = { usage: '', repeat: 'once', read: () => undefined } as const
  const rewriting: Plugin = {
    name: 'rewriting',
    schema,
    setup: () => ({ handler: (query, next) => next(query), provides: [provide(transparency, transparencyOf(rules))] }),
  }
  const records: Plugin = {
    name: 'records',
    schema,
    setup(_, { clock, directive, log }) {
      const source = staticSource({ zones: [{ zone: 'example.', fallthrough: false }], directive, clock, log })
      source.update(
        [
          'example. 60 IN SOA ns.example. admin.example. 1 7200 1800 86400 30',
          'www.apps.example. 60 IN A 192.0.2.1',
          'api.apps.example. 60 IN A 192.0.2.2',
        ].map(parseRecord),
      )
      return { handler: () => ({ kind: 'drop', plugin: 'records' }), provides: source.provides, stop: source.stop }
    },
  }
  const server = await servePlugins([rewriting, records], '. {\nrewriting\nrecords\n}\n')
  t.after(() => server.stop())
  await server.settled
  return server
}

describe('a rule in front of a source', () => {
  const rule = (names: NameMatcher, more: Partial<ClaimRule> = {}): ClaimRule => ({
    names,
    reason: 'rewrites',
    at: { file: 'Corefile', line: 2, column: 1 },
    ...more,
  })
  const questions = [
    'www.apps.example. A',
    'api.apps.example. A',
    'api.apps.example. AAAA',
    'no.apps.example. A',
    'no.apps.example. AAAA',
    'no.example. A',
    'no.example. TXT',
    'no.example. SRV',
  ]
  /** By question: R records, D denied from the table, - left to the chain. */
  const cases: readonly (readonly [what: string, rule: ClaimRule, answered: string])[] = [
    ['for an exact name', rule(exactMatcher('www.apps.example.')), '-RDDDDDD'],
    ['for an exact name that is not there', rule(exactMatcher('no.apps.example.')), 'RRD--DDD'],
    ['for a zone', rule(zoneMatcher('apps.example.')), '-----DDD'],
    ['for a prefix', rule(prefixMatcher('www')), '-RDDDDDD'],
    ['for a prefix of missing names', rule(prefixMatcher('no.a')), 'RRD--DDD'],
    ['for a suffix', rule(suffixMatcher('.apps.example.')), '-----DDD'],
    ['for a suffix elsewhere', rule(suffixMatcher('.svc.org.')), 'RRDDDDDD'],
    ['for a substring', rule(substringMatcher('o.ap')), 'RRD--DDD'],
    ['with a regular expression that ends elsewhere', rule(pattern('^.*\\.svc\\.org\\.$')), 'RRDDDDDD'],
    ['with a regular expression that begins elsewhere', rule(pattern('^api-')), 'RRDDDDDD'],
    ['with a regular expression that is elsewhere', rule(pattern('\\.consul')), 'RRDDDDDD'],
    ['with a regular expression of both cases', rule(pattern('(?i)^NO.*PPS')), 'RRD--DDD'],
    ['with alternatives', rule(pattern('^(b|n)')), 'RRD-----'],
    ['with alternatives before an end', rule(pattern('(www|api)\\.apps\\.example\\.$')), '-----DDD'],
    ['with a regular expression of classes alone', rule(pattern('^[a-z]+')), '--------'],
    ['for the type AAAA of every name', rule(zoneMatcher('.'), { types: [28] }), 'RR-D-DDD'],
    ['for the type A of every name', rule(zoneMatcher('.'), { types: [1] }), '--D-D-DD'],
    ['for the type HTTPS of every name', rule(zoneMatcher('.'), { types: [65] }), 'RRDDDDDD'],
    ['for the type SRV of every name', rule(zoneMatcher('.'), { types: [33] }), 'RRDDDDD-'],
    ['for the types A and TXT of every name', rule(zoneMatcher('.'), { types: [1, 16] }), '--D-D--D'],
    ['for the type AAAA of a suffix', rule(suffixMatcher('.apps.example.'), { types: [28] }), 'RR-D-DDD'],
    ['for the type AAAA of a zone', rule(zoneMatcher('apps.example.'), { types: [28] }), 'RR-D-DDD'],
    ['for names that exist', rule(zoneMatcher('.'), { types: [28], existingNames: true }), 'RR-DDDDD'],
    ['for another class', rule(zoneMatcher('.'), { class: 3 }), 'RRDDDDDD'],
    ['that replaces denials alone', rule(zoneMatcher('.'), { answers: 'denials' }), 'RR------'],
  ]
  for (const [what, given, answered] of cases)
    it(`${what} leaves to the chain what it may change, and no more: ${answered}`, async (t) => {
      const server = await serve(t, [given])
      const kinds = questions.map((question) => {
        const said = server.table(question)
        return said === 'miss' ? '-' : / IN A/.test(said) ? 'R' : 'D'
      })
      assert.equal(kinds.join(''), answered)
    })

  it('a rule in front of a source is named by explain, for a name that it concerns and for one that is not there', async (t) => {
    const server = await serve(t, [rule(pattern('^www[.]|^www\\d'), { reason: 'name prefix www' })])
    assert.match((await server.explained('www.apps.example. A')).reason, /rewriting: name prefix www \(Corefile:2\)$/)
    assert.match(
      (await server.explained('other.example. A')).reason,
      /rewriting: name prefix www \(Corefile:2\) \(for missing names\)$/,
    )
  })

  it('a rule for one type in front of a source is not named by explain for a missing name of another type', async (t) => {
    const server = await serve(t, [rule(zoneMatcher('.'), { types: [28], reason: 'AAAA of .' })])
    assert.match((await server.explained('no.example. AAAA')).reason, /rewriting: AAAA of \. \(Corefile:2\)$/)
    assert.equal((await server.explained('no.example. A')).path, 'table')
  })
})
