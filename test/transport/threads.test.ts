import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { describe, test } from 'node:test'
import { loadLibc } from '../../src/libc/libc.ts'
import type { Miss } from '../../src/server/ingress.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { until } from '../support/until.ts'
import { askUdp, query, rcodeReply, udpClient, withTransport } from './support.ts'
import { createResponder } from './waiting-responder.ts'

const tenMinutes = 10 * 60_000

const skip = (() => {
  try {
    loadLibc()
    return false
  } catch (error) {
    return String(error)
  }
})()

describe('UDP threads', { skip }, () => {
  test('a reply on a wildcard listener comes from the address that was asked, whoever gives it', () => {
    const asked: string[] = []
    const onMiss = ({ request, local }: Miss) => {
      asked.push(local.address)
      return asked.length === 1 ? rcodeReply(request, 0) : Promise.resolve(rcodeReply(request, 0))
    }
    return withTransport({ onMiss }, async ({ transport, port, listener }) => {
      await transport.apply([listener({ address: '' })])
      for (const address of ['127.0.0.2', '127.3.4.5', '127.0.0.1', '::1']) {
        assert.equal((await askUdp(address, port, 'table')).space, 1)
      }
      for (const address of ['127.0.0.2', '127.3.4.5', '::1']) await askUdp(address, port, 'miss')
      assert.deepEqual(asked, ['127.0.0.2', '127.3.4.5', '::1'])
    })
  })

  const isRoot = process.getuid?.() === 0
  test('a datagram from port 0 is dropped, and those beside it in the batch are answered', { skip: !isRoot }, () =>
    withTransport({}, async ({ transport, port, listener, metric, hold }) => {
      await transport.apply([listener()])
      const client = await udpClient('127.0.0.1', port)
      const forge = openForger(port)
      const gate = hold()
      client.send(query('hold', 0))
      for (let id = 1; id < 20; id++) {
        client.send(query('table', id))
        forge.send(query('table', 60_000))
        forge.send(query('miss', 60_001))
      }
      forge.close()
      gate.release()
      for (let id = 0; id < 20; id++) assert.equal((await client.next()).id, id)
      assert.equal(await metric('slicedns_udp_send_drops_total'), 0)
      client.close()
    }),
  )

  test('a query that comes while the first thread starts waits for it, and is not refused', () => {
    const responder = { module: new URL('./waiting-responder.ts', import.meta.url).href, create: createResponder }
    return withTransport({ responder }, async ({ transport, port, listener, hold }) => {
      const gate = hold()
      const applied = transport.apply([listener()])
      try {
        await until(() => kernelSocket(port))
        const client = await udpClient('127.0.0.1', port)
        const reply = client.ask('table')
        await until(() => assert.notEqual(kernelSocket(port).queued, 0))
        gate.release()
        assert.equal((await reply).space, 1)
        client.close()
      } finally {
        gate.release()
        await applied
      }
    })
  })

  test('a thread that dies is replaced on the same socket, and no query is lost', () =>
    withTransport({ threadDiesAfter: [10] }, async ({ transport, port, listener, log, metric, readers }) => {
      await transport.apply([listener()])
      const client = await udpClient('127.0.0.1', port)
      for (let id = 0; id < 100; id++) client.send(query('table', id))
      for (let id = 0; id < 100; id++) assert.equal((await client.next()).id, id)
      assert.match(
        log.find((line) => line.startsWith('error'))!,
        /UDP thread 0 died; a new thread takes over its sockets.*injected fault/,
      )
      assert.equal(await metric('slicedns_udp_thread_restarts_total'), 1)
      assert.equal(readers(), 1)
      client.close()
    }))

  test('going from 4 shards to 1 and back under load loses no query', () =>
    withTransport({}, async ({ transport, port, listener }) => {
      await transport.apply([listener({ shards: 4 })])
      const slots = new Set<number>()
      let answered = 0
      let asking = true
      const clients = Array.from({ length: 32 }, async () => {
        const client = await udpClient('127.0.0.1', port)
        // Several at a time, so that there is something in the queues.
        for (let id = 0; id < 8; id++) client.send(query('table', id))
        for (let id = 0; asking; id++) {
          client.send(query('table', id & 0xffff))
          slots.add((await client.next()).slot!)
          answered++
        }
        for (let id = 0; id < 8; id++) await client.next()
        client.close()
      })
      const more = async () => {
        const enough = answered + 2000
        while (answered < enough) await new Promise(setImmediate)
      }
      for (const shards of [1, 4, 2, 4, 1]) {
        await more()
        await transport.apply([listener({ shards })])
      }
      await more()
      asking = false
      // A lost query would keep its client waiting for ever.
      await Promise.all(clients)
      assert.ok(slots.size >= 4, `answers came from ${slots.size} threads`)
      assert.equal((await askUdp('127.0.0.1', port, 'table')).space, 1)
    }))

  test('UDP threads that are not needed rest, serve again, and end when nobody has needed them for ten minutes', () => {
    const clock = createFakeClock()
    return withTransport({ clock }, async ({ transport, port, listener, readers }) => {
      await transport.apply([listener({ shards: 2 })])
      for (const shards of [1, 2, 1, 2, 1, 2]) {
        await transport.apply([listener({ shards })])
        assert.equal(readers(), 2)
      }
      // Which thread answers is the kernel's choice by the client's port.
      const slots = new Set<number>()
      while (slots.size < 2) slots.add((await askUdp('127.0.0.1', port, 'table')).slot!)
      assert.deepEqual([...slots].sort(), [0, 1])
      clock.advance(tenMinutes)
      await transport.apply([listener({ shards: 1 })])
      clock.advance(tenMinutes - 1)
      assert.equal(readers(), 2)
      clock.advance(1)
      await until(() => assert.equal(readers(), 1))
      assert.equal((await askUdp('127.0.0.1', port, 'table')).slot, 0)
      await transport.apply([listener({ shards: 2 })])
      slots.clear()
      while (slots.size < 2) slots.add((await askUdp('127.0.0.1', port, 'table')).slot!)
      assert.deepEqual([...slots].sort(), [0, 2])
    })
  })

  test('queries that wait for their turn while a reload replaces their configuration are answered by the new one', () => {
    const spaces: number[] = []
    const onMiss = ({ request, listener }: Miss) => {
      spaces.push(listener.space)
      return rcodeReply(request, 0)
    }
    return withTransport({ onMiss }, async ({ transport, port, listener }) => {
      await transport.apply([listener({ space: 1 })])
      const clients = await Promise.all(Array.from({ length: 6 }, () => udpClient('127.0.0.1', port)))
      for (const client of clients) for (let id = 0; id < 100; id++) client.send(query('miss', id))
      // The main thread is kept busy until all are in the ring: so many that it takes them out and asks them in turns.
      while (kernelSocket(port).queued > 0);
      const taken = 128
      while (spaces.length <= taken) await new Promise(setImmediate)
      await transport.apply([listener({ space: 2 })])
      const asked = spaces.length
      assert.ok(asked < 600)
      for (const client of clients) {
        for (let i = 0; i < 100; i++) assert.equal((await client.next()).rcode, 0)
        client.close()
      }
      assert.deepEqual(new Set(spaces.slice(asked)), new Set([2]))
    })
  })

  test('UDP threads misses that find the ring full are answered SERVFAIL by the thread, and counted', () => {
    const onMiss = ({ request }: Miss) => rcodeReply(request, 0)
    return withTransport({ onMiss, limits: { missRingBytes: 4096 } }, async ({ transport, port, listener, metric }) => {
      await transport.apply([listener()])
      const client = await udpClient('127.0.0.1', port)
      for (let id = 0; id < 100; id++) client.send(query('miss', id))
      // Main is kept busy until the thread has read them all: it cannot take any out of the ring.
      while (kernelSocket(port).queued > 0);
      const rcodes = new Map<number, number>()
      for (let i = 0; i < 100; i++) {
        const { rcode } = await client.next()
        rcodes.set(rcode, (rcodes.get(rcode) ?? 0) + 1)
      }
      const refused = rcodes.get(2) ?? 0
      assert.ok(refused > 0 && rcodes.get(0)! > 0)
      assert.equal(await metric('slicedns_miss_queue_overflow_total'), refused)
      client.close()
    })
  })

  test('a UDP thread that is far behind answers what the table has, and outside names with SERVFAIL', () => {
    const onMiss = ({ request }: Miss) => rcodeReply(request, 0)
    return withTransport({ onMiss }, async ({ transport, port, listener, metric, hold }) => {
      await transport.apply([listener()])
      const client = await udpClient('127.0.0.1', port)
      const gate = hold()
      client.send(query('hold', 0))
      // Every fourth is for a name of the table; when the kernel drops some the queue is full.
      while (kernelSocket(port).drops === 0)
        for (let id = 0; id < 64; id++) client.send(query(id % 4 === 0 ? 'table' : 'outside', id))
      gate.release()
      await until(async () => assert.ok((await metric('slicedns_udp_shed_total')) > 0))
      assert.equal(await metric('slicedns_miss_queue_overflow_total'), 0)
      // More replies than the client's own buffer holds: it sees some of them.
      const seen = new Set<string>()
      while (!seen.has('table 0') || !seen.has('outside 2')) {
        const { id, rcode } = await client.next()
        seen.add(`${id % 4 === 0 ? 'table' : 'outside'} ${rcode}`)
      }
      assert.ok(!seen.has('table 2'))
      // The queue is empty again when this one comes.
      await until(() => assert.equal(kernelSocket(port).queued, 0))
      assert.equal((await askUdp('127.0.0.1', port, 'outside')).rcode, 0)
      client.close()
    })
  })

  test('UDP threads datagrams that the kernel dropped because the queue was full are counted', () =>
    withTransport({}, async ({ transport, port, listener, metric, hold }) => {
      await transport.apply([listener()])
      const client = await udpClient('127.0.0.1', port)
      const gate = hold()
      client.send(query('hold'))
      const datagram = new Uint8Array(4096)
      while (kernelSocket(port).drops < 10) for (let i = 0; i < 100; i++) client.send(datagram)
      gate.release()
      assert.equal(await metric('slicedns_udp_receive_queue_drops_total'), kernelSocket(port).drops)
      client.close()
    }))
})

