/** DNS over TLS: what TCP's tests say holds for it; here is what the handshake adds. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { describe, test } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { Worker } from 'node:worker_threads'
import type { ClientAuth } from '../../src/plugin/capabilities/server-tls.ts'
import type { Miss } from '../../src/server/ingress.ts'
import { createAuthority } from '../support/api-server/certificates.ts'
import { noClientAuth, testTls } from '../support/certificates.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { until } from '../support/until.ts'
import { frame, query, rcodeReply, streamClient, type TcpClient, tcpClient, withTransport } from './support.ts'

/** The same with either UDP path; this one starts faster. */
const udp = 'dgram'
const authority = createAuthority()

async function tlsClient(port: number, from = '127.0.0.1'): Promise<TcpClient & { socket: TLSSocket }> {
  const tcp = connectTcp({ port, host: '127.0.0.1', localAddress: from, allowHalfOpen: true })
  const socket = connect({ socket: tcp, host: '127.0.0.1', ca: authority.cert })
  await once(socket, 'secureConnect')
  return { ...streamClient(socket), socket }
}

async function answers(client: TcpClient, id = 7): Promise<void> {
  client.write(frame(query('table', id)))
  assert.equal((await client.next()).id, id)
}

const closed = (socket: Socket) => new Promise<void>((resolve) => socket.on('close', () => resolve()))

describe('DNS over TLS (RFC 7858)', () => {
  test('a query over TLS is answered wherever its octets are cut', () =>
    withTransport({ udp }, async ({ transport, listener, port }) => {
      await transport.apply([listener({ scheme: 'tls', tls: testTls(authority), space: 3 })])
      const octets = frame(query('table', 5))
      const client = await tlsClient(port)
      for (let cut = 1; cut < octets.length; cut++) {
        client.write(octets.subarray(0, cut))
        await new Promise(setImmediate)
        client.write(octets.subarray(cut))
        const reply = await client.next()
        assert.deepEqual([reply.id, reply.space], [5, 3], `cut at ${cut}`)
      }
      client.close()
    }))

  test('the chain learns that a query came over TLS, from whom, and to where', () => {
    const misses: Miss[] = []
    const onMiss = (miss: Miss) => {
      misses.push(miss)
      return rcodeReply(miss.request, 3)
    }
    return withTransport({ udp, onMiss }, async ({ transport, listener, port }) => {
      await transport.apply([listener({ scheme: 'tls', tls: testTls(authority), address: '' })])
      const client = await tlsClient(port, '127.0.0.9')
      client.write(frame(query('miss')))
      assert.equal((await client.next()).rcode, 3)
      const [miss] = misses
      assert.deepEqual(
        [miss.transport, miss.client.address, miss.local],
        ['tls', '127.0.0.9', { address: '127.0.0.1', port }],
      )
      client.close()
    })
  })

  test('plain DNS gets nothing where TLS is served: neither over TCP nor over UDP', () =>
    withTransport({ udp }, async ({ transport, listener, port }) => {
      await transport.apply([listener({ scheme: 'tls', tls: testTls(authority) })])
      const client = await tcpClient('127.0.0.1', port)
      let octets = 0
      client.socket.on('data', (chunk) => {
        octets += chunk.length
      })
      client.write(frame(query('table')))
      await client.ended
      // An alert at most (RFC 8446 §6): no DNS message is as short.
      assert.ok(octets < 12, `${octets} octets`)
      await transport.apply([listener({ scheme: 'tls', tls: testTls(authority) }), listener({ port: port + 1 })])
    }))

  test('a tls:// listener without certificates is plain DNS over TCP, as in CoreDNS', () =>
    withTransport({ udp }, async ({ transport, listener, port }) => {
      await transport.apply([listener({ scheme: 'tls' })])
      const client = await tcpClient('127.0.0.1', port)
      await answers(client)
      client.close()
    }))

  test('a client that ends its side of a TLS connection gets the replies to what it has asked', () => {
    const held: (() => void)[] = []
    const onMiss = ({ request }: Miss) =>
      new Promise<Uint8Array>((resolve) => held.push(() => resolve(rcodeReply(request, 0))))
    return withTransport({ udp, onMiss }, async ({ transport, listener, port }) => {
      await transport.apply([listener({ scheme: 'tls', tls: testTls(authority) })])
      const client = await tlsClient(port)
      client.write(frame(query('miss', 4)))
      client.socket.end()
      await until(() => assert.equal(held.length, 1))
      held[0]()
      assert.equal((await client.next()).id, 4)
      await client.ended
    })
  })

  test('a removed TLS listener answers what was asked before it closes the connection', () => {
    const held: (() => void)[] = []
    const onMiss = ({ request }: Miss) =>
      new Promise<Uint8Array>((resolve) => held.push(() => resolve(rcodeReply(request, 0))))
    return withTransport({ udp, onMiss }, async ({ transport, listener, port }) => {
      await transport.apply([listener({ scheme: 'tls', tls: testTls(authority) })])
      const client = await tlsClient(port)
      client.write(frame(query('miss', 4)))
      await until(() => assert.equal(held.length, 1))
      const removed = transport.apply([])
      held[0]()
      assert.equal((await client.next()).id, 4)
      await client.ended
      client.close()
      await removed
    })
  })
})

