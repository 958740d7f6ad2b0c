/** The main thread's half of a miss, with a ring that a test fills in a thread's place. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Libc, loadLibc } from '../../src/libc/libc.ts'
import { readProcessLimits } from '../../src/process-limits/index.ts'
import { createChainSlots } from '../../src/transport/chain-slots.ts'
import { createFairBudget } from '../../src/transport/fair-budget.ts'
import { limitsFor } from '../../src/transport/limits.ts'
import { type MissQueue, openMissQueue } from '../../src/transport/udp/miss-queue.ts'
import { createMissInput, createMissProducer, createMissRing, missKind } from '../../src/transport/udp/miss-ring.ts'
import type { MissSource } from '../../src/transport/udp/miss-source.ts'

const native = libc()

function libc(): Libc | string {
  try {
    return loadLibc()
  } catch (error) {
    return String(error)
  }
}

const source: MissSource = {
  family: 4,
  listener: { scheme: 'dns', address: '127.0.0.1', port: 53, space: 1, shards: 1 },
  localAddress: '127.0.0.1',
  unwrapper: { unwrap: () => undefined },
  replyfd: -1,
  pending: 0,
  settled: undefined,
}

/** A millisecond's work and more for a turn, in 64 records. */
function work(): void {
  const end = performance.now() + 0.1
  while (performance.now() < end);
}

function openQueue(native: Libc, handlers: { onMiss: () => undefined; onRelayed: () => void }): MissQueue {
  const { onMiss, onRelayed } = handlers
  const waiting = createFairBudget(1 << 20, () => undefined)
  return openMissQueue({
    native,
    slots: createChainSlots({ onMiss, limit: 1000, waiting, onOverflow: () => undefined }),
    waiting,
    sourceOf: () => source,
    onDropped: () => undefined,
    tableAnswers: { answer: () => 'miss' },
    onRelayed,
    onReady: () => undefined,
    onWake: () => undefined,
  })
}

/** A ring with so many records of the usual size. */
function ringOf(records: number, kind: number): SharedArrayBuffer {
  const memory = createMissRing(limitsFor(readProcessLimits()).copyRingBytes)
  const producer = createMissProducer(memory)
  const record = { ...createMissInput(new Uint8Array(512)), kind, socket: 1, messageLength: 45, replyLength: 110 }
  for (let i = 0; i < records; i++) assert.ok(producer.push(record), `no room for record ${i}`)
  producer.publish()
  return memory
}

describe('a backlog of the main thread', { skip: typeof native === 'string' && native }, () => {
  test('cached answers that threads pass on leave the event loop its turns', async () => {
    assert.ok(typeof native !== 'string')
    let taken = 0
    const copies = 1500
    const queue = openQueue(native, {
      onMiss: () => undefined,
      onRelayed: () => {
        taken++
        work()
      },
    })
    queue.addCopies(ringOf(copies, missKind.copy))
    native.signal(queue.wakefd)
    const turns: number[] = []
    while (taken < copies) {
      const before = taken
      await nextTurn()
      turns.push(taken - before)
    }
    queue.close()
    assert.ok(Math.max(...turns) <= 128, `copies by turn: ${turns.filter((count) => count > 0)}`)
  })
  test('queries come before answers for the cache, however many of these wait', async () => {
    assert.ok(typeof native !== 'string')
    const taken: string[] = []
    const queue = openQueue(native, {
      onMiss: () => void taken.push('query'),
      onRelayed: () => void taken.push('copy'),
    })
    queue.addCopies(ringOf(14_000, missKind.copy))
    queue.addRing(ringOf(100, missKind.plain))
    native.signal(queue.wakefd)
    while (taken.length < 14_100) await nextTurn()
    queue.close()
    assert.equal(taken.indexOf('copy'), 100)
  })
  test('a main thread that is woken again and again takes no more turns for that', async () => {
    assert.ok(typeof native !== 'string')
    let taken = 0
    const queries = 400
    const queue = openQueue(native, { onMiss: () => void taken++, onRelayed: () => undefined })
    queue.addRing(ringOf(queries, missKind.plain))
    const turns: number[] = []
    for (let turn = 0; turn < 1000 && taken < queries; turn++) {
      const before = taken
      native.signal(queue.wakefd)
      await nextTurn()
      turns.push(taken - before)
    }
    queue.close()
    assert.equal(taken, queries)
    // The first turn does not know yet that there are so many.
    assert.ok(Math.max(...turns.slice(2)) <= 64, `queries by turn: ${turns}`)
  })
})
