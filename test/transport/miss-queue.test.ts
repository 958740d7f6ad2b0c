/** The main thread's half of a miss, with a ring that a test fills in a thread's place. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Libc, loadLibc } from '../../src/libc/libc.ts'
import { createChainSlots } from '../../src/transport/chain-slots.ts'
import { createFairBudget } from '../../src/transport/fair-budget.ts'
import { type MissSource, openMissQueue } from '../../src/transport/udp/miss-queue.ts'
import { createMissInput, createMissProducer, createMissRing, missKind } from '../../src/transport/udp/miss-ring.ts'

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

describe('a backlog of the main thread', { skip: typeof native === 'string' && native }, () => {
  test('cached answers that threads pass on leave the event loop its turns', async () => {
    assert.ok(typeof native !== 'string')
    let taken = 0
    const waiting = createFairBudget(1 << 20, () => undefined)
    const queue = openMissQueue({
      native,
      slots: createChainSlots({ onMiss: () => undefined, limit: 1, waiting, onOverflow: () => undefined }),
      waiting,
      sourceOf: () => source,
      onDropped: () => undefined,
      tableAnswers: { answer: () => 'miss' },
      onRelayed: () => {
        taken++
        work()
      },
      onReady: () => undefined,
      onWake: () => undefined,
    })
    const memory = createMissRing(512 * 1024)
    const producer = createMissProducer(memory)
    const copies = 1500
    const record = {
      ...createMissInput(new Uint8Array(512)),
      kind: missKind.copy,
      socket: 1,
      messageLength: 40,
      replyLength: 60,
    }
    for (let i = 0; i < copies; i++) assert.ok(producer.push(record))
    producer.publish()
    queue.addRing(memory)
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
})
