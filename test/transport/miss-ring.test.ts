import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  createMissConsumer,
  createMissInput,
  createMissProducer,
  createMissRing,
  missRecord,
} from '../../src/transport/udp/miss-ring.ts'
import { createRecentClients } from '../../src/transport/udp/recent-clients.ts'

const size = 4096

/** A message in front of which stand its 32 octets of name and 40 of control data. */
function source(fill: number, length: number): Uint8Array {
  return new Uint8Array(72 + length).fill(fill)
}

/** A query without more; the message is all that follows the 72 octets. */
const record = (socket: number, receivedAt: number, memory: Uint8Array, controlLength: number) => ({
  ...createMissInput(memory),
  ...{ socket, receivedAt, controlAt: 32, controlLength, messageAt: 72, messageLength: memory.length - 72 },
})

describe('the ring of misses', () => {
  test('the ring of misses gives back what was put in, in order, over any number of turns', () => {
    const step = fc.record({ lengths: fc.array(fc.integer({ min: 0, max: 900 }), { maxLength: 6 }), taken: fc.nat(8) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const memory = createMissRing(size)
        const producer = createMissProducer(memory)
        const consumer = createMissConsumer(memory)
        const expected: { id: number; length: number }[] = []
        let id = 0
        for (const { lengths, taken } of steps) {
          for (const length of lengths) {
            id++
            if (producer.push(record(id, id / 2, source(id & 0xff, length), 40))) expected.push({ id, length })
          }
          producer.publish()
          consumer.drain(taken, (ring, at) => {
            const { id, length } = expected.shift()!
            assert.equal(ring.words[(at + missRecord.socket) >> 2], id)
            assert.equal(ring.words[(at + missRecord.length) >> 2], length)
            assert.equal(ring.floats[(at + missRecord.receivedAt) >> 3], id / 2)
            const octets = ring.bytes.subarray(at + missRecord.name, at + missRecord.message + length)
            assert.ok(octets.every((octet) => octet === (id & 0xff)))
          })
        }
      }),
    )
  })

  test('the ring of misses refuses what it has no room for, and has room again for what was taken', () => {
    const memory = createMissRing(size)
    const producer = createMissProducer(memory)
    const consumer = createMissConsumer(memory)
    const push = () => producer.push(record(1, 0, source(0, 900), 0))
    assert.deepEqual([push(), push(), push(), push(), push()], [true, true, true, true, false])
    producer.publish()
    assert.equal(
      consumer.drain(2, () => undefined),
      true,
    )
    assert.deepEqual([push(), push(), push()], [true, true, false])
  })

  test('the ring of misses is scarce once more than half of it is taken', () => {
    const memory = createMissRing(size)
    const producer = createMissProducer(memory)
    const consumer = createMissConsumer(memory)
    const scarceAfterEach = Array.from({ length: 3 }, () => {
      producer.push(record(1, 0, source(0, 900), 0))
      return producer.scarce()
    })
    assert.deepEqual(scarceAfterEach, [false, false, true])
    producer.publish()
    consumer.drain(1, () => undefined)
    assert.equal(producer.scarce(), false)
  })

  test('the ring of misses shows nothing before it is published, and keeps what was for another producer', () => {
    const memory = createMissRing(size)
    const consumer = createMissConsumer(memory)
    const first = createMissProducer(memory)
    const taken: number[] = []
    const take = () => consumer.drain(10, (ring, at) => taken.push(ring.words[(at + missRecord.socket) >> 2]!))
    first.push(record(1, 0, source(0, 10), 0))
    first.publish()
    first.push(record(2, 0, source(0, 10), 0))
    take()
    const second = createMissProducer(memory)
    second.push(record(3, 0, source(0, 10), 0))
    second.publish()
    take()
    assert.deepEqual(taken, [1, 3])
  })
})

describe('the recent clients of a thread', () => {
  const address = (n: number) => Uint8Array.from([10, n >> 16, n >> 8, n])

  test('a client dominates while more than a quarter of the recent misses are its own, and no longer after', () => {
    const clients = createRecentClients(1)
    const of = (n: number) => clients.dominates(address(n), 0, 4)
    const flood = Array.from({ length: 1_000 }, () => of(7))
    assert.equal(flood.indexOf(true), 64)
    assert.ok(flood.slice(64).every(Boolean))
    assert.equal(of(8), false)
    for (let n = 0; n < 20_000; n++) of(100 + (n % 50))
    assert.equal(of(7), false)
  })

  test('no client dominates where many send alike', () => {
    const clients = createRecentClients(1)
    for (let n = 0; n < 20_000; n++) assert.equal(clients.dominates(address(n % 16), 0, 4), false, `query ${n}`)
  })
})
