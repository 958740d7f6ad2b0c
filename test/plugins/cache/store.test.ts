import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createCacheMemory } from '../../../src/plugins/cache/memory.ts'
import { createStore, type Entry } from '../../../src/plugins/cache/store.ts'

const mebibyte = 1024 * 1024
const entry = (octets: number) => ({ wire: 'x'.repeat(octets) }) as Entry

/** A store, and how many entries all caches had to drop for their memory. */
function createTestStore(
  { success, denial = success }: { success: number; denial?: number },
  dropped: (key: string) => void = () => undefined,
  memory = createCacheMemory(Number.POSITIVE_INFINITY, () => undefined),
) {
  return createStore({ capacity: { success, denial }, memory, dropped })
}

describe('the capacity of a cache', () => {
  it('a cache costs no memory before it is used, however large its capacity', () => {
    const used = () => process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers
    const before = used()
    const store = createTestStore({ success: 100_000_000 })
    assert.ok(used() - before < 10 * mebibyte)
    assert.equal(store.size('success'), 0)
  })

  it('a full cache evicts the entry that was not asked for the longest', () => {
    const dropped: string[] = []
    const store = createTestStore({ success: 2 }, (key) => void dropped.push(key))
    const evicts = (key: string) => store.set('success', key, entry(200))
    assert.deepEqual([evicts('a'), evicts('b'), evicts('b')], [0, 0, 0])
    store.get('success', 'a')
    assert.equal(evicts('c'), 1)
    assert.deepEqual(dropped, ['b', 'b'], 'replaced once, then given up')
    assert.equal(store.size('success'), 2)
  })

  it('a large reply takes the room of several entries, so that large replies cannot take the memory of all', () => {
    const store = createTestStore({ success: 1024 })
    for (let i = 0; i < 1000; i++) store.set('success', `small ${i}`, entry(500))
    assert.equal(store.set('success', 'large', entry(65_535)), 40)
    for (let i = 0; i < 1000; i++) store.set('success', `large ${i}`, entry(65_535))
    assert.equal(store.size('success'), 16)
  })
  it('all caches together keep to their memory: the largest drops what was used least recently', () => {
    let evictions = 0
    const memory = createCacheMemory(100 * 1024, () => void evictions++)
    const dropped: string[] = []
    const large = createTestStore({ success: 10_000 }, (key) => void dropped.push(key), memory)
    const small = createTestStore({ success: 10_000 }, () => assert.fail('the small cache drops nothing'), memory)
    small.set('success', 'kept', entry(400))
    for (let i = 0; i < 200; i++) large.set(i % 2 ? 'denial' : 'success', `n${i}`, entry(400))
    assert.equal(evictions, dropped.length)
    assert.ok(evictions > 60 && evictions < 90, String(evictions))
    assert.equal(small.size('success'), 1)
    large.close()
    for (let i = 0; i < 50; i++) small.set('denial', `n${i}`, entry(400))
    assert.equal(small.size('denial'), 50, 'a cache that is closed leaves its memory to the others')
  })
})
