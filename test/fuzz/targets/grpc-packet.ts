/** gRPC packets with DNS messages, from clients and upstreams. */
import assert from 'node:assert/strict'
import { decodePacket, encodePacket } from '../../../src/dns/grpc-packet.ts'
import type { Target } from '../engine/target.ts'

export const target: Target = {
  seeds: [
    encodePacket(Uint8Array.of(1, 2, 3)),
    encodePacket(new Uint8Array(300)),
    Uint8Array.of(0, 0, 0, 0, 9, 0x10, 5, 0x0d, 1, 2, 3, 4, 0x0a, 0),
  ],
  words: [
    Uint8Array.of(0x0a, 1, 7),
    Uint8Array.of(0x12, 0),
    Uint8Array.of(0x09, 1, 2, 3, 4, 5, 6, 7, 8),
    Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f),
    Uint8Array.of(0, 0, 0, 0, 5),
    Uint8Array.of(0xff, 0xff, 0xff, 0xff),
  ],
  maxOctets: 700,
  maxSteps: (octets) => 500 + 40 * octets,
  mutate(input, random) {
    if (input.length < 6) return undefined
    const result = input.slice()
    new DataView(result.buffer).setUint32(1, result.length - 5 + random.below(3) - 1)
    result[0] = 0
    return result
  },
  check(input) {
    assert.deepEqual(decodePacket(encodePacket(input)), { kind: 'message', message: new Uint8Array(input) })
    const read = decodePacket(input)
    // It does not matter where in memory the packet lies, nor what follows it.
    const around = new Uint8Array(input.length + 30).fill(0x0a)
    around.set(input, 7)
    assert.deepEqual(decodePacket(around.subarray(7, 7 + input.length)), read)
    if (read.kind !== 'message') return
    assert.ok(read.message.length <= input.length)
    assert.deepEqual(decodePacket(around.subarray(7)), read)
    for (let length = 0; length < 5; length++) assert.notEqual(decodePacket(input.subarray(0, length)).kind, 'message')
  },
}
