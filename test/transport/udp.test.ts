import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, test } from 'node:test'
import { systemClock } from '../../src/scheduling/clock.ts'
import type { Miss } from '../../src/server/ingress.ts'
import { until } from '../support/until.ts'
import { askUdp, query, rcodeReply, udpClient, withTransport } from './support.ts'

for (const udp of ['auto', 'dgram'] as const) {
  describe(`UDP by ${udp === 'auto' ? 'threads' : 'node:dgram'}`, () => {
    test('a query whose answer is in the table gets it', () =>
      withTransport({ udp }, async ({ transport, port, listener }) => {
        assert.equal(transport.udp, udp === 'auto' ? 'threads' : 'dgram')
        await transport.apply([listener({ space: 7 })])
        assert.equal((await askUdp('127.0.0.1', port, 'table')).space, 7)
      }))

    test('a miss is asked of the chain, with who asked whom, and its reply goes to the client', () => {
      const misses: Miss[] = []
      const onMiss = (miss: Miss) => {
        misses.push(miss)
        return miss.request.includes('s'.charCodeAt(0))
          ? Promise.resolve(rcodeReply(miss.request, 3))
          : rcodeReply(miss.request, 3)
      }
      return withTransport({ udp, onMiss }, async ({ transport, port, listener }) => {
        const wanted = listener()
        await transport.apply([wanted])
        const client = await udpClient('127.0.0.1', port)
        for (const label of ['miss-later', 'miss']) assert.equal((await client.ask(label)).rcode, 3)
        client.close()
        const { transport: protocol, client: from, local, listener: by, request, receivedAt } = misses[0]!
        assert.equal(protocol, 'udp')
        assert.equal(from.address, '127.0.0.1')
        assert.notEqual(from.port, 0)
        assert.deepEqual(local, { address: '127.0.0.1', port })
        assert.equal(by, wanted)
        assert.deepEqual(Buffer.from(request.subarray(2)), Buffer.from(query('miss-later').subarray(2)))
        assert.ok(receivedAt <= systemClock.now() && receivedAt <= transport.lastQueryAt())
      })
    })

    test('IPv6 clients are served, and seen as such', () => {
      const misses: Miss[] = []
      const onMiss = (miss: Miss) => {
        misses.push(miss)
        return rcodeReply(miss.request, 0)
      }
      return withTransport({ udp, onMiss }, async ({ transport, port, listener }) => {
        await transport.apply([listener({ address: '::1' })])
        assert.equal((await askUdp('::1', port, 'table')).space, 1)
        await askUdp('::1', port, 'miss')
        assert.equal(misses[0]!.client.address, '::1')
        assert.deepEqual(misses[0]!.local, { address: '::1', port })
      })
    })

    test('a wildcard listener hears IPv4 and IPv6, and no client ever looks IPv4-mapped', () => {
      const clients: string[] = []
      const onMiss = ({ client, request }: Miss) => {
        clients.push(client.address)
        return rcodeReply(request, 0)
      }
      return withTransport({ udp, onMiss }, async ({ transport, port, listener }) => {
        await transport.apply([listener({ address: '' })])
        await askUdp('127.0.0.1', port, 'miss')
        await askUdp('::1', port, 'miss')
        assert.deepEqual(clients, ['127.0.0.1', '::1'])
      })
    })

    test('a dropped query and one shorter than a header get no reply', () =>
      withTransport({ udp }, async ({ transport, port, listener }) => {
        await transport.apply([listener()])
        const client = await udpClient('127.0.0.1', port)
        client.send(query('drop', 1))
        client.send(Uint8Array.of(1, 2, 3))
        client.send(new Uint8Array(0))
        client.send(query('table', 2))
        assert.equal((await client.next()).id, 2)
        client.close()
      }))

    test('a lookup that throws costs nobody an answer: the chain is asked', () =>
      withTransport({ udp }, async ({ transport, port, listener, log, metric }) => {
        await transport.apply([listener()])
        assert.equal((await askUdp('127.0.0.1', port, 'throw')).rcode, 2)
        assert.equal((await askUdp('127.0.0.1', port, 'table')).space, 1)
        assert.match(log.find((line) => line.startsWith('error'))!, /told to throw/)
        assert.equal(await metric('slicedns_answer_failures_total'), 1)
      }))

    test('a datagram longer than 4,096 octets is answered as what is left of it', () => {
      const lengths: number[] = []
      const onMiss = ({ request }: Miss) => {
        lengths.push(request.length)
        return rcodeReply(request.subarray(0, 12), 1)
      }
      return withTransport({ udp, onMiss }, async ({ transport, port, listener }) => {
        await transport.apply([listener()])
        const client = await udpClient('127.0.0.1', port)
        client.send(Buffer.concat([query('miss'), new Uint8Array(5000)]))
        assert.equal((await client.next()).rcode, 1)
        assert.deepEqual(lengths, [4096])
        client.close()
      })
    })

    test('large replies arrive whole; one that no datagram holds becomes a truncated header', () =>
      withTransport({ udp }, async ({ transport, port, listener }) => {
        await transport.apply([listener()])
        const client = await udpClient('127.0.0.1', port)
        for (const length of [1232, 4096, 65507]) {
          assert.equal((await client.ask(`big-${length}`)).octets.length, length)
        }
        const reply = await client.ask('big-65535')
        assert.equal(reply.truncated, true)
        assert.equal(reply.octets.length, 12)
        client.close()
      }))

    test('more misses than may wait get SERVFAIL at once, and are counted', () => {
      const held: (() => void)[] = []
      const onMiss = ({ request }: Miss) =>
        new Promise<Uint8Array>((resolve) => held.push(() => resolve(rcodeReply(request, 0))))
      return withTransport(
        { udp, onMiss, limits: { udpPending: 2 } },
        async ({ transport, port, listener, metric }) => {
          await transport.apply([listener()])
          const client = await udpClient('127.0.0.1', port)
          for (const id of [1, 2, 3]) client.send(query('miss', id))
          const refused = await client.next()
          assert.deepEqual([refused.id, refused.rcode], [3, 2])
          assert.deepEqual(Buffer.from(refused.octets.subarray(12)), Buffer.from(query('miss').subarray(12)))
          for (const release of held) release()
          assert.deepEqual([(await client.next()).rcode, (await client.next()).rcode], [0, 0])
          assert.equal(await metric('slicedns_miss_queue_overflow_total'), 1)
          client.close()
        },
      )
    })

    test('queries that release their slot leave it to others, and are answered all the same', () => {
      const held: (() => void)[] = []
      const back: (() => void)[] = []
      const onMiss = ({ request, releaseSlot }: Miss) => {
        back.push(releaseSlot!())
        return new Promise<Uint8Array>((resolve) => held.push(() => resolve(rcodeReply(request, 0))))
      }
      return withTransport({ udp, onMiss, limits: { udpPending: 1 } }, async ({ transport, port, listener }) => {
        await transport.apply([listener()])
        const client = await udpClient('127.0.0.1', port)
        for (const id of [1, 2, 3]) client.send(query('miss', id))
        assert.equal((await client.ask('table')).rcode, 0)
        // The queries before it on the same socket are with the chain by now, or on their way to it.
        while (held.length < 3) await new Promise(setImmediate)
        back[0]!()
        client.send(query('miss', 4))
        const refused = await client.next()
        assert.deepEqual([refused.id, refused.rcode], [4, 2])
        for (const release of held) release()
        for (let i = 0; i < 3; i++) assert.equal((await client.next()).rcode, 0)
        client.close()
      })
    })

    test('a reload switches a listener to its new space without giving up the socket', () =>
      withTransport({ udp }, async ({ transport, port, listener }) => {
        await transport.apply([listener({ space: 1 })])
        const client = await udpClient('127.0.0.1', port)
        assert.equal((await client.ask('table')).space, 1)
        await transport.apply([listener({ space: 2 })])
        assert.equal((await client.ask('table')).space, 2)
        client.close()
      }))

    test('a removed listener answers what it had been asked, and its address is free again', () =>
      withTransport({ udp }, async ({ transport, port, listener }) => {
        await transport.apply([listener()])
        const client = await udpClient('127.0.0.1', port)
        for (let id = 0; id < 200; id++) client.send(query('table', id))
        await client.next()
        await transport.apply([])
        for (let id = 1; id < 200; id++) await client.next()
        client.close()
        const free = createSocket('udp4')
        free.bind(port, '127.0.0.1')
        await once(free, 'listening')
        free.close()
      }))

    test('a reply that the chain owes when its listener goes is still sent', () => {
      const asked = Promise.withResolvers<() => void>()
      const onMiss = ({ request }: Miss) =>
        new Promise<Uint8Array>((resolve) => asked.resolve(() => resolve(rcodeReply(request, 0))))
      return withTransport({ udp, onMiss }, async ({ transport, port, listener }) => {
        await transport.apply([listener({ shards: 2 })])
        const client = await udpClient('127.0.0.1', port)
        client.send(query('miss', 11))
        const answer = await asked.promise
        await transport.apply([])
        answer()
        assert.equal((await client.next()).id, 11)
        client.close()
      })
    })

    test('64 addresses on one port are 64 listeners', () =>
      withTransport({ udp }, async ({ transport, port, listener }) => {
        const addresses = Array.from({ length: 64 }, (_, i) => `127.0.1.${i + 1}`)
        await transport.apply(addresses.map((address, i) => listener({ address, space: i })))
        for (const [i, address] of addresses.entries()) {
          assert.equal((await askUdp(address, port, 'table')).space, i)
        }
      }))

    test('one address may stand beside all addresses, in either order of coming', () =>
      withTransport({ udp }, async ({ transport, port, listener }) => {
        await transport.apply([listener({ address: '', space: 1 })])
        await transport.apply([listener({ address: '', space: 1 }), listener({ space: 2 })])
        assert.equal((await askUdp('127.0.0.1', port, 'table')).space, 2)
        await transport.apply([listener({ space: 2 })])
        await transport.apply([listener({ address: '', space: 1 }), listener({ space: 2 })])
        assert.equal((await askUdp('127.0.0.1', port, 'table')).space, 2)
        assert.equal((await askUdp('::1', port, 'table')).space, 1)
      }))

    test('an address that is taken leaves everything as it was, and the error says which and why', () =>
      withTransport({ udp }, async ({ transport, port, listener }) => {
        await transport.apply([listener({ space: 1 })])
        const tcp = createServer().listen(0, '127.0.0.1')
        await once(tcp, 'listening')
        const taken = (tcp.address() as { port: number }).port
        await assert.rejects(transport.apply([listener({ space: 2 }), listener({ port: taken })]), {
          message: `listen tcp 127.0.0.1:${taken}: bind: address already in use`,
        })
        tcp.close()
        await once(tcp, 'close')
        const holder = createSocket('udp4')
        holder.bind(taken, '127.0.0.1')
        await once(holder, 'listening')
        await assert.rejects(transport.apply([listener({ space: 2 }), listener({ port: taken })]), {
          message: `listen udp 127.0.0.1:${taken}: bind: address already in use`,
        })
        holder.close()
        await assert.rejects(transport.apply([listener({ space: 2 }), listener({ address: '192.0.2.1' })]), {
          message: `listen tcp 192.0.2.1:${port}: bind: cannot assign requested address`,
        })
        assert.equal((await askUdp('127.0.0.1', port, 'table')).space, 1)
      }))

    test('close waits for the replies that are still being worked out', () => {
      let release = () => {}
      const onMiss = ({ request }: Miss) =>
        new Promise<Uint8Array>((resolve) => {
          release = () => resolve(rcodeReply(request, 0))
          asked.resolve()
        })
      const asked = Promise.withResolvers<void>()
      return withTransport({ udp, onMiss }, async ({ transport, port, listener, readers }) => {
        await transport.apply([listener()])
        const client = await udpClient('127.0.0.1', port)
        client.send(query('miss', 9))
        await asked.promise
        const closed = transport.close()
        release()
        assert.equal((await client.next()).id, 9)
        await closed
        assert.equal(readers(), 0)
        client.close()
      })
    })
  })
}

test('a client that asks when the threads have ended is refused, while the chain still owes a reply', () => {
  const asked = Promise.withResolvers<() => void>()
  const onMiss = ({ request }: Miss) =>
    new Promise<Uint8Array>((resolve) => asked.resolve(() => resolve(rcodeReply(request, 0))))
  return withTransport({ udp: 'auto', onMiss }, async ({ transport, port, listener, readers }) => {
    await transport.apply([listener({ shards: 2 })])
    const client = await udpClient('127.0.0.1', port)
    client.send(query('miss', 12))
    const answer = await asked.promise
    const late = createSocket('udp4')
    late.connect(port, '127.0.0.1')
    await once(late, 'connect')
    const refused: (string | undefined)[] = []
    late.on('error', (error: NodeJS.ErrnoException) => refused.push(error.code))
    const closed = transport.close()
    await until(() => assert.equal(readers(), 0))
    await until(() => {
      late.send(query('table', 13))
      assert.equal(refused[0], 'ECONNREFUSED')
    })
    answer()
    assert.equal((await client.next()).id, 12)
    await closed
    late.close()
    client.close()
  })
})
