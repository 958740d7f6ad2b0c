import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import type { RunningServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import { createRandom, seed } from './random.ts'
import { assertUnharmed, clusterOnly, openDescriptors, residentMebibytes, startVictim } from './victim.ts'

const pages = [
  { port: 'health', path: '/health' },
  { port: 'ready', path: '/ready' },
  { port: 'metrics', path: '/metrics' },
] as const

const random = createRandom(seed)
const long = 'a'.repeat(100_000)

/** What is sent to each page, as it is. */
const garbage = (path: string): readonly (string | Buffer)[] => [
  '',
  '\r\n'.repeat(10_000),
  random.bytes(1000),
  Buffer.alloc(100_000),
  'GET',
  `GET ${path}`,
  `GET ${path} HTTP/1.1\r\n`,
  `GET ${path} HTTP/1.1\r\n\r\n`,
  `GET ${path} HTTP/9.9\r\nHost: x\r\n\r\n`,
  `GET ${path}\r\n\r\n`,
  `GET /${long} HTTP/1.1\r\nHost: x\r\n\r\n`,
  `GET ${path} HTTP/1.1\r\nHost: x\r\nX: ${long}\r\n\r\n`,
  `GET ${path} HTTP/1.1\r\nHost: x\r\n${'X: y\r\n'.repeat(20_000)}\r\n`,
  `GET ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n`,
  `GET ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  `POST ${path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n${long}`,
  `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n${long}`,
  `POST ${path} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n`,
  `POST ${path} HTTP/1.1\r\nHost: x\r\nExpect: nonsense\r\nContent-Length: 0\r\n\r\n`,
  `CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n`,
  `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  `GET http://[::1%25 HTTP/1.1\r\nHost: x\r\n\r\n`,
  `GET /%00%ff/../..${path}?${'%'.repeat(1000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
  `GET /__proto__ HTTP/1.1\r\nHost: x\r\n\r\nGET /constructor HTTP/1.1\r\nHost: x\r\n\r\n`,
  `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(500),
  Buffer.from('16030100c8010000c40303', 'hex'),
]

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

/** What comes back until the connection is closed. */
async function say(port: number, octets: string | Buffer, ending: 'end' | 'reset' | 'wait'): Promise<string> {
  const socket = await open(port)
  let reply = ''
  socket.on('data', (chunk: Buffer) => {
    reply += chunk.toString('latin1')
  })
  const closed = new Promise((resolve) => socket.on('close', resolve))
  if (ending === 'end') socket.end(octets)
  else if (ending === 'wait' || octets.length === 0) socket.write(octets)
  else socket.write(octets, () => socket.resetAndDestroy())
  if (ending === 'reset' && octets.length === 0) socket.resetAndDestroy()
  await closed
  return reply
}

describe('HTTP at /health, /ready and /metrics', () => {
  let server: RunningServer
  let pid: number
  let descriptors: number
  before(async () => {
    server = await startVictim('threads', {
      corefile: (ports) =>
        clusterOnly()(ports).replace(/prometheus .*/, (directive) => `${directive} {\n runtime_metrics\n }`),
    })
    pid = server.pid
    await assertUnharmed(server, pid)
    descriptors = openDescriptors(server)
  })
  after(() => server?.stop('SIGKILL'))

  async function assertNothingLeft(): Promise<void> {
    await assertUnharmed(server, pid)
    await until(() =>
      assert.ok(openDescriptors(server) <= descriptors + 2, `${openDescriptors(server)}, ${descriptors} before`),
    )
    assert.equal((await server.dig('gateway.inference.svc.cluster.local', 'A')).answer.length, 1)
  }

  test('the metrics of the runtime are in the built server too', async () => {
    assert.match((await server.http('metrics', '/metrics')).body, /^nodejs_heap_size_used_bytes \d+$/m)
  })

  for (const { port, path } of pages)
    test(`${path}: garbage gets an HTTP status or nothing`, async () => {
      for (const ending of ['end', 'reset'] as const) {
        const replies = await Promise.all(garbage(path).map((octets) => say(server.ports[port], octets, ending)))
        for (const [i, reply] of replies.entries())
          assert.match(
            reply,
            /^(HTTP\/1\.1 (100|200|400|404|413|414|417|431) |$)/,
            garbage(path)[i]!.toString('latin1').slice(0, 200),
          )
      }
      await assertNothingLeft()
    })

  test('HTTP clients that never finish are disconnected, and those that take no reply', async (t) => {
    const unfinished = [
      '',
      'G',
      'GET /health HTTP/1.1\r\nHost: x\r\n',
      'POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab',
    ]
    const deaf = await Promise.all(pages.map(({ port }) => open(server.ports[port])))
    t.after(() => deaf.forEach((socket) => void socket.destroy()))
    for (const [i, socket] of deaf.entries()) {
      socket.pause()
      socket.write(`GET ${pages[i]!.path} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(5000))
    }
    await Promise.all(pages.flatMap(({ port }) => unfinished.map((octets) => say(server.ports[port], octets, 'wait'))))
    // The deaf do not notice that they are alone: their descriptors at the server are gone.
    await assertNothingLeft()
  })

  test('40 connections with 4,000 unread requests each cost no memory, and a scraper gets its answer', async (t) => {
    const before = residentMebibytes(server)
    const deaf = await Promise.all(Array.from({ length: 40 }, () => open(server.ports.metrics)))
    t.after(() => deaf.forEach((socket) => void socket.destroy()))
    for (const socket of deaf) {
      socket.pause()
      socket.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(4000))
    }
    for (let i = 0; i < 20; i++) {
      assert.equal((await server.http('metrics', '/metrics')).status, 200)
      assert.equal((await server.dig('gateway.inference.svc.cluster.local', 'A')).answer.length, 1)
      const grown = residentMebibytes(server) - before
      assert.ok(grown < 50, `${grown} MiB more than before`)
    }
    for (const socket of deaf) socket.destroy()
    await assertNothingLeft()
  })

  test('connections that send requests as fast as they can and read nothing keep no scraper out', async () => {
    const before = residentMebibytes(server)
    let stopped = false
    const flood = Array.from({ length: 100 }, async () => {
      while (!stopped) await say(server.ports.metrics, 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(2000), 'reset')
    })
    for (let i = 0; i < 10; i++) {
      await until(async () => assert.equal((await server.http('metrics', '/metrics')).status, 200))
      assert.equal((await server.dig('gateway.inference.svc.cluster.local', 'A')).answer.length, 1)
    }
    stopped = true
    await Promise.all(flood)
    const grown = residentMebibytes(server) - before
    assert.ok(grown < 80, `${grown} MiB more than before`)
    await assertNothingLeft()
  })

  test('hundreds of silent HTTP connections keep no probe out', async (t) => {
    for (const { port, path } of pages) {
      const idle = await Promise.all(Array.from({ length: 400 }, () => open(server.ports[port])))
      t.after(() => idle.forEach((socket) => void socket.destroy()))
      assert.equal((await server.http(port, path)).status, 200, path)
      assert.ok(openDescriptors(server) < descriptors + 400)
      for (const socket of idle) socket.destroy()
    }
    await assertNothingLeft()
  })
})
