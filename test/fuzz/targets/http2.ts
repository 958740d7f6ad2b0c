/** HTTP/2 from a client: frames, heads and their compression; what is decoded is bounded, however the octets are cut. */
import assert from 'node:assert/strict'
import {
  ConnectionError,
  contentOf,
  createFrameReader,
  flag,
  frameType,
  preface,
  writeFrameHeader,
} from '../../../src/transport/http2/frames.ts'
import { createHeaderBlocks, maxHeaderOctets } from '../../../src/transport/http2/header-block.ts'
import { CompressionError, createHpackDecoder } from '../../../src/transport/http2/hpack.ts'
import { encodeFields } from '../../support/http2-client.ts'
import type { Target } from '../engine/target.ts'

function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(9)
  writeFrameHeader(head, 0, payload.length, type, flags, stream)
  return Buffer.concat([head, payload])
}

const fields = encodeFields([
  [':method', 'GET'],
  [':scheme', 'https'],
  [':path', '/dns-query?dns=AAAB'],
  [':authority', 'a'],
  ['accept', 'application/dns-message'],
])
const huffman = Buffer.from('828684418cf1e3c2e5f23a6ba0ab90f4ff', 'hex')
const indexed = Buffer.from('828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf', 'hex')
const whole = flag.END_HEADERS | flag.END_STREAM

export const target: Target = {
  seeds: [
    Buffer.concat([
      frame(frameType.HEADERS, whole, 1, fields),
      frame(frameType.HEADERS, whole, 3, huffman),
      frame(frameType.HEADERS, whole, 5, indexed),
    ]),
    Buffer.concat([
      frame(frameType.HEADERS, 0, 1, huffman.subarray(0, 5)),
      frame(frameType.CONTINUATION, flag.END_HEADERS, 1, huffman.subarray(5)),
    ]),
    Buffer.concat([
      frame(
        frameType.HEADERS,
        whole | flag.PADDED | flag.PRIORITY,
        1,
        Buffer.concat([Buffer.of(2, 0, 0, 0, 0, 1), fields, Buffer.alloc(2)]),
      ),
      frame(frameType.DATA, flag.PADDED, 1, Buffer.of(1, 5, 6, 0)),
    ]),
  ],
  words: [
    Buffer.of(0x82),
    Buffer.of(0xbe),
    Buffer.of(0x40, 1, 0x61, 1, 0x62),
    Buffer.of(0x3f, 0xe1, 0x1f),
    Buffer.of(0x20),
    Buffer.of(0xff, 0xff, 0xff, 0xff, 0x0f),
    Buffer.of(0, 0, 5, 1, 4, 0, 0, 0, 1),
    Buffer.of(0, 0, 4, 9, 4, 0, 0, 0, 1),
    huffman,
    indexed,
    Buffer.of(0x41, 0x84, 0xff, 0xff, 0xff, 0xff),
  ],
  maxOctets: 3000,
  maxSteps: (octets) => 20_000 + 40_000 * octets,
  mutate(input, random) {
    if (input.length < 10) return undefined
    // The first frame takes all that there is.
    const result = input.slice()
    const length = result.length - 9
    result.set([length >> 16, length >> 8, length])
    if (random.chance(0.5)) result[4] |= flag.END_HEADERS
    if (random.chance(0.5)) result.set([1, whole, 0, 0, 0, 1], 3)
    return result
  },
  check(input) {
    const octets = Buffer.from(input)
    assert.deepEqual(read(cut(octets)), read([octets]), 'how the octets are cut makes no difference')
    const decoder = createHpackDecoder(maxHeaderOctets)
    try {
      const found = decoder.decode(octets)
      assert.ok(found.reduce((sum, [name, value]) => sum + name.length + value.length, 0) <= maxHeaderOctets)
      const plain = found.filter(([name]) => name.length > 0)
      // What we write ourselves we read.
      if (plain.every(([name, value]) => name.length + value.length < 1000))
        assert.deepEqual(createHpackDecoder(1 << 20).decode(encodeFields(plain)), plain)
    } catch (error) {
      assert.ok(error instanceof CompressionError, String(error))
    }
  },
}

/** Everything that is read, and why it ends. */
function read(chunks: readonly Buffer[]): unknown[] {
  const reader = createFrameReader()
  const blocks = createHeaderBlocks()
  const found: unknown[] = []
  reader.push(preface)
  try {
    for (const chunk of chunks) {
      reader.push(chunk)
      for (let next = reader.next(); next !== undefined; next = reader.next()) {
        const isHead = next.type === frameType.HEADERS || next.type === frameType.CONTINUATION
        if (!blocks.admits(next)) return [...found, 'not now']
        found.push(isHead ? blocks.read(next) : contentOf(next).toString('hex'))
      }
    }
  } catch (error) {
    assert.ok(error instanceof ConnectionError || error instanceof CompressionError, String(error))
    found.push(error.message)
  }
  return structuredClone(found)
}

function cut(octets: Buffer): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0, size = 1; at < octets.length; at += size, size = (size * 5) % 61)
    pieces.push(Buffer.from(octets.subarray(at, at + size)))
  return pieces
}