describe('certificates of a TLS listener', () => {
  test('a certificate that has changed is in the next handshake, and open connections go on', () =>
    withTransport({ udp }, async ({ transport, listener, port }) => {
      const tls = testTls(authority)
      await transport.apply([listener({ scheme: 'tls', tls })])
      const before = await tlsClient(port)
      tls.current = authority.issue({ commonName: 'renewed' })
      const after = await tlsClient(port)
      const names = [before, after].map(({ socket }) => socket.getPeerCertificate().subject.CN)
      assert.deepEqual(names, ['slicedns test server', 'renewed'])
      for (const client of [before, after]) await answers(client)
      for (const client of [before, after]) client.close()
    }))

  const policies: readonly (readonly [
    policy: string,
    auth: ClientAuth,
    without: boolean,
    own: boolean,
    foreign: boolean,
  ])[] = [
    ['nocert', noClientAuth, true, true, true],
    ['request', { ask: true, required: false, verified: false }, true, true, true],
    ['require', { ask: true, required: true, verified: false }, false, true, true],
    ['verify_if_given', { ask: true, required: false, verified: true }, true, true, false],
    ['require_and_verify', { ask: true, required: true, verified: true }, false, true, false],
  ]
  const clients = [undefined, authority.issue(), createAuthority('a stranger').issue()]
  for (const [policy, auth, ...welcome] of policies)
    test(`client_auth ${policy}: who is served without a certificate, with one, and with a stranger's`, () =>
      withTransport({ udp }, async ({ transport, listener, port }) => {
        await transport.apply([listener({ scheme: 'tls', tls: testTls(authority, auth) })])
        const served: boolean[] = []
        for (const identity of clients) {
          const socket = connect({ host: '127.0.0.1', port, ca: authority.cert, ...identity })
          socket.on('error', () => undefined)
          socket.write(frame(query('table')))
          const answered = new Promise<boolean>((resolve) => socket.on('data', () => resolve(true)))
          served.push(await Promise.race([answered, closed(socket).then(() => false)]))
          socket.destroy()
        }
        assert.deepEqual(served, welcome)
      }))
})

describe('clients that do not finish their TLS handshake', () => {
  test('a handshake has as long as a first message, and is then closed', () => {
    const clock = createFakeClock()
    return withTransport({ udp, clock, limits: { tcpRead: 3000 } }, async ({ transport, listener, port, metric }) => {
      await transport.apply([listener({ scheme: 'tls', tls: testTls(authority) })])
      const slow = connectTcp(port, '127.0.0.1')
      slow.on('error', () => undefined)
      const gone = closed(slow)
      await until(async () => assert.equal(await metric('slicedns_tcp_connections'), 1))
      clock.advance(2900)
      const client = await tlsClient(port)
      await answers(client)
      clock.advance(600)
      await gone
      await answers(client)
      client.close()
    })
  })

  test('a client that resets its connection and comes back from the same port at once is served', () =>
    withTransport({ udp }, async ({ transport, listener, port }) => {
      await transport.apply([listener({ scheme: 'tls', tls: testTls(authority) })])
      const back = new Int32Array(new SharedArrayBuffer(4))
      const returning = new Worker(new URL('./returning-client.ts', import.meta.url), {
        workerData: { port, back, message: frame(query('table', 9)), ca: authority.cert },
      })
      try {
        await once(returning, 'message')
        // Whoever is served after it shows that it is accepted.
        const client = await tlsClient(port)
        await answers(client)
        client.close()
        returning.postMessage('reset')
        // Meanwhile nothing is read here: the end of the first connection and the second one are there together.
        assert.notEqual(Atomics.wait(back, 0, 0, 20_000), 'timed-out')
        assert.deepEqual(await once(returning, 'message'), ['answered'])
      } finally {
        await returning.terminate()
      }
    }))

  test('connections without a handshake that fill the table lose their places to newcomers', () =>
    withTransport(
      { udp, limits: { tcpConnections: 32, tcpConnectionsPerClient: 16, placesOf: { plain: 1, secure: 4 } } },
      async ({ transport, listener, port, metric }) => {
        await transport.apply([listener({ scheme: 'tls', tls: testTls(authority), address: '' })])
        const idle = Array.from({ length: 40 }, () =>
          connectTcp({ port, host: '127.0.0.1', localAddress: '127.0.0.2' }),
        )
        for (const socket of idle) socket.on('error', () => undefined)
        await until(async () =>
          assert.equal(await metric('slicedns_tcp_evicted_connections_total{reason="connections"}'), 36),
        )
        const client = await tlsClient(port, '127.0.0.3')
        await answers(client)
        assert.equal(await metric('slicedns_tcp_connections'), 5)
        client.close()
        for (const socket of idle) socket.destroy()
      },
    ))
})
