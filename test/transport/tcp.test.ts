import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Miss } from '../../src/server/ingress.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { frame, query, rcodeReply, tcpClient, withTransport } from './support.ts'

/** TCP is the same with either UDP path; this one starts faster. */
const udp = 'dgram'

/** A chain whose answers the test gives, in the order it likes. */
function heldMisses() {
  const held: { readonly miss: Miss; readonly answer: () => void }[] = []
  const changed: (() => void)[] = []
  return {
    held,
    onMiss: (miss: Miss) =>
      new Promise<Uint8Array>((resolve) => {
        held.push({ miss, answer: () => resolve(rcodeReply(miss.request, 0)) })
        for (const wake of changed.splice(0)) wake()
      }),
    async until(count: number) {
      while (held.length < count) await new Promise<void>((resolve) => changed.push(resolve))
    },
  }
}

describe('TCP', () => {
  test('a query is answered wherever its octets are cut', () =>
    withTransport({ udp }, async ({ transport, port, listener }) => {
      await transport.apply([listener({ space: 3 })])
      const octets = frame(query('table', 5))
      const client = await tcpClient('127.0.0.1', port)
      for (let cut = 0; cut <= octets.length; cut++) {
        client.write(octets.subarray(0, cut))
        await new Promise(setImmediate)
        client.write(octets.subarray(cut))
        const reply = await client.next()
        assert.deepEqual([reply.id, reply.space], [5, 3], `cut at ${cut}`)
      }
      client.close()
    }))

  test('TCP serves both families on a wildcard listener, and the chain learns who asked whom', () => {
    const misses: Miss[] = []
    const onMiss = (miss: Miss) => {
      misses.push(miss)
      return rcodeReply(miss.request, 3)
    }
    return withTransport({ udp, onMiss }, async ({ transport, port, listener }) => {
      await transport.apply([listener({ address: '' })])
      for (const address of ['127.0.0.2', '::1']) {
        const client = await tcpClient(address, port)
        client.write(frame(query('miss')))
        assert.equal((await client.next()).rcode, 3)
        client.close()
      }
      assert.deepEqual(
        misses.map((miss) => [miss.transport, miss.client.address, miss.local]),
        [
          ['tcp', '127.0.0.1', { address: '127.0.0.2', port }],
          ['tcp', '::1', { address: '::1', port }],
        ],
      )
    })
  })

  test('many queries in one segment are all answered', () =>
    withTransport({ udp }, async ({ transport, port, listener }) => {
      await transport.apply([listener()])
      const client = await tcpClient('127.0.0.1', port)
      client.write(...Array.from({ length: 3000 }, (_, id) => frame(query('table', id))))
      for (let id = 0; id < 3000; id++) assert.equal((await client.next()).id, id)
      client.close()
    }))

  test('a query that the chain is slow with does not hold up the ones behind it (RFC 7766 §6.2.1.1)', () => {
    const { held, onMiss, until } = heldMisses()
    return withTransport({ udp, onMiss }, async ({ transport, port, listener }) => {
      await transport.apply([listener()])
      const client = await tcpClient('127.0.0.1', port)
      client.write(frame(query('miss', 1)), frame(query('miss', 2)), frame(query('table', 3)))
      assert.equal((await client.next()).id, 3)
      await until(2)
      held[1]!.answer()
      assert.equal((await client.next()).id, 2)
      held[0]!.answer()
      assert.equal((await client.next()).id, 1)
      client.close()
    })
  })

  test('a connection whose queries fill the bound is not read further until one is answered', () => {
    const { held, onMiss, until } = heldMisses()
    return withTransport({ udp, onMiss, limits: { tcpPending: 2 } }, async ({ transport, port, listener }) => {
      await transport.apply([listener()])
      const client = await tcpClient('127.0.0.1', port)
      client.write(...[1, 2, 3, 4].map((id) => frame(query('miss', id))))
      await until(2)
      const other = await tcpClient('127.0.0.1', port)
      other.write(frame(query('table')))
      await other.next()
      assert.equal(held.length, 2)
      held[0]!.answer()
      assert.equal((await client.next()).id, 1)
      await until(3)
      assert.equal(held.length, 3)
      for (let i = 1; i < 4; i++) {
        await until(i + 1)
        held[i]!.answer()
        assert.equal((await client.next()).id, i + 1)
      }
      client.close()
      other.close()
    })
  })

  for (const when of ['at once', 'later'] as const) {
    test(`queries that release their slot ${when} leave it to those behind them`, () => {
      const { held, onMiss, until } = heldMisses()
      const releaseSlot = (miss: Miss) => {
        if (when === 'at once') miss.releaseSlot!()
        return onMiss(miss)
      }
      return withTransport(
        { udp, onMiss: releaseSlot, limits: { tcpPending: 2 } },
        async ({ transport, port, listener }) => {
          await transport.apply([listener()])
          const client = await tcpClient('127.0.0.1', port)
          client.write(...[1, 2, 3, 4].map((id) => frame(query('miss', id))))
          if (when === 'later') {
            await until(2)
            for (const { miss } of held) miss.releaseSlot!()
          }
          await until(4)
          client.socket.end()
          // Every one of them is answered, the client's end notwithstanding.
          for (let i = 0; i < 4; i++) {
            held[i]!.answer()
            assert.equal((await client.next()).id, i + 1)
          }
          client.close()
        },
      )
    })
  }

  test('a frame of fewer than 12 octets gets no reply, and the connection stays', () =>
    withTransport({ udp }, async ({ transport, port, listener }) => {
      await transport.apply([listener()])
      const client = await tcpClient('127.0.0.1', port)
      for (let length = 0; length < 12; length++) client.write(frame(new Uint8Array(length)))
      client.write(frame(query('table', 8)))
      assert.equal((await client.next()).id, 8)
      client.close()
    }))

  test('the largest request and the largest reply pass', () => {
    const lengths: number[] = []
    const onMiss = ({ request }: Miss) => {
      lengths.push(request.length)
      return new Uint8Array(65535).fill(0x80)
    }
    return withTransport({ udp, onMiss }, async ({ transport, port, listener }) => {
      await transport.apply([listener()])
      const client = await tcpClient('127.0.0.1', port)
      const largest = new Uint8Array(4096)
      largest.set(query('miss'))
      client.write(frame(largest))
      assert.equal((await client.next()).octets.length, 65535)
      assert.deepEqual(lengths, [4096])
      client.write(frame(query('big-65535')))
      assert.equal((await client.next()).octets.length, 65535)
      client.close()
    })
  })

  test('a client that has ended its side still gets its replies, then the end', () => {
    const { held, onMiss, until } = heldMisses()
    return withTransport({ udp, onMiss }, async ({ transport, port, listener }) => {
      await transport.apply([listener()])
      const client = await tcpClient('127.0.0.1', port)
      client.write(frame(query('miss', 4)))
      client.socket.end()
      await until(1)
      held[0]!.answer()
      assert.equal((await client.next()).id, 4)
      await client.ended
    })
  })

  test('every question that a TCP client asked before it ended its side is answered, even what had to wait', () => {
    const { held, onMiss, until } = heldMisses()
    return withTransport({ udp, onMiss, limits: { tcpPending: 1 } }, async ({ transport, port, listener }) => {
      await transport.apply([listener()])
      const client = await tcpClient('127.0.0.1', port)
      client.socket.end(Buffer.concat([1, 2, 3].map((id) => frame(query('miss', id)))))
      for (let id = 1; id <= 3; id++) {
        await until(id)
        held[id - 1]!.answer()
        assert.equal((await client.next()).id, id)
      }
      await client.ended
    })
  })

  describe('TCP connections that are ended', () => {
    const cases = [
      { name: 'whose first message has not begun for nearly 3 seconds', first: [] as Uint8Array[], after: 3000 },
      {
        name: 'whose first message is not whole in 3 seconds',
        first: [frame(query('table')).subarray(0, 9)],
        after: 3000,
      },
      { name: 'that asks nothing more for 10 seconds', first: [frame(query('table'))], after: 10_000 },
      {
        name: 'whose next message is not whole in 10 seconds',
        first: [frame(query('table')), Uint8Array.of(0, 40)],
        after: 10_000,
      },
    ]
    for (const { name, first, after } of cases) {
      test(`TCP ends a connection ${name}`, () => {
        const clock = createFakeClock()
        return withTransport({ udp, clock }, async ({ transport, port, listener, metric }) => {
          await transport.apply([listener()])
          const client = await tcpClient('127.0.0.1', port)
          for (const octets of first) client.write(octets)
          if (first[0] !== undefined && first[0].length > 20) await client.next()
          while ((await metric('slicedns_tcp_connections')) !== 1);
          clock.advance(after - 250)
          client.write(Uint8Array.of(0))
          await new Promise(setImmediate)
          assert.equal(await metric('slicedns_tcp_connections'), 1)
          clock.advance(500)
          await client.ended
          client.close()
        })
      })
    }

    test('a time in which the process did not run does not count: what has come meanwhile is read first', () => {
      const clock = createFakeClock()
      return withTransport({ udp, clock }, async ({ transport, port, listener, metric }) => {
        await transport.apply([listener()])
        const client = await tcpClient('127.0.0.1', port)
        while ((await metric('slicedns_tcp_connections')) !== 1);
        clock.stall(60_000)
        client.write(frame(query('table', 7)))
        assert.equal((await client.next()).id, 7)
        client.close()
      })
    })

    test('a connection stays while messages that have come whole wait for their turn', () => {
      // Each message uses up its turn.
      const clock = createFakeClock({ step: 1 })
      return withTransport({ udp, clock }, async ({ transport, port, listener }) => {
        await transport.apply([listener()])
        const client = await tcpClient('127.0.0.1', port)
        client.write(...Array.from({ length: 200 }, (_, id) => frame(query('table', id))))
        assert.equal((await client.next()).id, 0)
        clock.advance(60_000)
        for (let id = 1; id < 200; id++) assert.equal((await client.next()).id, id)
        client.close()
      })
    })

    test('after as many queries as it may ask', () =>
      withTransport({ udp, limits: { tcpQueries: 2 } }, async ({ transport, port, listener }) => {
        await transport.apply([listener()])
        const client = await tcpClient('127.0.0.1', port)
        client.write(...[1, 2, 3].map((id) => frame(query('table', id))))
        assert.deepEqual([(await client.next()).id, (await client.next()).id], [1, 2])
        await client.ended
        client.close()
      }))

    test('TCP ends a connection that does not take its replies', () => {
      const clock = createFakeClock()
      return withTransport({ udp, clock }, async ({ transport, port, listener, metric }) => {
        await transport.apply([listener()])
        const client = await tcpClient('127.0.0.1', port)
        client.socket.pause()
        while ((await metric('slicedns_tcp_connections')) === 0) await new Promise(setImmediate)
        client.write(...Array.from({ length: 1000 }, () => frame(query('big-65535'))))
        do {
          clock.advance(250)
          await new Promise(setImmediate)
        } while ((await metric('slicedns_tcp_connections')) > 0)
        client.close()
      })
    })
  })

  test("the listener's own write timeout bounds how long a client may take nothing of its replies", () => {
    const clock = createFakeClock()
    return withTransport({ udp, clock }, async ({ transport, port, listener, metric }) => {
      await transport.apply([listener({ timeouts: { write: 60_000, idle: 600_000 } })])
      const client = await tcpClient('127.0.0.1', port)
      client.socket.pause()
      while ((await metric('slicedns_tcp_connections')) === 0) await new Promise(setImmediate)
      client.write(...Array.from({ length: 1000 }, () => frame(query('big-65535'))))
      let waited = 0
      do {
        clock.advance(250)
        waited += 250
        await new Promise(setImmediate)
      } while ((await metric('slicedns_tcp_connections')) > 0)
      assert.ok(waited > 60_000, `it was disconnected after ${waited} ms`)
      client.close()
    })
  })

  test("the listener's own timeouts come before the defaults", () => {
    const clock = createFakeClock()
    return withTransport({ udp, clock }, async ({ transport, port, listener }) => {
      await transport.apply([listener({ timeouts: { read: 60_000, idle: 90_000, queries: 2 } })])
      const client = await tcpClient('127.0.0.1', port)
      clock.advance(59_000)
      client.write(frame(query('table', 1)))
      assert.equal((await client.next()).id, 1)
      clock.advance(89_000)
      client.write(frame(query('table', 2)))
      assert.equal((await client.next()).id, 2)
      await client.ended
      client.close()
    })
  })

  test('a reload leaves the connections of a listener that stays, and they see its new space', () =>
    withTransport({ udp }, async ({ transport, port, listener }) => {
      await transport.apply([listener({ space: 1 })])
      const client = await tcpClient('127.0.0.1', port)
      client.write(frame(query('table')))
      assert.equal((await client.next()).space, 1)
      await transport.apply([listener({ space: 2 })])
      client.write(frame(query('table')))
      assert.equal((await client.next()).space, 2)
      client.close()
    }))

  test('connections of a removed listener get what they have asked, then the end', () => {
    const { held, onMiss, until } = heldMisses()
    return withTransport({ udp, onMiss }, async ({ transport, port, listener }) => {
      await transport.apply([listener()])
      const client = await tcpClient('127.0.0.1', port)
      client.write(frame(query('miss', 6)))
      await until(1)
      await transport.apply([])
      const refused = connect(port, '127.0.0.1')
      const [error] = await once(refused, 'error')
      assert.equal((error as NodeJS.ErrnoException).code, 'ECONNREFUSED')
      held[0]!.answer()
      assert.equal((await client.next()).id, 6)
      await client.ended
      client.close()
    })
  })

  test('TCP thousands of malformed streams leave the service as it was', () =>
    withTransport({ udp }, async ({ transport, port, listener, metric }) => {
      await transport.apply([listener()])
      const streams = fc.sample(
        fc.oneof(
          fc.uint8Array({ maxLength: 80 }),
          fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 }).map((all) => Buffer.concat(all.map(frame))),
          fc
            .tuple(fc.nat(40), fc.uint8Array({ maxLength: 8 }))
            .map(([cut, noise]) => Buffer.concat([frame(query('table')).subarray(0, cut), noise])),
        ),
        3000,
      )
      for (let i = 0; i < streams.length; i += 50) {
        await Promise.all(streams.slice(i, i + 50).map((octets, k) => abuse(port, octets, k % 3 > 0)))
      }
      const client = await tcpClient('127.0.0.1', port)
      client.write(frame(query('table', 77)))
      assert.equal((await client.next()).id, 77)
      client.close()
      while ((await metric('slicedns_tcp_connections')) > 0) await new Promise(setImmediate)
    }))
})

/** Sends the octets and leaves, by the front door or through the window. */
async function abuse(port: number, octets: Uint8Array, reset: boolean): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.resume()
  await once(socket, 'connect')
  const closed = once(socket, 'close')
  if (reset) socket.write(octets, () => socket.resetAndDestroy())
  else socket.end(octets)
  await closed
}
