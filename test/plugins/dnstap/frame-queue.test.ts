import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createFrameQueue } from '../../../src/plugins/dnstap/frame-queue.ts'

const kibibyte = 1024
const message = (octets: number, fill = 1) => new Uint8Array(octets).fill(fill)

describe('the queue of a dnstap sink', () => {
  it('each message lies behind its length, and messages are gathered', () => {
    const queue = createFrameQueue({ messages: 10, octets: 256 * kibibyte })
    for (const fill of [1, 2]) assert.ok(queue.push(message(2, fill)))
    assert.equal(queue.messages(), 2)
    const block = queue.take()!
    assert.equal(Buffer.from(block.octets).toString('hex'), '000000020101000000020202')
    assert.deepEqual([block.messages, queue.take(), queue.messages()], [2, undefined, 0])
  })

  it('the queue takes no more messages than its bound, and goes on where some were taken', () => {
    const queue = createFrameQueue({ messages: 2, octets: 256 * kibibyte })
    assert.deepEqual(
      [1, 2, 3].map(() => queue.push(message(1))),
      [true, true, false],
    )
    queue.take()
    assert.ok(queue.push(message(1)))
  })

  it('the queue takes no more octets than its bound, however large the messages are', () => {
    const queue = createFrameQueue({ messages: 1000, octets: 256 * kibibyte })
    let octets = 0
    while (queue.push(message(30 * kibibyte))) octets += 30 * kibibyte
    assert.ok(octets > 200 * kibibyte && octets <= 256 * kibibyte, `${octets}`)
    assert.equal(queue.push(message(300 * kibibyte)), false)
    assert.ok(queue.full())
  })

  it('a message longer than a block has one of its own', () => {
    const queue = createFrameQueue({ messages: 10, octets: 256 * kibibyte })
    for (const octets of [10, 100 * kibibyte, 10]) assert.ok(queue.push(message(octets)))
    assert.deepEqual(
      [queue.take(), queue.take(), queue.take()].map((block) => block?.octets.length),
      [14, 100 * kibibyte + 4, 14],
    )
  })

  it('memory of a block that was written is used again', () => {
    const queue = createFrameQueue({ messages: 10, octets: 256 * kibibyte })
    queue.push(message(1))
    const block = queue.take()!
    queue.recycle(block)
    queue.push(message(1, 7))
    assert.equal(queue.take()!.memory, block.memory)
  })
})
