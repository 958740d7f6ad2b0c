import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createStore } from '../../../src/plugins/etcd/store.ts'

const entry = (key: string) => ({ key, octets: key.length, service: undefined })

describe('the tree of keys', () => {
  test('the nodes of the tree count: they are far larger than the octets of short segments', () => {
    const store = createStore()
    store.put(entry('/skydns/org'))
    const one = store.octets
    store.put(entry(`/skydns/org${'/a'.repeat(100)}`))
    assert.ok(store.octets - one > 100 * 200, `${store.octets - one} octets for a hundred nodes`)
    store.remove(`/skydns/org${'/a'.repeat(100)}`)
    assert.equal(store.octets, one)
    store.remove('/skydns/org')
    assert.equal(store.octets, 0)
  })

  const keys = [
    { key: '/skydns/org/example/shop/x1', taken: true },
    { key: '/a'.repeat(255), taken: true },
    { key: '/a'.repeat(256), taken: false },
    { key: '/'.repeat(1_000_000), taken: false },
    { key: `/skydns/org/${'a'.repeat(1_000_000)}`, taken: true },
  ]
  for (const { key, taken } of keys)
    test(`a key of ${key.split('/').length - 1} segments and ${key.length} octets is ${taken ? 'taken' : 'left out'}`, () => {
      assert.equal(createStore().takes(key), taken)
    })

  test('keys below a name come in the order of the keys, and no more than are asked for', () => {
    const store = createStore()
    for (const key of ['/s/org/b', '/s/org/a/2', '/s/org/a/1', '/s/net/a']) store.put(entry(key))
    const below = (most: number) => store.below(['s', 'org'], most).map(({ key }) => key)
    assert.deepEqual(below(9), ['/s/org/a/1', '/s/org/a/2', '/s/org/b'])
    assert.equal(below(2).length, 2)
  })
})
