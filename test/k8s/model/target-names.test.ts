import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { createTargetNames, type Octets, targetNames } from '../../../src/k8s/model/target-names.ts'

const octets = (text: string): Octets => {
  const bytes = Buffer.from(`behind${text}ahead`)
  return { bytes, start: 6, end: bytes.length - 5 }
}

function packed(names: readonly { pod: string; node: string }[], previous?: string): string {
  const collector = createTargetNames()
  // What an earlier slice left behind does not matter.
  for (let i = 0; i < 50; i++) collector.add(octets('web-0123456789'), octets('worker-0123456789'))
  collector.begin()
  for (const { pod, node } of names) collector.add(octets(pod), octets(node))
  return collector.finish(previous)
}

const name = fc.oneof(
  fc.constant(''),
  fc.stringMatching(/^web-[ab]{0,3}[0-9]{0,3}$/),
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 100, maxLength: 253 }),
)

describe('targets of endpoints', () => {
  test('names of pods and nodes come out as they went in, place by place', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ pod: name, node: name }, { noNullPrototype: true }), { maxLength: 200 }),
        (names) => {
          assert.deepEqual(targetNames(packed(names), names.length), names)
        },
      ),
      { numRuns: 300 },
    )
  })

  test('names of pods and nodes are the string of before when they are the same, so that a re-list makes none', () => {
    const names = [
      { pod: 'web-1', node: 'worker-1' },
      { pod: 'web-2', node: '' },
    ]
    const before = packed(names)
    assert.ok(packed(names, before) === before)
    assert.notEqual(packed([names[0]], before), before)
  })

  for (const [what, given] of [
    ['no place has a name', ['', '']],
    ['the only names are longer than 253 octets', ['p'.repeat(254), 'n'.repeat(60_000)]],
  ] as const)
    test(`names of pods and nodes are '' where ${what}`, () => {
      assert.equal(packed([{ pod: given[0], node: given[1] }]), '')
      assert.deepEqual(targetNames('', 1), [{ pod: '', node: '' }])
    })

  test('names of 100 pods of a Deployment on 100 nodes take at most 45 octets a place', () => {
    const names = Array.from({ length: 100 }, (_, i) => ({
      pod: `checkout-7d4b9c6f88-${(i * 7919).toString(36).padStart(5, '0')}`,
      node: `ip-10-0-${i}-${(i * 31) % 250}.eu-central-1.compute.internal`,
    }))
    const { length } = packed(names)
    assert.ok(length <= 100 * 45, `${length / 100} octets a place`)
  })
})
