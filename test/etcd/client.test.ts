/** What the client of etcd does not take from a server that is broken or hostile. */
import assert from 'node:assert/strict'
import { lookup } from 'node:dns'
import { once } from 'node:events'
import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { describe, test } from 'node:test'
import { createEtcdClient } from '../../src/etcd/client.ts'
import { startMirror } from '../../src/etcd/mirror.ts'
import { systemClock } from '../../src/scheduling/clock.ts'
import { until } from '../support/until.ts'

type After = { after(task: () => unknown): void }

const range = { from: '/skydns/', to: '/skydns0' }
/** A page with the key `/a`, which is before the range, and more to come. */
const pageBefore = Buffer.from('12040a022f611801', 'hex')
/** The watch stands. */
const created = Buffer.from('1801', 'hex')
/** A change without end: `/a` is deleted, and more of the change follows. */
const fragment = Buffer.from('38015a0808011204' + '0a022f61', 'hex')

function framed(message: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

/** The five seconds for an answer pass at once when `isLate`. */
async function client(t: After, answer: (stream: ServerHttp2Stream) => void, isLate = false) {
  const sessions = new Set<ServerHttp2Session>()
  const server = createServer()
  server.on('session', (session) => {
    sessions.add(session)
    session.on('error', () => undefined)
  })
  server.on('stream', (stream: ServerHttp2Stream) => {
    stream.on('error', () => undefined)
    stream.resume()
    answer(stream)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const opened = createEtcdClient({
    endpoints: [`http://127.0.0.1:${(server.address() as AddressInfo).port}`],
    credentials: undefined,
    secureContext: () => {
      throw new Error('no TLS here')
    },
    lookup,
    clock: {
      ...systemClock,
      after: (milliseconds, task) => systemClock.after(isLate && milliseconds === 5000 ? 50 : milliseconds, task),
    },
  })
  t.after(() => {
    opened.close()
    for (const session of sessions) session.destroy()
    server.close()
  })
  return opened
}

function whole(stream: ServerHttp2Stream, message: Buffer): void {
  stream.respond({ ':status': 200 }, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
  stream.end(framed(message))
}

describe('the client of a hostile etcd', () => {
  for (const [title, message, expected] of [
    ['a page with more keys than were asked for', Buffer.from('1200'.repeat(11), 'hex'), /more than the 10 keys/],
    ['a page of keys without octets', Buffer.from('1200'.repeat(1 << 20), 'hex'), /more than the 10 keys/],
  ] as const)
    test(`a hostile etcd: ${title} is refused`, async (t) => {
      const etcd = await client(t, (stream) => whole(stream, message))
      await assert.rejects(etcd.range(range, 10, 0, AbortSignal.timeout(20_000)), expected)
    })

  test('a hostile etcd: a watch that does not stand within 5 s is given up', async (t) => {
    const etcd = await client(t, (stream) => stream.respond({ ':status': 200 }), true)
    await assert.rejects(
      etcd.watch(range, 1, AbortSignal.timeout(20_000), () => undefined),
      /the watch does not stand within 5 s/,
    )
  })

  test('a hostile etcd: a watch that stands is not given up', async (t) => {
    const etcd = await client(
      t,
      (stream) => {
        stream.respond({ ':status': 200 })
        stream.write(framed(created))
        setTimeout(() => stream.end(), 500)
      },
      true,
    )
    await assert.rejects(
      etcd.watch(range, 1, AbortSignal.timeout(20_000), () => undefined),
      /the connection was closed/,
    )
  })

  test('a hostile etcd: fragments of a change that has no end are given up', async (t) => {
    const etcd = await client(t, (stream) => {
      stream.respond({ ':status': 200 })
      const octets = Buffer.concat(Array.from({ length: 10_000 }, () => framed(fragment)))
      const pour = (): void => {
        while (!stream.destroyed && stream.write(octets));
      }
      stream.on('drain', pour)
      pour()
    })
    const changes: number[] = []
    await assert.rejects(
      etcd.watch(range, 1, AbortSignal.timeout(60_000), ({ length }) => changes.push(length)),
      /a change of the watch has too many keys/,
    )
    assert.deepEqual(changes, [])
  })

  test('a hostile etcd: a list whose pages do not advance fails, and is tried again after a pause', async (t) => {
    let requests = 0
    const etcd = await client(t, (stream) => {
      requests++
      whole(stream, pageBefore)
    })
    const failures: string[] = []
    const mirror = startMirror({
      client: etcd,
      range,
      target: {
        list: () => ({ add() {}, done: () => assert.fail('the list never ends') }),
        apply() {},
        failed: ({ message }) => failures.push(message),
        live() {},
      },
    })
    t.after(() => mirror.stop())
    await until(() => assert.equal(failures.length, 2))
    assert.match(failures[0], /ends before the key that it was asked to begin with/)
    assert.ok(requests <= 3, `${requests} pages were asked for`)
  })
})
