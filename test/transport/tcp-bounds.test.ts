/** What clients may take of TCP together, and who loses when that is used up. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { describe, test } from 'node:test'
import { type Clock, systemClock } from '../../src/scheduling/clock.ts'
import type { Miss } from '../../src/server/ingress.ts'
import { until } from '../support/until.ts'
import {
  type Bench,
  frame,
  patient,
  query,
  rcodeReply,
  type TcpClient,
  tcpClient,
  udpClient,
  withTransport,
} from './support.ts'

/** TCP is the same with either UDP path; this one starts faster. */
const udp = 'dgram'
const everywhere = { address: '' }
const evicted = (reason: string) => `slicedns_tcp_evicted_connections_total{reason="${reason}"}`

/** IPv4 loopback is one client, IPv6 loopback another. */
const clients = { heavy: '127.0.0.1', light: '::1' } as const

async function answers(client: TcpClient, id = 7): Promise<void> {
  client.write(frame(query('table', id)))
  assert.equal((await client.next()).id, id)
}

/** Whether the server has closed the connection, once it must have seen what was done. */
async function isClosed(client: TcpClient): Promise<boolean> {
  let closed = false
  void client.ended.then(() => {
    closed = true
  })
  await new Promise(setImmediate)
  return closed
}

describe('when the TCP connection table is full', () => {
  test('when the TCP connection table is full, the newcomer is served, and the idlest connection of the client that has most is closed and counted', () =>
    withTransport(
      { udp, limits: { tcpConnections: 4, tcpConnectionsPerClient: 4 } },
      async ({ transport, port, listener, metric }) => {
        await transport.apply([listener(everywhere)])
        const heavy: TcpClient[] = []
        for (let i = 0; i < 3; i++) {
          heavy.push(await tcpClient(clients.heavy, port))
          await answers(heavy[i]!)
        }
        const light = await tcpClient(clients.light, port)
        await answers(light)
        // The first one is used again: the second one is the idlest now.
        await answers(heavy[0]!)
        const newcomer = await tcpClient(clients.light, port)
        await answers(newcomer)
        await heavy[1]!.ended
        for (const client of [light, newcomer, heavy[0]!, heavy[2]!]) await answers(client)
        assert.equal(await metric(evicted('connections')), 1)
        assert.equal(await metric('slicedns_tcp_connections'), 4)
        for (const client of [...heavy, light, newcomer]) client.close()
      },
    ))

  test('a TCP connection whose query is being answered outlives one that is idle', () => {
    const held: (() => void)[] = []
    const onMiss = ({ request }: Miss) =>
      new Promise<Uint8Array>((resolve) => held.push(() => resolve(rcodeReply(request, 0))))
    return withTransport(
      { udp, onMiss, limits: { tcpConnections: 2, tcpConnectionsPerClient: 2 } },
      async ({ transport, port, listener }) => {
        await transport.apply([listener()])
        const busy = await tcpClient('127.0.0.1', port)
        busy.write(frame(query('miss', 5)))
        await until(() => assert.equal(held.length, 1))
        const idle = await tcpClient('127.0.0.1', port)
        await answers(idle)
        const newcomer = await tcpClient('127.0.0.1', port)
        await answers(newcomer)
        await idle.ended
        held[0]!()
        assert.equal((await busy.next()).id, 5)
        for (const client of [busy, idle, newcomer]) client.close()
      },
    )
  })

  test('a client at its own bound of TCP connections replaces its own idlest connection, and nobody else loses one', () =>
    withTransport(
      { udp, limits: { tcpConnections: 8, tcpConnectionsPerClient: 2 } },
      async ({ transport, port, listener, metric }) => {
        await transport.apply([listener(everywhere)])
        const light = await tcpClient(clients.light, port)
        await answers(light)
        const heavy: TcpClient[] = []
        for (let i = 0; i < 5; i++) {
          heavy.push(await tcpClient(clients.heavy, port))
          await answers(heavy[i]!)
        }
        for (const client of heavy.slice(0, 3)) await client.ended
        for (const client of [light, ...heavy.slice(3)]) await answers(client)
        assert.equal(await metric(evicted('connections')), 3)
        for (const client of [light, ...heavy]) client.close()
      },
    ))
})

describe('TCP connections that come faster than the event loop turns', () => {
  test(
    'TCP connections are accepted several in a turn of the event loop',
    { skip: process.platform !== 'linux' && 'needs SO_REUSEPORT' },
    () =>
      withTransport({ udp }, async ({ transport, port, listener, metric }) => {
        await transport.apply([listener()])
        const count = 60
        let turns = 0
        const turn = (): void => {
          turns++
          immediate = setImmediate(turn)
        }
        let immediate = setImmediate(turn)
        const sockets = Array.from({ length: count }, () => connect(port, '127.0.0.1'))
        while ((await metric('slicedns_tcp_connections')) < count) await new Promise(setImmediate)
        clearImmediate(immediate)
        assert.ok(turns < count, `${turns} turns for ${count} connections`)
        for (const socket of sockets) socket.destroy()
      }),
  )
})

