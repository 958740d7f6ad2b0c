import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { createFramer } from '../../src/transport/tcp/framing.ts'
import { frame } from './support.ts'

/** The messages that come out when the stream comes in as these chunks. */
function messagesOf(chunks: readonly Uint8Array[]): Uint8Array[] {
  const framer = createFramer(65_535)
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

  test('messages in a stream come out whole wherever the stream is cut in two', () => {
    for (let cut = 0; cut <= stream.length; cut++) {
      assert.deepEqual(
        messagesOf([stream.subarray(0, cut), stream.subarray(cut)]),
        messagesOf([stream]),
        `cut at ${cut}`,
      )
    }
    assert.deepEqual(messagesOf([stream]), [message, new Uint8Array(0), message.subarray(0, 12)])
  })

  test('messages in a stream come out whole however they are cut, octet by octet too', () => {
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
    const framer = createFramer(65_535)
    framer.push(frame(message))
    framer.push(frame(message.subarray(1)))
    assert.ok(framer.next() && framer.end - framer.start === 40)
    assert.ok(framer.next() && framer.end - framer.start === 39)
    assert.equal(framer.next(), undefined)
    assert.equal(framer.partial(), false)
  })

  test('messages in a stream that have begun are known as such, from the first octet of their length on', () => {
    const framer = createFramer(65_535)
    for (const octet of frame(message).subarray(0, 41)) {
      framer.push(Uint8Array.of(octet))
      assert.equal(framer.next(), undefined)
      assert.equal(framer.partial(), true)
    }
  })

  test('messages in a stream that are too large give their header and are skipped, wherever they are cut', () => {
    const large = Uint8Array.from({ length: 5_000 }, (_, i) => i)
    const octets = Buffer.concat([frame(message), frame(large), frame(message)])
    for (const size of [1, 7, 13, 14, 15, 511, 4_096, octets.length]) {
      const framer = createFramer(4_096)
      const found: unknown[] = []
      let mostHeld = 0
      for (let at = 0; at < octets.length; at += size) {
        framer.push(octets.subarray(at, at + size))
        for (let kind = framer.next(); kind !== undefined; kind = framer.next())
          found.push([kind, Uint8Array.from(framer.bytes.subarray(framer.start, framer.end))])
        mostHeld = Math.max(mostHeld, framer.held())
      }
      const expected = [
        ['message', message],
        ['oversized', large.subarray(0, 12)],
        ['message', message],
      ]
      assert.deepEqual(found, expected, `chunks of ${size}`)
      assert.ok(mostHeld <= 512, `${mostHeld} octets were held`)
      assert.equal(framer.partial(), false)
    }
  })

  test('messages in a stream hold the memory that came, not what was announced, and no more than 512 octets above it', () => {
    const framer = createFramer(4_096)
    framer.push(Uint8Array.of(0x10, 0x00))
    for (let came = 0; came < 4_095; came++) {
      assert.equal(framer.next(), undefined)
      assert.ok(framer.held() <= came + 2 + 512, `${framer.held()} octets for ${came + 2}`)
      framer.push(Uint8Array.of(1))
    }
    framer.push(Uint8Array.of(1))
    assert.equal(framer.next(), 'message')
    assert.equal(framer.next(), undefined)
    assert.equal(framer.held(), 0)
  })
})
