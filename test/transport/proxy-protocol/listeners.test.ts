/** Listeners that read PROXY headers, by every way in. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ProxyProtocol } from '../../../src/plugin/capabilities/proxy-protocol.ts'
import { proxyProtocol } from '../../../src/plugin/capabilities/proxy-protocol.ts'
import { capabilityOf } from '../../../src/plugin/capability.ts'
import { proxyproto } from '../../../src/plugins/proxyproto/index.ts'
import type { Miss } from '../../../src/server/ingress.ts'
import { v1, v2 } from '../../plugins/proxyproto/headers.ts'
import { createPluginHarness, setUp } from '../../support/plugin-harness.ts'
import { until } from '../../support/until.ts'
import { query, rcodeReply, tcpClient, udpClient, withTransport } from '../support.ts'

/** As the Corefile has it. */
const reading = (text = 'proxyproto', harness = createPluginHarness()): ProxyProtocol =>
  capabilityOf(setUp(proxyproto, text, harness), proxyProtocol)!

const datagram = (source: string, label: string) =>
  Buffer.concat([v2({ protocol: 'datagram', source }), query(label, 7)])
const framed = (message: Uint8Array) => Buffer.concat([Buffer.of(message.length >> 8, message.length & 0xff), message])

for (const udp of ['auto', 'dgram'] as const) {
  describe(`PROXY headers over UDP by ${udp === 'auto' ? 'threads' : 'node:dgram'}`, () => {
    test('the table and the chain answer behind a header, to the peer; the chain sees the client', () => {
      const misses: Miss[] = []
      const onMiss = (miss: Miss) => {
        misses.push(miss)
        return rcodeReply(miss.request, 3)
      }
      return withTransport({ udp, onMiss }, async ({ transport, port, listener }) => {
        await transport.apply([listener({ space: 7, proxyProtocol: reading() })])
        const client = await udpClient('127.0.0.1', port)
        client.send(datagram('198.51.100.1', 'table'))
        assert.equal((await client.next()).space, 7)
        client.send(datagram('2001:db8::1', 'miss'))
        assert.equal((await client.next()).rcode, 3)
        assert.deepEqual(
          misses.map((miss) => miss.client),
          [{ address: '2001:db8::1', port: 4000 }],
        )
        assert.deepEqual(Buffer.from(misses[0]!.request), Buffer.from(query('miss', 7)))
        client.close()
      })
    })

    test('a reload makes a listener read headers and stop reading them, on the same socket', () =>
      withTransport({ udp }, async ({ transport, port, listener }) => {
        const client = await udpClient('127.0.0.1', port)
        const proxied = datagram('198.51.100.1', 'table')
        for (const [space, proxyProtocol, answers] of [
          [1, undefined, false],
          [2, reading(), true],
          [3, undefined, false],
        ] as const) {
          await transport.apply([listener({ space, proxyProtocol })])
          client.send(proxied)
          client.send(query('table', 8))
          const answered: number[] = []
          // Where headers are not read the first datagram is a query of another ID, if it is one.
          while (!answered.includes(8)) {
            const reply = await client.next()
            if (reply.space === space) answered.push(reply.id)
          }
          assert.equal(answered.includes(7), answers)
        }
        client.close()
      }))

    test('a session outlives a reload', () =>
      withTransport(
        { udp, onMiss: ({ request, client }) => rcodeReply(request, client.address === '198.51.100.1' ? 3 : 5) },
        async ({ transport, port, listener }) => {
          const client = await udpClient('127.0.0.1', port)
          const text = 'proxyproto {\nudp_session_tracking 1m\n}'
          await transport.apply([listener({ space: 1, proxyProtocol: reading(text) })])
          client.send(datagram('198.51.100.1', 'miss'))
          assert.equal((await client.next()).rcode, 3)
          await transport.apply([listener({ space: 2, proxyProtocol: reading(text) })])
          assert.equal((await client.ask('miss')).rcode, 3)
          client.close()
        },
      ))

    test('an invalid header is dropped, counted and logged once, however many come', () =>
      withTransport({ udp }, async ({ transport, port, listener, log }) => {
        const harness = createPluginHarness()
        await transport.apply([listener({ proxyProtocol: reading('proxyproto', harness) })])
        const client = await udpClient('127.0.0.1', port)
        for (let i = 0; i < 10; i++) client.send(Buffer.concat([v1('PROXY TCP4 1 2 3 4'), query('table', 1)]))
        client.send(query('table', 2))
        assert.equal((await client.next()).id, 2)
        assert.match(await harness.metrics.text(), /^slicedns_proxyproto_dropped_total\{reason="invalid"\} 10$/m)
        const lines = log.filter((line) => line.includes('PROXY header'))
        assert.match(
          lines[0]!,
          /^warning dropping a datagram from 127\.0\.0\.1:\d+: its PROXY header is invalid: an address or port is invalid$/,
        )
        assert.equal(lines.length, 1)
        client.close()
      }))
  })
}