describe('incomplete TCP messages', () => {
  test('incomplete TCP messages are bounded over all connections: the client that has most loses one, and it is counted', () =>
    withTransport({ udp, limits: { tcpInputBytes: 16_384 } }, async ({ transport, port, listener, metric }) => {
      await transport.apply([listener(everywhere)])
      const light = await tcpClient(clients.light, port)
      light.write(frame(query('table', 9)).subarray(0, 20))
      const heavy: TcpClient[] = []
      for (let i = 0; i < 10; i++) {
        const client = await tcpClient(clients.heavy, port)
        client.write(frame(new Uint8Array(4_096)).subarray(0, 4_000))
        heavy.push(client)
      }
      // 4,096 octets of memory each: three fit beside the light client's 512.
      await until(async () => assert.equal(await metric(evicted('input')), 7))
      light.write(frame(query('table', 9)).subarray(20))
      assert.equal((await light.next()).id, 9)
      let closed = 0
      for (const client of heavy) if (await isClosed(client)) closed++
      assert.equal(closed, 7)
      for (const client of [light, ...heavy]) client.close()
    }))

  test('TCP requests larger than 4,096 octets get FORMERR when their header is there, are counted, and are never held', () => {
    const requests: number[] = []
    const onMiss = ({ request }: Miss) => {
      requests.push(request.length)
      return rcodeReply(request, 0)
    }
    return withTransport(
      { udp, onMiss, limits: { tcpInputBytes: 100_000 } },
      async ({ transport, port, listener, metric }) => {
        await transport.apply([listener()])
        const large = new Uint8Array(65_535)
        large.set(query('miss', 3))
        const octets = frame(large)
        const all = [await tcpClient('127.0.0.1', port), await tcpClient('127.0.0.1', port)]
        for (const client of all) {
          client.write(octets.subarray(0, 60_000))
          const refused = await client.next()
          assert.deepEqual([refused.id, refused.rcode, refused.octets.length], [3, 1, 12])
        }
        for (const client of all) {
          client.write(octets.subarray(60_000), frame(query('miss', 4)))
          assert.equal((await client.next()).id, 4)
        }
        assert.deepEqual(requests, [query('miss').length, query('miss').length])
        assert.equal(await metric('slicedns_tcp_oversized_requests_total'), 2)
        assert.equal(await metric(evicted('input')), 0)
        for (const client of all) client.close()
      },
    )
  })
})

describe('replies that TCP clients do not read', () => {
  test('unread TCP replies are bounded over all connections: the client that has most loses one, and it is counted', () =>
    withTransport({ udp, limits: { tcpUnsentBytes: 1_000_000 } }, async ({ transport, port, listener, metric }) => {
      await transport.apply([listener(everywhere)])
      const light = await tcpClient(clients.light, port)
      await answers(light)
      const heavy: TcpClient[] = []
      for (let i = 0; i < 30; i++) {
        const client = await tcpClient(clients.heavy, port)
        client.socket.pause()
        client.write(...Array.from({ length: 200 }, () => frame(query('big-65535'))))
        heavy.push(client)
      }
      await until(async () => assert.ok((await metric(evicted('output'))) > 0))
      await answers(light)
      for (const client of [light, ...heavy]) client.close()
    }))

  test('many TCP connections of one client keep others waiting no longer than a single one does', () => {
    // Time passes with each look at the clock: a slice is over after a few answers, whatever the machine does.
    let looked = 0
    const clock: Clock = { ...systemClock, now: () => systemClock.now() + ++looked / 10 }
    const asked: number[] = []
    const onMiss = ({ request }: Miss) => {
      asked.push(request[1]!)
      return rcodeReply(request, 0)
    }
    return withTransport({ udp, clock, onMiss, limits: patient }, async ({ transport, port, listener }) => {
      await transport.apply([listener(everywhere)])
      const heavy = await Promise.all(Array.from({ length: 50 }, () => tcpClient(clients.heavy, port)))
      const light = await tcpClient(clients.light, port)
      for (const client of [...heavy, light]) await answers(client)
      for (const client of heavy) client.write(...Array.from({ length: 60 }, () => frame(query('miss', 1))))
      light.write(frame(query('miss', 2)))
      assert.equal((await light.next()).id, 2)
      assert.ok(asked.indexOf(2) < 1_500, `the other client's query came after ${asked.indexOf(2)} of 3,000`)
      for (const client of [...heavy, light]) client.close()
    })
  })

  test('a TCP connection that asks much keeps no other one waiting: each has its turn after a few answers', () => {
    // Time passes with each look at the clock: a slice is over after a few answers, whatever the machine does.
    let looked = 0
    const clock: Clock = { ...systemClock, now: () => systemClock.now() + ++looked / 10 }
    const asked: number[] = []
    const onMiss = ({ request }: Miss) => {
      asked.push((request[0]! << 8) | request[1]!)
      return rcodeReply(request, 0)
    }
    return withTransport({ udp, clock, onMiss, limits: patient }, async ({ transport, port, listener }) => {
      await transport.apply([listener()])
      const greedy = await tcpClient('127.0.0.1', port)
      const modest = await tcpClient('127.0.0.1', port)
      for (const client of [greedy, modest]) await answers(client)
      greedy.write(...Array.from({ length: 2_000 }, () => frame(query('miss', 1))))
      modest.write(frame(query('miss', 2)))
      assert.equal((await modest.next()).id, 2)
      assert.ok(asked.indexOf(2) < 1_000, `the other query came after ${asked.indexOf(2)} others`)
      for (let i = 0; i < 2_000; i++) assert.equal((await greedy.next()).id, 1)
      for (const client of [greedy, modest]) client.close()
    })
  })
})

