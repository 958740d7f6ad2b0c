import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { aliasAnnotation } from '../../../src/cluster-dns/features/alias/parse.ts'
import { endpointsAnnotation } from '../../../src/cluster-dns/features/endpoints/parse.ts'
import { parseName } from '../../../src/dns/name.ts'

function readAliases(text: string) {
  const result = aliasAnnotation.parse(text)
  assert.ok(result.ok)
  return { names: result.value, problems: result.flaws ?? [] }
}

describe('slicedns.io/alias: host names, separated by commas', () => {
  const good: readonly [string, readonly string[]][] = [
    ['web.example', ['web.example.']],
    [' web.example. ,\nAPI.Example', ['web.example.', 'api.example.']],
    ['web.example,WEB.example.', ['web.example.']],
    ['1.example,xn--bcher-kva.example,a-b.example', ['1.example.', 'xn--bcher-kva.example.', 'a-b.example.']],
    [`${'a'.repeat(63)}.example`, [`${'a'.repeat(63)}.example.`]],
  ]
  for (const [text, names] of good) {
    test(JSON.stringify(text), () => assert.deepEqual(readAliases(text), { names, problems: [] }))
  }

  const bad: readonly [string, RegExp][] = [
    ['', /separated by single commas/],
    ['.', /separated by single commas/],
    ['*.example', /wildcard/],
    ['a.*.example', /wildcard/],
    ['_http._tcp.web.example', /not a host name/],
    ['-a.example', /not a host name/],
    ['a..example', /not a host name/],
    ['bücher.example', /not a host name/],
    ['a b.example', /not a host name/],
    ['a\\046b.example', /not a host name/],
    [`${'a'.repeat(64)}.example`, /not a host name/],
    [`${'a.'.repeat(127)}example`, /longer than the 253 characters/],
    ['x'.repeat(262_144), /longer than the 253 characters/],
  ]
  for (const [text, rule] of bad) {
    test(`${JSON.stringify(text.slice(0, 30))} is refused, and the names beside it are not`, () => {
      const { names, problems } = readAliases(`first.example,${text},last.example`)
      assert.deepEqual(names, ['first.example.', 'last.example.'])
      assert.equal(problems.length, 1)
      assert.match(problems[0]!.rule, rule)
      assert.ok(problems[0]!.rule.length < 300)
    })
  }

  test('an alias annotation with more names than a service can have: the first are taken', () => {
    const text = Array.from({ length: 20_000 }, (_, i) => `a${i}.example`).join()
    const { names, problems } = readAliases(text)
    assert.equal(names.length, 64)
    assert.deepEqual(
      problems.map(({ reason }) => reason),
      ['range'],
    )
  })

  test('any text gives names, and rules for the rest', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(fc.domain()).map(String),
      fc.string({ unit: fc.constantFrom('a', '.', ',', '-', '*', '_', ' ') }),
    )
    fc.assert(
      fc.property(text, (given) => {
        const { names, problems } = readAliases(given)
        for (const name of names) assert.equal(parseName(name), name)
        assert.ok(names.length + problems.length > 0)
      }),
    )
  })
})

describe('slicedns.io/endpoints: true or false', () => {
  for (const [text, value] of [
    ['true', true],
    [' false\n', false],
  ] as const) {
    test(JSON.stringify(text), () => assert.deepEqual(endpointsAnnotation.parse(text), { ok: true, value }))
  }
  for (const text of ['', 'yes', 'True', '1', 'true,false', 'x'.repeat(262_144)]) {
    test(`${JSON.stringify(text.slice(0, 20))} is refused`, () => {
      const read = endpointsAnnotation.parse(text)
      assert.ok(!read.ok && read.reason === 'syntax' && read.rule.length < 100)
    })
  }
})
