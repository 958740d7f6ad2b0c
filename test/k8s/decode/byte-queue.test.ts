import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createByteQueue } from '../../../src/k8s/decode/byte-queue.ts'

test('a byte queue gives the octets that went in, whatever the pieces', () => {
  const pieces = fc.array(fc.tuple(fc.uint8Array({ maxLength: 20 }), fc.nat({ max: 25 })), { maxLength: 30 })
  fc.assert(
    fc.property(pieces, (list) => {
      const queue = createByteQueue()
      const whole = Buffer.concat(list.map(([chunk]) => chunk))
      let taken = 0
      for (const [chunk, count] of list) {
        queue.push(Buffer.from(chunk))
        const take = Math.min(count, queue.length)
        assert.deepEqual(queue.take(take), whole.subarray(taken, taken + take))
        taken += take
        for (let i = 0; i < queue.length; i++) assert.equal(queue.at(i), whole[taken + i])
      }
      assert.equal(queue.length, whole.length - taken)
    }),
  )
})
