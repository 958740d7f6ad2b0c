import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type ReadHeader, readProxyHeader, readTlvs } from '../../../src/transport/proxy-protocol/header.ts'
import { v1, v2 } from '../../plugins/proxyproto/headers.ts'

/** `SOURCE>DESTINATION` and what else there is, or the kind with its reason. */
function shown(read: ReadHeader): string {
  if (read.kind === 'invalid') return read.reason
  if (read.kind === 'incomplete') return `incomplete${read.signed ? ', signed' : ''}`
  if (read.kind === 'none') return 'none'
  const { source, destination, local, transport, tlvs } = read
  const ends = source && destination && `${source.address} ${source.port} > ${destination.address} ${destination.port}`
  return [local ? 'local' : 'proxy', transport, ends, Buffer.from(tlvs).toString('hex')].filter(Boolean).join(', ')
}

const changed = (header: Buffer, at: number, octet: number): Buffer => {
  header[at] = octet
  return header
}

describe('the PROXY header', () => {
  const cases: readonly (readonly [string, Uint8Array, string])[] = [
    [
      'of version 1 for IPv4',
      v1('PROXY TCP4 192.0.2.1 192.0.2.53 56324 53'),
      'proxy, stream, 192.0.2.1 56324 > 192.0.2.53 53',
    ],
    ['of version 1 for IPv6', v1('PROXY TCP6 2001:DB8::1 ::1 0 65535'), 'proxy, stream, 2001:db8::1 0 > ::1 65535'],
    [
      'of version 1 with mapped addresses',
      v1('PROXY TCP6 ::ffff:192.0.2.1 ::1 1 53'),
      'proxy, stream, 192.0.2.1 1 > ::1 53',
    ],
    ['of version 1 for an unknown protocol', v1('PROXY UNKNOWN whatever 1 2 3 4 5'), 'local, other'],
    ['of version 1 without CRLF', Buffer.from('PROXY UNKNOWN\n'), 'the line does not end with CRLF'],
    ['of version 1 without an end', Buffer.from(`PROXY TCP6 ${'f'.repeat(100)}`), 'no end within 107 octets'],
    ['of version 1 that is cut', Buffer.from('PROXY TCP4 192.0.2.1'), 'incomplete, signed'],
    ['of version 1 with another word', v1('PROXYX TCP4 192.0.2.1 192.0.2.2 1 2'), 'no blank after PROXY'],
    [
      'of version 1 with a field too many',
      v1('PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3'),
      'no TCP4, TCP6 or UNKNOWN with its fields',
    ],
    ['of version 1 for UDP', v1('PROXY UDP4 192.0.2.1 192.0.2.2 1 2'), 'no TCP4, TCP6 or UNKNOWN with its fields'],
    [
      'of version 1 with addresses of the other family',
      v1('PROXY TCP6 192.0.2.1 192.0.2.2 1 2'),
      'an address or port is invalid',
    ],
    ['of version 1 with leading zeros', v1('PROXY TCP4 192.0.2.1 192.0.2.2 01 2'), 'an address or port is invalid'],
    [
      'of version 1 with too high a port',
      v1('PROXY TCP4 192.0.2.1 192.0.2.2 1 65536'),
      'an address or port is invalid',
    ],
    [
      'of version 2 for IPv4',
      v2({ source: '192.0.2.1', tlvs: 'ea0001ff' }),
      'proxy, stream, 192.0.2.1 4000 > 192.0.2.53 53, ea0001ff',
    ],
    [
      'of version 2 for IPv6',
      v2({ source: '2001:db8::1', protocol: 'datagram' }),
      'proxy, datagram, 2001:db8::1 4000 > 2001:db8::53 53',
    ],
    [
      'of version 2 with mapped addresses',
      v2({ source: '::ffff:192.0.2.1' }),
      'proxy, stream, 192.0.2.1 4000 > 2001:db8::53 53',
    ],
    ['of version 2 for the proxy itself', v2({ command: 'local' }), 'local, other'],
    [
      'of version 2 for the proxy itself, whose addresses do not fit',
      changed(v2({ command: 'local' }), 13, 0x11),
      'local, other',
    ],
    ['of version 2 without addresses', v2({}), 'unsupported address family or transport'],
    [
      'of version 2 with an undefined transport',
      changed(v2({ source: '192.0.2.1' }), 13, 0x13),
      'unsupported address family or transport',
    ],
    [
      'of version 2 with an undefined command',
      changed(v2({ source: '192.0.2.1' }), 12, 0x22),
      'unsupported version or command',
    ],
    ['of version 3', changed(v2({ source: '192.0.2.1' }), 12, 0x31), 'unsupported version or command'],
    [
      'of version 2 that is too short for its addresses',
      changed(v2({ source: '192.0.2.1' }), 15, 11),
      'the addresses do not fit its length',
    ],
    [
      'of version 2 that is too long',
      changed(v2({ source: '192.0.2.1' }), 14, 0x11),
      '4364 octets of addresses and TLVs are more than 4096',
    ],
    ['of version 2 that is cut', v2({ source: '192.0.2.1' }).subarray(0, 27), 'incomplete, signed'],
    ['that may yet become one', Buffer.from('PRO'), 'incomplete'],
    ['of a DNS message', Buffer.from('0d0a0100000100000000', 'hex'), 'none'],
    ['of a message that begins like one', Buffer.from('PRAXY TCP4'), 'none'],
  ]
  for (const [name, octets, wanted] of cases)
    it(`the PROXY header ${name} is read as: ${wanted}`, () => assert.equal(shown(readProxyHeader(octets)), wanted))

  it('any octets behind a signature give a header that lies inside them, or a reason', () => {
    const signatures = [Buffer.from('PROXY '), v2({ source: '192.0.2.1' }).subarray(0, 12)]
    fc.assert(
      fc.property(fc.constantFrom(...signatures), fc.uint8Array({ maxLength: 300 }), (signature, rest) => {
        const octets = Buffer.concat([signature, rest])
        const read = readProxyHeader(octets)
        if (read.kind === 'header') assert.ok(read.length <= octets.length)
        return read.kind !== 'none'
      }),
    )
  })

  it('a header is read the same however many octets follow, and is incomplete wherever it is cut', () => {
    const headers = [v1('PROXY TCP4 192.0.2.1 192.0.2.53 5 53'), v2({ source: '2001:db8::1', tlvs: '040002ffff' })]
    fc.assert(
      fc.property(fc.constantFrom(...headers), fc.uint8Array({ maxLength: 64 }), fc.nat(), (header, rest, cut) => {
        assert.deepEqual(readProxyHeader(Buffer.concat([header, rest])), readProxyHeader(header))
        assert.equal(readProxyHeader(header.subarray(0, cut % header.length)).kind, 'incomplete')
      }),
    )
  })
})

describe('type-length-values', () => {
  const cases: readonly (readonly [string, string | undefined])[] = [
    ['', undefined],
    ['ea0002cafe', 'ea0002cafe'],
    ['ea000004000299990100024832', 'ea00000400000100024832'],
    ['ea00', undefined],
    ['ea0002ca', undefined],
  ]
  for (const [octets, wanted] of cases)
    it(`type-length-values '${octets}' are ${wanted ?? 'none'}`, () => {
      const read = readTlvs(Buffer.from(octets, 'hex'))
      assert.equal(read && Buffer.from(read).toString('hex'), wanted)
    })
})
