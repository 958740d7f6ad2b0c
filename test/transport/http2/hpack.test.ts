import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { CompressionError, createHpackDecoder } from '../../../src/transport/http2/hpack.ts'
import { encodeFields } from '../../support/http2-client.ts'

const octets = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex')
const most = 4096

describe('HPACK (RFC 7541)', () => {
  const requests = [
    ['8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff', ['GET', 'http', '/', 'www.example.com']],
    ['8286 84be 5886 a8eb 1064 9cbf', ['GET', 'http', '/', 'www.example.com', 'no-cache']],
    [
      '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
      ['GET', 'https', '/index.html', 'www.example.com', 'custom-value'],
    ],
  ] as const
  test('requests of one connection are decoded as RFC 7541 C.4 has them', () => {
    const decoder = createHpackDecoder(most)
    for (const [hex, values] of requests)
      assert.deepEqual(
        decoder.decode(octets(hex)).map(([, value]) => value),
        values,
      )
  })

  test('an entry that does not fit any more is evicted, the oldest first', () => {
    const decoder = createHpackDecoder(1 << 16)
    const insert = (value: string) =>
      decoder.decode(Buffer.concat([octets('40 01 61 7f'), lengthRest(value), Buffer.from(value)]))
    // 32 octets besides each: three of these fill 4,096.
    for (const letter of ['x', 'y', 'z', 'w']) insert(letter.repeat(1300))
    const newest = decoder.decode(octets('be'))[0][1]
    const oldest = decoder.decode(octets('c0'))[0][1]
    assert.deepEqual([newest[0], oldest[0]], ['w', 'y'])
    assert.throws(() => decoder.decode(octets('c1')), CompressionError)
  })

  const wrong: readonly (readonly [what: string, hex: string])[] = [
    ['index 0', '80'],
    ['an entry that is not there', 'be'],
    ['a string that is cut', '40 01 61 05 62'],
    ['an integer without end', 'ff ff ff ff ff ff'],
    ['a table larger than agreed', '3f e2 1f'],
    ['a table size behind a field', '82 20'],
    ['padding of zeros in the Huffman code', '40 01 61 81 00'],
    ['padding of eight ones in the Huffman code', '40 01 61 82 1f ff'],
    ['the end of a string within the Huffman code', '40 01 61 84 ff ff ff ff'],
  ]
  for (const [what, hex] of wrong)
    test(`a block with ${what} is an error`, () =>
      assert.throws(() => createHpackDecoder(most).decode(octets(hex)), CompressionError))

  test('fields that become too large when they are repeated are an error', () => {
    const decoder = createHpackDecoder(most)
    const field = Buffer.concat([octets('40 01 61 7f'), lengthRest('x'.repeat(1300)), Buffer.alloc(1300, 'x')])
    decoder.decode(field)
    assert.throws(() => decoder.decode(Buffer.alloc(4, 0xbe)), CompressionError)
  })

  test('any octets are fields or an error', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 }), (blocks) => {
        const decoder = createHpackDecoder(most)
        try {
          for (const block of blocks)
            for (const field of decoder.decode(Buffer.from(block))) assert.equal(field.length, 2)
        } catch (error) {
          assert.ok(error instanceof CompressionError, String(error))
        }
      }),
    )
  })

  test('every encoded field is decoded as it was', () => {
    const value = fc.string({ unit: 'grapheme-ascii', maxLength: 300 })
    const name = fc.constantFrom(':status', 'content-type', 'grpc-status', 'x-own')
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value), { maxLength: 8 }), (fields) => {
        assert.deepEqual(createHpackDecoder(1 << 16).decode(encodeFields(fields)), fields)
      }),
    )
  })
})

/** What follows the prefix 127 of a length. */
function lengthRest(text: string): Buffer {
  const rest: number[] = []
  let left = text.length - 127
  for (; left >= 0x80; left >>= 7) rest.push((left & 0x7f) | 0x80)
  return Buffer.from([...rest, left])
}