describe('queries that wait for the plugin chain', () => {
  /** A chain that never answers on its own. */
  function silent() {
    const misses: { miss: Miss; answer: () => void }[] = []
    const onMiss = (miss: Miss) =>
      new Promise<Uint8Array>((resolve) => misses.push({ miss, answer: () => resolve(rcodeReply(miss.request, 0)) }))
    return { misses, onMiss }
  }

  /** `label` asked in so many octets. */
  function padded(label: string, id: number, octets: number): Uint8Array {
    const request = new Uint8Array(octets)
    request.set(query(label, id))
    return request
  }

  for (const protocol of ['tcp', 'udp'] as const)
    test(`queries that wait for the chain over ${protocol} are bounded in octets; what is more gets SERVFAIL and is counted`, () => {
      const { misses, onMiss } = silent()
      const ask = async (port: number, requests: readonly Uint8Array[]) => {
        const client = protocol === 'tcp' ? await tcpClient('127.0.0.1', port) : await udpClient('127.0.0.1', port)
        for (const request of requests) {
          if ('write' in client) client.write(frame(request))
          else client.send(request)
        }
        return client
      }
      return withTransport(
        { udp, onMiss, limits: { waitingBytes: 100_000 } },
        async ({ transport, port, listener, metric }: Bench) => {
          await transport.apply([listener()])
          // Each costs 4 × 4,000 + 1,024 octets; a single client gets the half that nobody else wants.
          const client = await ask(
            port,
            [1, 2, 3, 4].map((id) => padded('miss', id, 4_000)),
          )
          for (const id of [3, 4]) {
            const refused = await client.next()
            assert.deepEqual([refused.id, refused.rcode], [id, 2])
          }
          assert.equal(await metric('slicedns_waiting_queries_refused_total'), 2)
          for (const { answer } of misses) answer()
          for (const id of [1, 2]) assert.deepEqual((await client.next()).id, id)
          // What they held is free again.
          if ('write' in client) client.write(frame(padded('miss', 5, 4_000)))
          else client.send(padded('miss', 5, 4_000))
          await until(() => assert.equal(misses.length, 3))
          for (const { answer } of misses) answer()
          client.close()
        },
      )
    })

  test('queries that wait for the chain leave a share to other clients', () => {
    const { misses, onMiss } = silent()
    return withTransport({ udp, onMiss, limits: { waitingBytes: 100_000 } }, async ({ transport, port, listener }) => {
      await transport.apply([listener(everywhere)])
      const heavy = await tcpClient(clients.heavy, port)
      heavy.write(...Array.from({ length: 60 }, (_, id) => frame(padded('miss', id, 1_000))))
      await heavy.next()
      const light = await tcpClient(clients.light, port)
      const before = misses.length
      light.write(frame(query('miss', 9)))
      await until(() => assert.equal(misses.length, before + 1))
      for (const { answer } of misses) answer()
      for (const client of [heavy, light]) client.close()
    })
  })

  test('queries that wait for the chain learn by their signal that their client has gone, and not that it has only ended its side', () => {
    const { misses, onMiss } = silent()
    return withTransport({ udp, onMiss }, async ({ transport, port, listener }) => {
      await transport.apply([listener()])
      const leaving = await tcpClient('127.0.0.1', port)
      const ending = await tcpClient('127.0.0.1', port)
      leaving.write(frame(query('miss', 1)), frame(query('miss', 2)))
      ending.write(frame(query('miss', 3)))
      ending.socket.end()
      await until(() => assert.equal(misses.length, 3))
      const aborted = () => misses.map(({ miss }) => [miss.request[1], miss.signal?.aborted] as const)
      assert.ok(aborted().every(([, gone]) => gone === false))
      leaving.socket.resetAndDestroy()
      await until(() =>
        assert.deepEqual(
          new Map(aborted()),
          new Map([
            [1, true],
            [2, true],
            [3, false],
          ]),
        ),
      )
      for (const { answer } of misses) answer()
      assert.equal((await ending.next()).id, 3)
      ending.close()
    })
  })
})