describe('PROXY headers over TCP', () => {
  const onMiss = ({ request, client }: Miss) => rcodeReply(request, client.address === '198.51.100.1' ? 3 : 5)

  test('a header that comes octet by octet is read, and what follows it in the same segment too', () =>
    withTransport({ onMiss }, async ({ transport, port, listener }) => {
      await transport.apply([listener({ proxyProtocol: reading() })])
      for (const header of [v1('PROXY TCP4 198.51.100.1 192.0.2.53 4000 53'), v2({ source: '198.51.100.1' })]) {
        const client = await tcpClient('127.0.0.1', port)
        for (const octet of header) client.write(Buffer.of(octet))
        client.write(framed(query('miss', 1)), framed(query('table', 2)))
        const replies = [await client.next(), await client.next()].sort((one, other) => one.id - other.id)
        assert.deepEqual(
          replies.map(({ rcode, space }) => [rcode, space]),
          [
            [3, undefined],
            [0, 1],
          ],
        )
        client.close()
      }
    }))

  test('a client that closes its side behind its question gets the answer', () =>
    withTransport({ onMiss }, async ({ transport, port, listener }) => {
      await transport.apply([listener({ proxyProtocol: reading() })])
      const client = await tcpClient('127.0.0.1', port)
      client.socket.end(Buffer.concat([v2({ source: '198.51.100.1' }), framed(query('miss', 1))]))
      assert.equal((await client.next()).rcode, 3)
      await client.ended
    }))

  test('a connection with an invalid header, a header that is not allowed, or none in time is closed', () =>
    withTransport({ onMiss, limits: { tcpRead: 100 } }, async ({ transport, port, listener }) => {
      const harness = createPluginHarness()
      await transport.apply([listener({ proxyProtocol: reading('proxyproto {\ndefault reject\n}', harness) })])
      for (const header of [v1('PROXY X'), v1('PROXY UNKNOWN'), Buffer.from('PROXY TCP4 ')]) {
        const client = await tcpClient('127.0.0.1', port)
        client.write(header)
        await client.ended
      }
      const text = await harness.metrics.text()
      for (const reason of ['invalid', 'rejected'])
        assert.match(text, new RegExp(`^slicedns_proxyproto_dropped_total\\{reason="${reason}"\\} 1$`, 'm'))
    }))

  test('connections without a header count as connections: the idlest makes room', () =>
    withTransport(
      { onMiss, limits: { tcpConnections: 2, tcpConnectionsPerClient: 2 } },
      async ({ transport, port, listener, metric }) => {
        await transport.apply([listener({ proxyProtocol: reading() })])
        const silent = [await tcpClient('127.0.0.1', port), await tcpClient('127.0.0.1', port)]
        await until(async () => assert.equal(await metric('slicedns_tcp_connections'), 2))
        const client = await tcpClient('127.0.0.1', port)
        client.write(v2({ source: '198.51.100.1' }), framed(query('miss', 1)))
        assert.equal((await client.next()).rcode, 3)
        await Promise.race(silent.map(({ ended }) => ended))
        for (const { close } of [...silent, client]) close()
      },
    ))
})
