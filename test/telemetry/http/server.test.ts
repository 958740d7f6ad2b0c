import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { type BudgetedConnection, createHttpBudget } from '../../../src/telemetry/http/budget.ts'
import { textReply } from '../../../src/telemetry/http/message.ts'
import { createHttpServer, type HttpHandler } from '../../../src/telemetry/http/server.ts'
import { until } from '../../support/until.ts'

interface Harness {
  /** Opens a connection that reads everything. */
  open(): Promise<Client>
  /** Paths of the requests that the handler got. */
  readonly asked: string[]
  /** Reasons for which connections were closed. */
  readonly closed: string[]
}

interface Client {
  readonly socket: Socket
  /** All that has come back. */
  readonly text: () => string
  /** Resolves with all that has come back when the connection is closed. */
  readonly ended: Promise<string>
}

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`
const repliesIn = (text: string): number => text.split('HTTP/1.1 ').length - 1

async function serve(
  t: TestContext,
  handler: HttpHandler,
  bounds: { connections?: number; octets?: number } = {},
): Promise<Harness> {
  const asked: string[] = []
  const closed: string[] = []
  const budget = createHttpBudget({ connections: 100, octets: 1 << 20, ...bounds, onClosed: (why) => closed.push(why) })
  const server = createHttpServer((request, signal) => {
    asked.push(request.path)
    return handler(request, signal)
  }, budget)
  server.net.listen(0, '127.0.0.1')
  await once(server.net, 'listening')
  const { port } = server.net.address() as { port: number }
  const sockets: Socket[] = []
  t.after(async () => {
    for (const socket of sockets) socket.destroy()
    server.closeAll()
    server.net.close()
    await once(server.net, 'close')
  })
  async function open(): Promise<Client> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    sockets.push(socket)
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
    })
    socket.on('error', () => undefined)
    const ended = Promise.race([once(socket, 'end'), once(socket, 'close')]).then(() => text)
    await once(socket, 'connect')
    return { socket, text: () => text, ended }
  }
  return { open, asked, closed }
}

const hello: HttpHandler = () => textReply(200, 'hello')

describe('an HTTP connection', () => {
  it('an HTTP connection gets one reply to 2,000 pipelined requests, and ends with it', async (t) => {
    const { open, asked } = await serve(t, hello)
    const { socket, ended } = await open()
    socket.write(get('/metrics').repeat(2000))
    assert.equal(repliesIn(await ended), 1)
    assert.deepEqual(asked, ['/metrics'])
  })

  it('an HTTP connection answers at most one of 5,000 requests that come while another is answered', async (t) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const { open, asked } = await serve(t, () => promise.then(() => textReply(200, 'late')))
    const { socket, ended } = await open()
    socket.write(get('/one'))
    await until(() => assert.equal(asked.length, 1))
    socket.write(get('/two').repeat(5000))
    resolve()
    assert.ok(repliesIn(await ended) <= 2)
    assert.ok(asked.length <= 2)
  })

  it('an HTTP connection stays open between small replies, for a bounded number of them', async (t) => {
    const { open, asked } = await serve(t, hello)
    const { socket, text, ended } = await open()
    for (let i = 1; i <= 32; i++) {
      socket.write(get('/health'))
      await until(() => assert.equal(repliesIn(text()), i))
    }
    assert.match(await ended, /Connection: close\r\n\r\nhello$/)
    assert.equal(asked.length, 32)
  })

  it('an HTTP connection ends with a reply of more than 4 KiB', async (t) => {
    const { open } = await serve(t, () => textReply(200, 'x'.repeat(5000)))
    const { socket, ended } = await open()
    socket.write(get('/metrics'))
    assert.match(await ended, /Connection: close\r\n\r\nx{5000}$/)
  })

  it('an HTTP connection ends with the reply to a request that has a body, which is not read', async (t) => {
    const { open } = await serve(t, hello)
    const { socket, ended } = await open()
    socket.write(`POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 50000000\r\n\r\n${'x'.repeat(100_000)}`)
    assert.match(await ended, /^HTTP\/1\.1 200 OK\r\n[\s\S]*hello$/)
  })

  it('an HTTP connection gets its reply when the client has closed its half', async (t) => {
    const { open } = await serve(t, async () => textReply(200, 'hello'))
    const { socket, ended } = await open()
    socket.end(get('/health'))
    assert.match(await ended, /hello$/)
  })

  it('an HTTP connection tells the handler when the client has gone', async (t) => {
    const aborted = Promise.withResolvers<void>()
    const { open, asked } = await serve(t, async (_, signal) => {
      signal.addEventListener('abort', () => aborted.resolve())
      await aborted.promise
      return textReply(200, 'nobody reads this')
    })
    const { socket } = await open()
    socket.write(get('/explain'))
    await until(() => assert.equal(asked.length, 1))
    socket.destroy()
    await aborted.promise
  })

  it('an HTTP connection takes a request in pieces, after empty lines', async (t) => {
    const { open } = await serve(t, hello)
    const { socket, text } = await open()
    for (const octet of `\r\n${get('/health')}`) {
      socket.write(octet)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await until(() => assert.match(text(), /^HTTP\/1\.1 200 OK\r\n[\s\S]*hello$/))
  })

  const replies: readonly (readonly [string, string, number])[] = [
    ['no request line', 'nonsense\r\n\r\n', 400],
    ['another protocol', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['no Host field', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['a field without a name', 'GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n', 400],
    ['a space in front of the colon', 'GET / HTTP/1.1\r\nHost : x\r\n\r\n', 400],
    ['a negative length', 'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n', 400],
    ['two framings', 'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n', 400],
    ['more than 8 KiB of header', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(9000)}\r\n\r\n`, 431],
    ['more than 100 fields', `GET / HTTP/1.1\r\nHost: x\r\n${'X: y\r\n'.repeat(101)}\r\n`, 431],
    ['a handler that throws', get('/throws'), 500],
  ]
  for (const [what, octets, status] of replies)
    it(`an HTTP connection gets ${status} for ${what}, and ends`, async (t) => {
      const { open } = await serve(t, () => {
        throw new Error('a fault of the handler')
      })
      const { socket, ended } = await open()
      socket.write(octets)
      assert.match(await ended, new RegExp(`^HTTP/1\\.1 ${status} [\\s\\S]*Connection: close`))
    })
})

