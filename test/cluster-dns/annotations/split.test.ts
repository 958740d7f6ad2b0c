import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { splitAnnotation } from '../../../src/cluster-dns/features/split/parse.ts'

/** `NAME[.NAMESPACE] SHARE`, in order. */
function read(text: string): string[] | string {
  const result = splitAnnotation.parse(text)
  if (!result.ok) return `${result.reason}: ${result.rule}`
  return result.value.map(({ name, namespace, share }) => `${name}${namespace ? `.${namespace}` : ''} ${share}`)
}

const maxBackends = 32

describe('the annotation split', () => {
  for (const [text, backends] of [
    ['stable=90,canary=10', ['stable 90', 'canary 10']],
    ['only=1', ['only 1']],
    [' stable = 90 ,\tcanary.other = 10 ', ['stable 90', 'canary.other 10']],
    ['primary=100,fallback=0', ['primary 100', 'fallback 0']],
    ['stable=99.9,canary=0.1', ['stable 999', 'canary 1']],
    ['a=0.005,b=2', ['a 5', 'b 2000']],
    ['a=50.0,b=50.000', ['a 50', 'b 50']],
    ['a=100000,b=10', ['a 100000', 'b 10']],
    ['a.x=1,a.y=1', ['a.x 1', 'a.y 1']],
    ['0-a=007,b=1', ['0-a 7', 'b 1']],
  ] as const) {
    it(`the annotation split reads '${text}'`, () => assert.deepEqual(read(text), backends))
  }

  const written = 'syntax: each backend must be NAME=SHARE or NAME.NAMESPACE=SHARE, in lower case'
  const number = 'syntax: a share must be a number from 0 to 100000 with at most 3 decimals'
  for (const [text, problem] of [
    ['', 'syntax: must name the backends, such as stable=90,canary=10'],
    [' \t', 'syntax: must name the backends, such as stable=90,canary=10'],
    ['stable', written],
    ['stable=90,', written],
    [',stable=90', written],
    ['=90', written],
    ['stable=90=10', written],
    ['Stable=90', written],
    ['stable.a.b=90', written],
    ['stable.=90', written],
    ['-a=90', written],
    ['a_b=90', written],
    [`${'a'.repeat(64)}=1`, written],
    ['ställe=90', written],
    ['stable:90', written],
    ['stable=', number],
    ['stable=-1', number],
    ['stable=+1', number],
    ['stable=1e3', number],
    ['stable=0x10', number],
    ['stable=NaN', number],
    ['stable=90%', number],
    ['stable=1.2345', number],
    ['stable=.5', number],
    ['stable=٩', number],
    ['stable=100001', 'range: a share must be at most 100000'],
    ['a=0,b=0.000', 'range: at least one share must be above 0'],
    ['a=100000,b=9', 'range: the largest share must be at most 10000 times the smallest one above 0'],
    ['a=1,b=2,a=3', 'refused: must name each backend once, but repeats a'],
    [
      Array.from({ length: maxBackends + 1 }, (_, i) => `b${i}=1`).join(','),
      `range: must name at most ${maxBackends} backends`,
    ],
  ] as const) {
    it(`the annotation split refuses '${text.slice(0, 40)}'`, () => assert.equal(read(text), problem))
  }

  it('the annotation split keeps any shares in proportion, as whole numbers whose sum fits 32 bits', () => {
    const share = fc.record({ whole: fc.nat(100), decimals: fc.stringMatching(/^\d{0,3}$/) })
    fc.assert(
      fc.property(fc.array(share, { minLength: 1, maxLength: maxBackends }), (shares) => {
        const texts = shares.map(({ whole, decimals }) => `${whole}${decimals && `.${decimals}`}`)
        const result = splitAnnotation.parse(texts.map((text, i) => `b${i}=${text}`).join(','))
        const numbers = texts.map(Number)
        const total = numbers.reduce((sum, each) => sum + each, 0)
        const positive = numbers.filter((each) => each > 0)
        const isWide = Math.max(...positive) > 10_000 * Math.min(...positive) + 1e-6
        assert.equal(result.ok, total > 0 && !isWide)
        if (!result.ok) return
        const sum = result.value.reduce((all, each) => all + each.share, 0)
        assert.ok(sum < 2 ** 32)
        for (const [i, { share }] of result.value.entries()) {
          assert.ok(Number.isInteger(share))
          assert.ok(Math.abs(share / sum - numbers[i] / total) < 1e-12)
        }
      }),
    )
  })

  it('the annotation split reads or refuses any text, with the reason, in no time', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a-z=,.0-9-]{0,40}$/)), (text) => {
        const result = splitAnnotation.parse(text)
        if (!result.ok) assert.ok(result.rule.length > 0)
      }),
    )
    const huge = 256 * 1024
    for (const text of ['a=1,', 'a', '1.', '=', ',', '9', 'a=9'])
      assert.ok(!splitAnnotation.parse(text.repeat(huge)).ok)
  })
})
