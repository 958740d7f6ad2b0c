/** Replies of many messages: zone transfers, as the connection sees them. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, test } from 'node:test'
import type { Miss } from '../../src/server/ingress.ts'
import { until } from '../support/until.ts'
import { frame, query, rcodeReply, tcpClient, withTransport } from './support.ts'

const udp = 'dgram'
const messageOctets = 60_000

/** A chain whose replies have many messages; it notes how many were made, and which were given up. */
function zone(messages: number, breakAt = Number.POSITIVE_INFINITY) {
  const seen = { made: 0, givenUp: 0, finished: 0 }
  function onMiss(miss: Miss): Uint8Array {
    let made = 0
    miss.follow?.({
      next() {
        if (made === breakAt) throw new Error('the zone is broken')
        if (made === messages) {
          seen.finished++
          return { done: true, value: undefined }
        }
        made++
        seen.made++
        return { done: false, value: large(miss.request, made) }
      },
      return() {
        seen.givenUp++
        return { done: true, value: undefined }
      },
    })
    return rcodeReply(miss.request, 0)
  }
  return { seen, onMiss }
}

/** A reply of many octets whose number is in its last two. */
function large(request: Uint8Array, number: number): Uint8Array {
  const octets = new Uint8Array(messageOctets)
  octets.set(rcodeReply(request, 0))
  octets.set([number >> 8, number & 0xff], messageOctets - 2)
  return octets
}

const numberOf = (octets: Uint8Array): number =>
  octets.length < messageOctets ? 0 : (octets.at(-2)! << 8) | octets.at(-1)!

describe('a reply of many messages', () => {
  test('a reply of many messages comes whole and in order', () => {
    const { onMiss, seen } = zone(50)
    return withTransport({ udp, onMiss }, async ({ transport, port, listener }) => {
      await transport.apply([listener()])
      const client = await tcpClient('127.0.0.1', port)
      client.write(frame(query('miss', 7)))
      for (let number = 0; number <= 50; number++) {
        const reply = await client.next()
        assert.deepEqual([reply.id, numberOf(reply.octets)], [7, number])
      }
      client.write(frame(query('table', 8)))
      assert.equal((await client.next()).id, 8, 'the connection goes on')
      assert.deepEqual(seen, { made: 50, givenUp: 0, finished: 1 })
      client.close()
    })
  })

  test('a reply of many messages is whole before what is asked behind it is answered', () => {
    const { onMiss, seen } = zone(100)
    return withTransport({ udp, onMiss }, async ({ transport, port, listener }) => {
      await transport.apply([listener()])
      const client = await tcpClient('127.0.0.1', port)
      client.write(frame(query('miss', 1)), frame(query('table', 2)), frame(query('miss', 4)), frame(query('table', 5)))
      const order: number[] = []
      while (order.length < 204) order.push((await client.next()).id)
      assert.deepEqual(order, [...Array(101).fill(1), 2, ...Array(101).fill(4), 5])
      assert.equal(seen.finished, 2)
      client.close()
    })
  })

  test('a reply of many messages does not hold up other connections', () => {
    const { onMiss, seen } = zone(60_000)
    return withTransport({ udp, onMiss }, async ({ transport, port, listener }) => {
      await transport.apply([listener()])
      const lazy = connect(port, '127.0.0.1')
      await once(lazy, 'connect')
      lazy.pause()
      lazy.write(frame(query('miss')))
      await until(() => assert.ok(seen.made > 0))
      const other = await tcpClient('127.0.0.1', port)
      other.write(frame(query('table', 3)), frame(query('miss', 4)))
      assert.deepEqual([(await other.next()).id, (await other.next()).id, seen.finished], [3, 4, 0])
      lazy.destroy()
      other.close()
    })
  })

  test('a reply that was asked for before a transfer and comes while it is sent goes out behind it', () => {
    const { onMiss, seen } = zone(100)
    const slow: { answer?: () => void } = {}
    const answer = (miss: Miss) =>
      miss.request[1] === 9
        ? new Promise<Uint8Array>((resolve) => {
            slow.answer = () => resolve(rcodeReply(miss.request, 0))
          })
        : onMiss(miss)
    return withTransport({ udp, onMiss: answer }, async ({ transport, port, listener }) => {
      await transport.apply([listener()])
      const client = await tcpClient('127.0.0.1', port)
      client.write(frame(query('miss', 9)), frame(query('miss', 1)))
      await client.next()
      slow.answer!()
      const order: number[] = [1]
      while (order.length < 102) order.push((await client.next()).id)
      assert.deepEqual(order, [...Array(101).fill(1), 9])
      await until(() => assert.equal(seen.finished, 1))
      client.close()
    })
  })

  // node:dgram is used where there are no native calls: there the kernel decides how much it takes for the client.
  for (const { path, most } of [
    { path: 'dgram', most: 1_000 },
    { path: 'auto', most: 20 },
  ] as const)
    test(`a reply of many messages is made as the client takes it, and no faster (${path})`, () => {
      const { onMiss, seen } = zone(2_000)
      return withTransport({ udp: path, onMiss }, async ({ transport, port, listener }) => {
        await transport.apply([listener()])
        const lazy = connect(port, '127.0.0.1')
        await once(lazy, 'connect')
        lazy.pause()
        lazy.write(frame(query('miss')))
        let before = -1
        // The kernel's buffers take some; then nothing more is made.
        await until(
          () => {
            const now = seen.made
            const stands = now > 0 && now === before
            before = now
            assert.ok(stands, 'it is still being made')
          },
          { every: 100 },
        )
        assert.ok(seen.made < most, `${seen.made} messages were made for a client that reads none`)
        lazy.resume()
        await until(() => assert.equal(seen.finished, 1))
        lazy.destroy()
      })
    })

  test('a reply of many messages ends with its client', () => {
    const { onMiss, seen } = zone(60_000)
    return withTransport({ udp, onMiss }, async ({ transport, port, listener }) => {
      await transport.apply([listener()])
      const client = await tcpClient('127.0.0.1', port)
      client.write(frame(query('miss')))
      await client.next()
      client.close()
      await until(() => assert.equal(seen.givenUp, 1))
    })
  })

  test('a reply of many messages that breaks off ends the connection: half of it must not look whole', () => {
    const { onMiss } = zone(50, 3)
    return withTransport({ udp, onMiss }, async ({ transport, port, listener, log }) => {
      await transport.apply([listener()])
      const client = await tcpClient('127.0.0.1', port)
      client.write(frame(query('miss')))
      await client.ended
      assert.match(log.join('\n'), /A reply of several messages failed.*the zone is broken/)
    })
  })

  test('a reply of many messages is refused with SERVFAIL when too many are under way', () => {
    const { onMiss, seen } = zone(60_000)
    return withTransport({ udp, onMiss, limits: { tcpStreams: 1 } }, async ({ transport, port, listener }) => {
      await transport.apply([listener()])
      const first = await tcpClient('127.0.0.1', port)
      first.write(frame(query('miss')))
      await first.next()
      const second = await tcpClient('127.0.0.1', port)
      second.write(frame(query('miss', 9)))
      const refused = await second.next()
      assert.deepEqual([refused.id, refused.rcode, seen.givenUp], [9, 2, 1])
      first.close()
      await until(async () => {
        second.write(frame(query('miss', 10)))
        assert.equal((await second.next()).rcode, 0, 'there is room again')
      })
      second.close()
    })
  })
})
