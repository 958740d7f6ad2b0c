import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createStore, type Entry } from '../../../src/plugins/cache/store.ts'

const mebibyte = 1024 * 1024
const entry = (key: string, octets: number) => ({ key, wire: new Uint8Array(octets) }) as Entry

describe('what a cache has room for', () => {
  it('a cache costs no memory before it is used, however large its capacity', () => {
    const used = () => process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers
    const before = used()
    const store = createStore({ success: 100_000_000, denial: 100_000_000 }, () => undefined)
    assert.ok(used() - before < 10 * mebibyte)
    assert.equal(store.size('success'), 0)
  })

  it('a full cache evicts the entry that was not asked for the longest', () => {
    const dropped: string[] = []
    const store = createStore({ success: 2, denial: 2 }, ({ key }) => void dropped.push(key))
    const evicts = (key: string) => store.set('success', entry(key, 200))
    assert.deepEqual([evicts('a'), evicts('b'), evicts('b')], [0, 0, 0])
    store.get('success', 'a')
    assert.equal(evicts('c'), 1)
    assert.deepEqual(dropped, ['b', 'b'], 'replaced once, then given up')
    assert.equal(store.size('success'), 2)
  })

  it('a large reply takes the room of several entries, so that large replies cannot take the memory of all', () => {
    const store = createStore({ success: 1024, denial: 1024 }, () => undefined)
    for (let i = 0; i < 1000; i++) store.set('success', entry(`small ${i}`, 500))
    assert.equal(store.set('success', entry('large', 65_535)), 40)
    for (let i = 0; i < 1000; i++) store.set('success', entry(`large ${i}`, 65_535))
    assert.equal(store.size('success'), 16)
  })
})
