import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createStore, type Entry } from '../../../src/plugins/cache/store.ts'

const mebibyte = 1024 * 1024

describe('what a cache has room for', () => {
  it('costs nothing before it is used, however much that is', () => {
    const used = () => process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers
    const before = used()
    const store = createStore({ success: 100_000_000, denial: 100_000_000 }, () => undefined)
    assert.ok(used() - before < 10 * mebibyte)
    assert.equal(store.size('success'), 0)
  })

  it('is kept to: the entry that was not asked for the longest goes first', () => {
    const dropped: string[] = []
    const store = createStore({ success: 2, denial: 2 }, ({ key }) => void dropped.push(key))
    const evicts = (key: string) => store.set('success', { key } as Entry)
    assert.deepEqual([evicts('a'), evicts('b'), evicts('b')], [false, false, false])
    store.get('success', 'a')
    assert.equal(evicts('c'), true)
    assert.deepEqual(dropped, ['b', 'b'], 'replaced once, then given up')
    assert.equal(store.size('success'), 2)
  })
})
