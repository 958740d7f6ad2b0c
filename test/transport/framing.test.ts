import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { createFramer } from '../../src/transport/tcp/framing.ts'
import { frame } from './support.ts'

/** The messages that come out when the stream comes in as these chunks. */
function messagesOf(chunks: readonly Uint8Array[]): Uint8Array[] {
  const framer = createFramer()
  const messages: Uint8Array[] = []
  for (const chunk of chunks) {
    framer.push(chunk)
    while (framer.next()) messages.push(Uint8Array.from(framer.bytes.subarray(framer.start, framer.end)))
  }
  return messages
}

describe('messages in a stream', () => {
  const message = Uint8Array.from({ length: 40 }, (_, i) => i)
  const stream = Buffer.concat([frame(message), frame(new Uint8Array(0)), frame(message.subarray(0, 12))])

  test('come out whole wherever the stream is cut in two', () => {
    for (let cut = 0; cut <= stream.length; cut++) {
      assert.deepEqual(
        messagesOf([stream.subarray(0, cut), stream.subarray(cut)]),
        messagesOf([stream]),
        `cut at ${cut}`,
      )
    }
    assert.deepEqual(messagesOf([stream]), [message, new Uint8Array(0), message.subarray(0, 12)])
  })

  test('come out whole however they are cut, octet by octet too', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 700 }), { maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 40 }),
        (messages, cuts) => {
          const whole = Buffer.concat(messages.map(frame))
          const chunks: Uint8Array[] = []
          for (let at = 0, i = 0; at < whole.length; i++) {
            const length = cuts[i % cuts.length]!
            chunks.push(whole.subarray(at, at + length))
            at += length
          }
          assert.deepEqual(messagesOf(chunks), messages)
        },
      ),
    )
  })

  test('messages in a stream may be left unread while more comes', () => {
    const framer = createFramer()
    framer.push(frame(message))
    framer.push(frame(message.subarray(1)))
    assert.ok(framer.next() && framer.end - framer.start === 40)
    assert.ok(framer.next() && framer.end - framer.start === 39)
    assert.equal(framer.next(), false)
    assert.equal(framer.partial(), false)
  })

  test('messages in a stream that have begun are known as such, from the first octet of their length on', () => {
    const framer = createFramer()
    for (const octet of frame(message).subarray(0, 41)) {
      framer.push(Uint8Array.of(octet))
      assert.equal(framer.next(), false)
      assert.equal(framer.partial(), true)
    }
  })
})
