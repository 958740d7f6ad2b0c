import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { closest } from '../../src/zone/closest.ts'

const few = ['example.org.', 'b.example.org.', 'other.']
const many = [...few, ...Array.from({ length: 20 }, (_, i) => `z${i}.example.org.`)]

describe('the closest of some zones', () => {
  const cases = [
    { name: 'example.org.', zone: 'example.org.' },
    { name: 'a.b.example.org.', zone: 'b.example.org.' },
    { name: 'ab.example.org.', zone: 'example.org.' },
    { name: 'a\\.b.example.org.', zone: 'example.org.' },
    { name: 'b.notexample.org.', zone: undefined },
    { name: `${'a.'.repeat(123)}other.`, zone: 'other.' },
    { name: '.', zone: undefined },
  ]
  for (const { name, zone } of cases)
    test(`${zone ?? 'none'} holds ${name.slice(0, 40)}, be the zones few or many`, () => {
      for (const zones of [few, many]) assert.equal(closest(new Set(zones), name), zone)
    })

  test('the root holds every name that no other zone holds', () => {
    for (const zones of [few, many]) {
      const withRoot = new Map([['.', 0], ...zones.map((zone, i): [string, number] => [zone, i])])
      assert.equal(closest(withRoot, 'www.example.com.'), '.')
      assert.equal(closest(withRoot, 'www.other.'), 'other.')
    }
  })
})
