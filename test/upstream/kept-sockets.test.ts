/** The main thread's own exchanges, from sockets that are kept and watched by somebody else. */
import assert from 'node:assert/strict'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { after, before, describe, it } from 'node:test'
import { type } from '../../src/dns/codes.ts'
import { queryMessage } from '../../src/dns/query.ts'
import { encodeMessage } from '../../src/dns/wire.ts'
import { loadLibc } from '../../src/libc/libc.ts'
import { encodeSocketAddress } from '../../src/libc/sockaddr.ts'
import { systemClock } from '../../src/scheduling/clock.ts'
import type { UpstreamConnection } from '../../src/upstream/connection.ts'
import { createKeptSockets } from '../../src/upstream/kept-sockets.ts'
import { freePort } from '../support/ports.ts'
import { until } from '../support/until.ts'

const wire = encodeMessage(queryMessage('www.example.', type.A, true), { limit: 512 })
const native = loadLibc()

/** Watches as a UDP thread does. */
function watching(epoll: number, ready: (tag: number) => void): () => void {
  const tags = new Int32Array(64)
  const timer = setInterval(() => {
    const found = native.ready(epoll, tags)
    for (let i = 0; i < found; i++) ready(tags[i])
  }, 1)
  return () => clearInterval(timer)
}

describe('the kept sockets of the main thread', () => {
  const kept = createKeptSockets({ native, clock: systemClock, mostSockets: 1024 })
  let server: Socket
  let port: number
  let connection: UpstreamConnection
  let unwatch: () => void
  let script: (bytes: Buffer, answer: (reply: Uint8Array) => void) => void = (bytes, answer) => answer(bytes)
  const from: number[] = []

  const connect = (to: number) =>
    kept.connect(
      { address: '127.0.0.1', port: to, name: encodeSocketAddress(native, '127.0.0.1', to), source: undefined },
      {},
    )

  /** What comes of one exchange. */
  const exchange = (over: UpstreamConnection = connection) =>
    new Promise<Uint8Array | Error>((resolve) => {
      over.send(wire, {
        answer(bytes) {
          resolve(bytes.slice())
          return true
        },
        failed: resolve,
      })
    })

  before(async () => {
    server = createSocket('udp4')
    server.bind(0, '127.0.0.1')
    await once(server, 'listening')
    port = server.address().port
    server.on('message', (bytes, sender) => {
      from.push(sender.port)
      script(bytes, (reply) => server.send(reply, sender.port, sender.address))
    })
    connection = connect(port)
    unwatch = watching(kept.epoll, kept.ready)
    kept.watch({ unread: () => () => false })
  })
  after(() => {
    unwatch()
    connection.close()
    kept.close()
    server.close()
  })

  it('an exchange gets the answer with its ID, and its socket serves another one', async () => {
    from.length = 0
    for (let i = 0; i < 300; i++) assert.ok((await exchange()) instanceof Uint8Array)
    const ports = new Set(from).size
    assert.ok(ports >= 128 && ports < 300, `${ports} ports for 300 exchanges`)
  })

  it('an answer with another ID does not end the wait', async () => {
    script = (bytes, answer) => {
      const other = Uint8Array.from(bytes)
      other[0] ^= 1
      answer(other)
      answer(bytes)
    }
    const got = await exchange()
    assert.ok(got instanceof Uint8Array)
    assert.deepEqual(got.subarray(2), wire.subarray(2))
    script = (bytes, answer) => answer(bytes)
  })

  it('an exchange with a port where nobody listens fails at once, in the words of CoreDNS', async () => {
    const nobody = connect(await freePort())
    const got = await exchange(nobody)
    assert.match(String(got), /^Error: read udp 127\.0\.0\.1:\d+->127\.0\.0\.1:\d+: read: connection refused$/)
    nobody.close()
  })

  it('600 exchanges leave from 256 ports and more', async () => {
    from.length = 0
    const wide = createKeptSockets({ native, clock: systemClock, mostSockets: 1250 })
    const unwatchWide = watching(wide.epoll, wide.ready)
    wide.watch({ unread: () => () => false })
    const name = encodeSocketAddress(native, '127.0.0.1', port)
    const to = wide.connect({ address: '127.0.0.1', port, name, source: undefined }, {})
    for (let i = 0; i < 600; i++) assert.ok((await exchange(to)) instanceof Uint8Array)
    unwatchWide()
    to.close()
    wide.close()
    const ports = new Set(from).size
    assert.ok(ports >= 256, `${ports} ports for 600 exchanges`)
  })

  it('an exchange that is under way when its connection closes can still be called off', async () => {
    const closing = connect(port)
    let asked = false
    script = () => {
      asked = true
    }
    const sending = closing.send(wire, { answer: () => true, failed: () => assert.fail('nothing has failed') })
    await until(() => assert.ok(asked))
    closing.close()
    sending.cancel('settled')
    script = (bytes, answer) => answer(bytes)
  })

  it('an exchange that is under way when nobody watches any more gets its answer', async () => {
    let answer: (() => void) | undefined
    script = (bytes, reply) => {
      answer = () => reply(bytes)
    }
    const got = exchange()
    await until(() => assert.ok(answer))
    unwatch()
    kept.watch(undefined)
    answer?.()
    assert.ok((await got) instanceof Uint8Array)
    script = (bytes, reply) => reply(bytes)
    assert.ok((await exchange()) instanceof Uint8Array)
  })
})
