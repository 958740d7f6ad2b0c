/** Who gets what of a bound that clients share, and what becomes of a slot on the plugin chain. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Miss } from '../../src/server/ingress.ts'
import { createChainSlots } from '../../src/transport/chain-slots.ts'
import { createFairBudget } from '../../src/transport/fair-budget.ts'
import { createConnectionTable, type EvictionReason } from '../../src/transport/tcp/connection-table.ts'
import { createFairQueue } from '../../src/transport/udp/fair-queue.ts'
import { query, rcodeReply } from './support.ts'

/** A table whose connections are named by their order: `closed` lists those that were closed for others. */
function table(limits: { connections?: number; perClient?: number; input?: number; unsent?: number }) {
  const closed: string[] = []
  const busy = new Set<number>()
  const connections = createConnectionTable({
    now: () => 0,
    connections: limits.connections ?? 100,
    connectionsPerClient: limits.perClient ?? 100,
    inputBytes: limits.input ?? 1_000,
    unsentBytes: limits.unsent ?? 1_000,
    onEvicted: (reason: EvictionReason) => closed.push(reason),
  })
  let count = 0
  return {
    closed,
    busy,
    connections,
    open(address: string) {
      const number = ++count
      const destroy = () => void closed.push(`${number} of ${address}`)
      return connections.add(address, { idle: () => !busy.has(number), destroy })
    },
  }
}

describe('the connection table', () => {
  test('the connection table takes a place from the client that has most, and of that from the idlest', () => {
    const { open, closed, connections } = table({ connections: 5 })
    const first = open('10.0.0.1')
    for (const address of ['10.0.0.1', '10.0.0.1', '10.0.0.2', '10.0.0.3']) open(address)
    first.touch()
    open('10.0.0.4')
    assert.deepEqual(closed, ['connections', '2 of 10.0.0.1'])
    assert.equal(connections.size(), 5)
  })

  test('the connection table counts an IPv6 network of 64 bits as one client', () => {
    const { open, closed } = table({ connections: 4 })
    for (const address of ['2001:db8::1', '10.0.0.1', '2001:db8::2:0:0:1', '10.0.0.2', '10.0.0.3']) open(address)
    assert.deepEqual(closed, ['connections', '1 of 2001:db8::1'])
  })

  test('the connection table closes a busy connection where all of a client are busy', () => {
    const { open, closed, busy } = table({ perClient: 2 })
    for (const number of [1, 2]) {
      open('10.0.0.1')
      busy.add(number)
    }
    open('10.0.0.1')
    assert.deepEqual(closed, ['connections', '1 of 10.0.0.1'])
  })

  for (const { kind, reason } of [
    { kind: 'setInput', reason: 'input' },
    { kind: 'setUnsent', reason: 'output' },
  ] as const)
    test(`the connection table bounds ${reason}: the largest of the client that holds most is closed`, () => {
      const { open, closed } = table({})
      const modest = open('10.0.0.1')
      const heavy = [open('10.0.0.2'), open('10.0.0.2'), open('10.0.0.2')]
      modest[kind](400)
      for (const [i, octets] of [200, 250, 150].entries()) heavy[i]![kind](octets)
      assert.deepEqual(closed, [])
      heavy[2]![kind](151)
      assert.deepEqual(closed, [reason, '3 of 10.0.0.2'])
      // What is closed no longer counts, whatever it says of itself.
      heavy[1]![kind](900)
      modest[kind](600)
      assert.deepEqual(closed.slice(2), [])
    })

  test('the connection table forgets what a closed connection held', () => {
    const { open, closed, connections } = table({})
    for (let i = 0; i < 50; i++) {
      const entry = open('10.0.0.1')
      entry.setInput(900)
      entry.remove()
      entry.remove()
    }
    assert.deepEqual([closed, connections.size()], [[], 0])
  })
})

