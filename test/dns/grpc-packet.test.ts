import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { decodePacket, encodePacket } from '../../src/dns/grpc-packet.ts'

const octets = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex')

describe('the packet of DNS over gRPC', () => {
  it('a message is decoded as it was encoded', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (message) => {
        assert.deepEqual(decodePacket(encodePacket(message)), { kind: 'message', message })
      }),
    )
  })

  const cases: readonly (readonly [what: string, hex: string, kind: string, message?: string])[] = [
    ['an empty packet', '00 00000000', 'message', ''],
    ['a field that is not known in front', '00 00000006 1001 0a02 abcd', 'message', 'abcd'],
    [
      'fields of every kind behind it',
      '00 00000016 0a01 ff 110000000000000000 1d00000000 2201 aa 2805',
      'message',
      'ff',
    ],
    ['the field twice', '00 00000006 0a01 aa 0a01 bb', 'message', 'bb'],
    ['a second packet behind it', '00 00000003 0a01 aa 00 00000003 0a01 bb', 'message', 'aa'],
    ['a compressed one', '01 00000003 0a01 aa', 'compressed'],
    ['half a prefix', '00 0000', 'incomplete'],
    ['half a packet', '00 00000004 0a02 aa', 'incomplete'],
    ['a field that is longer than its packet', '00 00000003 0a02 aa', 'invalid'],
    ['a number without end', '00 00000003 08ffff', 'invalid'],
    ['a field without a number', '00 00000003 0201 aa', 'invalid'],
    ['a group', '00 00000001 0b', 'invalid'],
  ]
  for (const [what, hex, kind, message] of cases)
    it(`${what} is ${kind}`, () => {
      const packet = decodePacket(octets(hex))
      assert.equal(packet.kind, kind)
      if (packet.kind === 'message') assert.equal(Buffer.from(packet.message).toString('hex'), message)
    })

  it('any octets are a message or a reason', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const packet = decodePacket(bytes)
        if (packet.kind === 'message') assert.ok(packet.message.length <= bytes.length)
      }),
    )
  })
})
