/** PROXY headers, versions 1 and 2: what is incomplete stays so only until octets come, and addresses are addresses. */
import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { readProxyHeader, readTlvs } from '../../../src/transport/proxy-protocol/header.ts'
import { v1, v2 } from '../../plugins/proxyproto/headers.ts'
import type { Target } from '../engine/target.ts'

export const target: Target = {
  seeds: [
    v1('PROXY TCP4 192.0.2.1 192.0.2.53 56324 53'),
    v1('PROXY TCP6 2001:DB8::1 ::ffff:192.0.2.1 0 65535'),
    v1('PROXY UNKNOWN whatever 1 2 3'),
    v2({ source: '192.0.2.1', tlvs: 'ea0001ff' }),
    v2({ source: '192.0.2.1', tlvs: '' }),
  ],
  words: [
    'PROXY ',
    'TCP4 ',
    'TCP6 ',
    'UNKNOWN',
    '\r\n',
    '\n',
    '192.0.2.1 ',
    '::1 ',
    '65535',
    '\r\n\r\n\0\r\nQUIT\n',
    Uint8Array.of(0x21, 0x11, 0, 12),
    Uint8Array.of(0x20, 0, 0, 0),
    Uint8Array.of(0x21, 0x21, 0, 36),
    Uint8Array.of(0x21, 0x31, 0, 216),
    Uint8Array.of(0xea, 0, 1),
  ],
  maxOctets: 600,
  maxSteps: (octets) => 20_000 + 50_000 + 1_000 * octets,
  check(octets) {
    const input = new Uint8Array(octets)
    const read = readProxyHeader(input)
    if (read.kind === 'header') {
      assert.ok(read.length > 0 && read.length <= input.length)
      for (const end of [read.source, read.destination])
        if (end) {
          assert.notEqual(isIP(end.address), 0, end.address)
          assert.ok(!end.address.startsWith('::ffff:') || !end.address.includes('.'), end.address)
          assert.ok(Number.isInteger(end.port) && end.port >= 0 && end.port <= 65_535)
        }
      // What follows the header does not matter.
      assert.deepEqual(readProxyHeader(input.slice(0, read.length)), read)
      assert.deepEqual(readProxyHeader(Uint8Array.from([...input, 1, 2, 3])), read)
      readTlvs(read.tlvs)
    }
    // A beginning of what is read is incomplete, or says the same already.
    for (let length = 1; length < Math.min(input.length, 40); length++) {
      const part = readProxyHeader(input.subarray(0, length))
      if (part.kind === 'incomplete') continue
      assert.deepEqual(part, readProxyHeader(input), `after ${length} octets`)
    }
  },
}
