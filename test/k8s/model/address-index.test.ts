import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { createAddressIndex, hashAddress } from '../../../src/k8s/model/address-index.ts'

describe('the index of addresses', () => {
  test('the index of addresses finds what was added and not removed', () => {
    const step = fc.tuple(fc.boolean(), fc.nat({ max: 40 }), fc.nat({ max: 5 }))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const index = createAddressIndex()
        const expected = new Set<string>()
        const hash = (n: number) => hashAddress(Uint8Array.of(10, 0, 0, n), 0, 4)
        for (const [add, n, slice] of steps) {
          const key = `${n} ${slice}`
          if (add && !expected.has(key)) index.add(hash(n), slice)
          if (!add) index.remove(hash(n), slice)
          if (add) expected.add(key)
          else expected.delete(key)
        }
        const found = Array.from({ length: 41 }, (_, n) => index.find(hash(n)).map((slice) => `${n} ${slice}`)).flat()
        assert.deepEqual(found.sort(), [...expected].sort())
        assert.equal(index.size, expected.size)
      }),
    )
  })

  test('the index of addresses grows to 100,000 addresses without losing one', () => {
    const index = createAddressIndex()
    const address = (n: number) => hashAddress(Uint8Array.of(10, n >>> 16, n >>> 8, n), 0, 4)
    for (let n = 0; n < 100_000; n++) index.add(address(n), n)
    for (let n = 0; n < 100_000; n++) assert.deepEqual(index.find(address(n)), [n])
  })
})
