import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createFairBudget } from '../../src/transport/fair-budget.ts'
import { createFreshQueue } from '../../src/transport/udp/fresh-queue.ts'

const mebibyte = 1024 * 1024

function fill(limit = 4 * mebibyte) {
  const dropped: string[] = []
  const budget = createFairBudget(limit, () => undefined)
  const queue = createFreshQueue<string>(budget, (item) => dropped.push(item))
  const offer = (client: string, item: string) => queue.offer(client, 100, item)
  const drain = (): string[] => {
    const items: string[] = []
    for (let item = queue.next(); item !== undefined; item = queue.next()) items.push(item)
    return items
  }
  return { dropped, budget, queue, offer, drain }
}

describe('the queue of a listener that sheds load', () => {
  it('clients take turns, and the newest query of each comes first', () => {
    const { offer, drain, budget, dropped } = fill()
    for (const item of ['a1', 'a2', 'a3']) offer('192.0.2.1', item)
    for (const item of ['b1', 'b2']) offer('192.0.2.2', item)
    assert.deepEqual(drain(), ['a3', 'b2', 'a2', 'b1', 'a1'])
    assert.deepEqual(dropped, [])
    assert.equal(budget.used(), 0)
  })

  it('one query too many costs the client that has most its oldest', () => {
    const { offer, dropped, queue } = fill()
    offer('192.0.2.2', 'b1')
    for (let i = 0; i < 1023; i++) offer('192.0.2.1', `a${i}`)
    offer('192.0.2.2', 'b2')
    offer('192.0.2.3', 'c1')
    offer('192.0.2.1', 'a1023')
    assert.deepEqual(dropped, ['a0', 'a1', 'a2'])
    assert.equal(queue.size(), 1024)
    assert.deepEqual([queue.next(), queue.next(), queue.next()], ['b2', 'a1023', 'c1'])
  })

  it('a flood from everywhere keeps the newest queries', () => {
    const { offer, dropped, drain } = fill()
    for (let i = 0; i < 1500; i++) offer(`10.0.${i >> 8}.${i & 255}`, String(i))
    assert.deepEqual(
      dropped,
      Array.from({ length: 476 }, (_, i) => String(i)),
    )
    assert.equal(drain().length, 1024)
  })

  it('a client whose share of the memory is used up loses its own oldest, and nobody else anything', () => {
    const { offer, dropped, budget } = fill(10_000)
    offer('192.0.2.2', 'b1')
    budget.take('192.0.2.1', 6000)
    offer('192.0.2.1', 'a1')
    assert.deepEqual(dropped, ['a1'])
    budget.give('192.0.2.1', 6000)
    for (let i = 2; i < 12; i++) offer('192.0.2.1', `a${i}`)
    assert.ok(dropped.length > 1 && dropped.every((item) => item.startsWith('a')), dropped.join())
  })
})