/** What the kernel says of the UDP socket bound to 127.0.0.1:port: octets in its receive queue, datagrams dropped. */
function kernelSocket(port: number): { readonly queued: number; readonly drops: number } {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const fields = readFileSync('/proc/net/udp', 'latin1')
    .split('\n')
    .find((text) => text.includes(` ${local} 00000000:0000 `))!
    .trim()
    .split(/\s+/)
  return { queued: Number.parseInt(fields[4]!.split(':')[1]!, 16), drops: Number(fields[12]) }
}

/** Sends UDP datagrams from port 0, which only a raw socket does. */
function openForger(port: number) {
  const koffi: typeof import('koffi') = createRequire(import.meta.url)('koffi')
  const libc = koffi.load(null)
  const sendto = libc.func('sendto', 'long', ['int', 'void *', 'long', 'int', 'void *', 'int'])
  const fd = libc.func('socket', 'int', ['int', 'int', 'int'])(2, 3, 17)
  const close = libc.func('close', 'int', ['int'])
  const to = Uint8Array.of(2, 0, 0, 0, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0)
  return {
    send(message: Uint8Array) {
      const length = message.length + 8
      const datagram = Uint8Array.of(0, 0, port >> 8, port & 0xff, length >> 8, length & 0xff, 0, 0, ...message)
      assert.equal(sendto(fd, datagram, length, 0, to, to.length), length)
    },
    close: () => void close(fd),
  }
}