describe('the budget of HTTP connections', () => {
  it('the budget of HTTP connections closes the longest idle connection when there are too many, and serves the newcomer', async (t) => {
    const { open, closed } = await serve(t, hello, { connections: 3 })
    const idle = [await open(), await open(), await open()]
    const probe = await open()
    probe.socket.write(get('/health'))
    await until(() => assert.match(probe.text(), /hello$/))
    await idle[0].ended
    assert.deepEqual(closed, ['connections'])
    assert.equal(idle[1].socket.destroyed, false)
  })

  it('the budget of HTTP connections closes those that do not read their replies, oldest first, when their octets are too many', async (t) => {
    const large = Buffer.alloc(8 << 20)
    const { open, asked, closed } = await serve(t, () => ({ status: 200, body: large }), { octets: 20 << 20 })
    const deaf: Client[] = []
    for (let i = 0; i < 5; i++) {
      const client = await open()
      client.socket.pause()
      client.socket.write(get('/metrics'))
      deaf.push(client)
      await until(() => assert.equal(asked.length, i + 1))
    }
    await until(() => assert.deepEqual(closed, ['octets', 'octets', 'octets']))
    for (const { socket } of deaf.slice(3)) socket.resume()
    for (const { ended } of deaf.slice(3)) assert.ok((await ended).length > large.length)
  })

  it('connections from one port to two addresses are counted in and out by themselves while TLS waits', async (t) => {
    const counted = new Set<BudgetedConnection>()
    const budget = {
      ...createHttpBudget({ connections: 100, octets: 1 << 20 }),
      add: (connection: BudgetedConnection) => void counted.add(connection),
      remove: (connection: BudgetedConnection) => void counted.delete(connection),
    }
    const security = { key: 'test', createServer: (options: TlsOptions) => createTlsServer(options) }
    const { net } = createHttpServer(hello, budget, security)
    net.listen(0, '0.0.0.0')
    await once(net, 'listening')
    const { port } = net.address() as { port: number }
    const first = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.1' })
    t.after(() => first.destroy())
    t.after(() => net.close())
    await once(first, 'connect')
    const { localPort } = first
    const second = connect({ port, host: '127.0.0.2', localAddress: '127.0.0.1', localPort: localPort! })
    t.after(() => second.destroy())
    await until(() => assert.equal(counted.size, 2))
    first.resetAndDestroy()
    await until(() => assert.equal(counted.size, 1))
    second.resetAndDestroy()
    await until(() => assert.equal(counted.size, 0))
  })
})