describe('a budget that clients share', () => {
  function budgetOf(limit: number) {
    let refused = 0
    const budget = createFairBudget(limit, () => refused++)
    const take = (address: string, octets: number): boolean => {
      const allowed = budget.allows(address, octets)
      if (allowed) budget.take(address, octets)
      return allowed
    }
    return { budget, take, refused: () => refused }
  }

  for (const clients of [1, 2, 4, 9, 99])
    test(`a shared budget of which ${clients} take what they can has room for one more`, () => {
      const { budget, take } = budgetOf(10_000)
      for (let round = 0; round < 10_000; round++) take(`10.0.0.${round % clients}`, 10)
      const each = Math.round(10_000 / (clients + 1) / 10) * 10
      assert.ok(Math.abs(budget.used() - clients * each) <= 10 * clients, `${budget.used()} of 10,000 are taken`)
      assert.deepEqual([take('10.0.1.1', 10), take('2001:db8::1', 10)], [true, true])
    })

  test('a shared budget is never taken beyond its bound, and what is given back is there for others', () => {
    const { budget, take, refused } = budgetOf(1_000)
    assert.deepEqual(
      [100, 200, 200, 1].map((octets) => take('10.0.0.1', octets)),
      [true, true, true, false],
    )
    // An IPv6 client is its /64.
    assert.deepEqual([take('2001:db8::1', 250), take('2001:db8::2', 1), take('10.0.0.2', 126)], [true, false, false])
    assert.equal(refused(), 3)
    assert.deepEqual([take('10.0.0.2', 125), budget.used()], [true, 875])
    budget.give('10.0.0.1', 200)
    assert.deepEqual([take('10.0.0.3', 162), take('10.0.0.3', 1)], [true, false])
  })
})

describe('slots on the plugin chain', () => {
  function slots(limit: number) {
    const misses: { miss: Miss; answer(): void }[] = []
    const replies: number[] = []
    let overflows = 0
    const chain = createChainSlots({
      limit,
      waiting: createFairBudget(1_000_000, () => undefined),
      onOverflow: () => overflows++,
      onMiss: (miss) =>
        new Promise((resolve) => misses.push({ miss, answer: () => resolve(rcodeReply(miss.request, 0)) })),
    })
    const address = { address: '10.0.0.1', port: 1 }
    const listener = { scheme: 'dns', address: '', port: 53, space: 0, shards: 1 } as const
    const ask = () =>
      chain.ask(
        {
          request: query('miss'),
          transport: 'udp',
          client: address,
          local: address,
          listener,
          receivedAt: 0,
          releaseSlot: undefined,
        },
        (reply) => replies.push(reply![3]! & 15),
      )
    return { chain, misses, replies, ask, overflows: () => overflows }
  }

  test('a query that releases its slot and never takes it back leaves no slot taken or free too many', async () => {
    const { chain, misses, replies, ask, overflows } = slots(1)
    for (let round = 0; round < 3; round++) {
      ask()
      const { miss, answer } = misses.at(-1)!
      miss.releaseSlot!()
      miss.releaseSlot!()
      assert.equal(chain.full(), false)
      answer()
      await chain.settled()
    }
    assert.deepEqual([chain.full(), chain.pending(), replies, overflows()], [false, 0, [0, 0, 0], 0])
    ask()
    assert.equal(chain.full(), true)
    ask()
    assert.deepEqual([replies.at(-1), overflows()], [2, 1])
  })

  test('a slot that is taken back counts again, and only once', async () => {
    const { chain, misses, ask } = slots(1)
    ask()
    const back = misses[0]!.miss.releaseSlot!()
    back()
    back()
    assert.equal(chain.full(), true)
    misses[0]!.answer()
    await chain.settled()
    back()
    assert.deepEqual([chain.full(), chain.pending()], [false, 0])
  })
})

describe('the queue of UDP queries', () => {
  const drained = <Item>(queue: { next(): Item | undefined }) => {
    const items: Item[] = []
    for (let item = queue.next(); item !== undefined; item = queue.next()) items.push(item)
    return items
  }

  test('the queue of UDP queries takes turns between clients, each in its own order', () => {
    const queue = createFairQueue<string>(createFairBudget(1e6, () => assert.fail('refused')))
    for (const item of ['a1', 'a2', 'a3', 'b1', 'c1', 'b2']) queue.offer(`10.0.0.${item[0]}`, 100, item)
    assert.deepEqual(drained(queue), ['a1', 'b1', 'c1', 'a2', 'b2', 'a3'])
    assert.equal(queue.size(), 0)
  })

  test('the queue of UDP queries refuses whoever floods it, never a newcomer', () => {
    let refused = 0
    const budget = createFairBudget(100_000, () => refused++)
    const queue = createFairQueue<number>(budget)
    const kept = Array.from({ length: 1_000 }, (_, i) => queue.offer(`2001:db8::${i.toString(16)}`, 488, i)).filter(
      Boolean,
    )
    assert.equal(kept.length, 50)
    assert.equal(refused, 950)
    assert.ok(queue.offer('10.0.0.1', 488, 1_000))
    assert.deepEqual([queue.next(), queue.next()], [0, 1_000])
    drained(queue)
    assert.equal(budget.used(), 0)
  })
})
