/** DNS over HTTPS (RFC 8484): what carries a query, what does not, and what a client may hold. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type ClientHttp2Session, connect as connectHttp2, type IncomingHttpHeaders } from 'node:http2'
import { connect as connectTcp, type Socket } from 'node:net'
import { describe, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import type { Listener, Miss } from '../../src/server/ingress.ts'
import type { Limits } from '../../src/transport/limits.ts'
import { createAuthority } from '../support/api-server/certificates.ts'
import { testTls } from '../support/certificates.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { until } from '../support/until.ts'
import { type Bench, query, rcodeReply, readReply, withTransport } from './support.ts'

/** The same with either UDP path; this one starts faster. */
const udp = 'dgram'
const authority = createAuthority()
const base64 = (octets: Uint8Array) => Buffer.from(octets).toString('base64url')

interface Response {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

interface Request {
  readonly method?: string
  readonly target: string
  readonly body?: Uint8Array
}

interface HttpClient {
  request(asked: Request): Promise<Response>
  readonly closed: Promise<unknown>
  close(): void
}

function http2Client(port: number, from = '127.0.0.1'): HttpClient & { readonly session: ClientHttp2Session } {
  const session = connectHttp2(`https://127.0.0.1:${port}`, {
    createConnection: () =>
      connectTls({
        socket: connectTcp({ port, host: '127.0.0.1', localAddress: from }),
        host: '127.0.0.1',
        ca: authority.cert,
        ALPNProtocols: ['h2'],
      }),
  })
  session.on('error', () => undefined)
  return {
    session,
    closed: once(session, 'close'),
    close: () => session.destroy(),
    async request({ method = 'GET', target, body }) {
      const stream = session.request({ ':method': method, ':path': target }, { endStream: body === undefined })
      if (body) stream.end(body)
      const [headers] = await once(stream, 'response')
      return { status: headers[':status'], headers, body: Buffer.concat(await stream.toArray()) }
    },
  }
}

interface Http1Client extends HttpClient {
  write(text: string | Uint8Array): void
  next(): Promise<Response>
  /** The head of the next reply, and how many octets have come behind it. */
  head(): Promise<Omit<Response, 'body'> & { readonly octets: number }>
  endInput(): void
}

/** HTTP/1.1 by hand, so that tests see what is on the wire. */
async function http1Client(port: number): Promise<Http1Client> {
  const socket = connectTls({ host: '127.0.0.1', port, ca: authority.cert, ALPNProtocols: ['http/1.1'] })
  socket.on('error', () => undefined)
  await once(socket, 'secureConnect')
  let input = Buffer.alloc(0)
  let arrived: () => void = () => undefined
  socket.on('data', (chunk: Buffer) => {
    input = Buffer.concat([input, chunk])
    arrived()
  })
  /** Waits until `read` finds what it wants. */
  async function awaitInput<T>(read: () => T | undefined): Promise<T> {
    for (;;) {
      const found = read()
      if (found !== undefined) return found
      await new Promise<void>((resolve) => {
        arrived = resolve
      })
    }
  }
  function readHead(): { status: number; headers: Record<string, string>; end: number } | undefined {
    const end = input.indexOf('\r\n\r\n')
    if (end < 0) return undefined
    const [first, ...lines] = input.toString('latin1', 0, end).split('\r\n')
    const headers = Object.fromEntries(lines.map((line) => line.toLowerCase().split(': ', 2)))
    return { status: Number(first.split(' ')[1]), headers, end: end + 4 }
  }
  const head = () =>
    awaitInput(() => {
      const found = readHead()
      if (found === undefined) return undefined
      const { status, headers, end } = found
      input = input.subarray(end)
      return { status, headers, octets: input.length }
    })
  const next = () =>
    awaitInput((): Response | undefined => {
      const found = readHead()
      if (found === undefined) return undefined
      const { status, headers, end } = found
      const length = Number(headers['content-length'])
      if (input.length < end + length) return undefined
      const body = input.subarray(end, end + length)
      input = input.subarray(end + length)
      return { status, headers, body }
    })
  const write = (text: string | Uint8Array) => void socket.write(text)
  return {
    write,
    next,
    head,
    endInput: () => void socket.end(),
    closed: once(socket, 'close'),
    close: () => socket.destroy(),
    request({ method = 'GET', target, body }) {
      const length = body ? `Content-Length: ${body.length}\r\n` : ''
      write(`${method} ${target} HTTP/1.1\r\nHost: localhost\r\n${length}\r\n`)
      if (body) write(body)
      return next()
    },
  }
}

const clients: readonly (readonly [string, (port: number) => Promise<HttpClient>])[] = [
  ['HTTP/2', async (port) => http2Client(port)],
  ['HTTP/1.1', http1Client],
]

const https = ({ listener }: Bench, changes: Partial<Listener> = {}) =>
  listener({ scheme: 'https', tls: testTls(authority), address: '', ...changes })

const withHttps = (
  options: Parameters<typeof withTransport>[0],
  run: (bench: Bench) => Promise<void>,
  changes: Partial<Listener> = {},
) =>
  withTransport({ udp, ...options }, async (bench) => {
    await bench.transport.apply([https(bench, changes)])
    await run(bench)
  })

for (const [protocol, open] of clients) {
  describe(`DNS over HTTPS by ${protocol}`, () => {
    test(`GET and POST carry a query by ${protocol}, and the reply says for how long it may be kept`, () =>
      withHttps({}, async ({ port, metric }) => {
        const client = await open(port)
        const message = query('table', 5)
        const asked = [
          { target: `/dns-query?dns=${base64(message)}` },
          { target: `/dns-query?x=1&dns=${base64(message)}` },
          { method: 'POST', target: '/dns-query', body: message },
        ]
        for (const request of asked) {
          const { status, headers, body } = await client.request(request)
          assert.deepEqual(
            [status, headers['content-type'], headers['cache-control'], headers['content-length']],
            [200, 'application/dns-message', 'max-age=5', String(body.length)],
          )
          assert.deepEqual([readReply(body).id, readReply(body).space], [5, 1])
        }
        assert.equal(await metric(`coredns_dns_https_responses_total{server="https://:${port}",status="200"}`), 3)
        client.close()
      }))

    const message = query('table')
    const bad = (change: (octets: Uint8Array) => void) => {
      const octets = Uint8Array.from(message)
      change(octets)
      return octets
    }
    const refused: readonly (readonly [what: string, request: Request, status: number])[] = [
      ['another path', { target: `/?dns=${base64(message)}` }, 404],
      ['a path below', { target: `/dns-query/x?dns=${base64(message)}` }, 404],
      ['no dns', { target: '/dns-query' }, 400],
      ['dns twice', { target: `/dns-query?dns=${base64(message)}&dns=${base64(message)}` }, 400],
      ['padding', { target: `/dns-query?dns=${base64(message)}=` }, 400],
      ['the other base64', { target: '/dns-query?dns=AAAB+/' }, 400],
      ['another method', { method: 'PUT', target: '/dns-query', body: message }, 400],
      ['an empty body', { method: 'POST', target: '/dns-query', body: new Uint8Array(0) }, 400],
      ['half a header', { method: 'POST', target: '/dns-query', body: message.subarray(0, 11) }, 400],
      ['a reply', { method: 'POST', target: '/dns-query', body: bad((octets) => (octets[2] |= 0x80)) }, 400],
      ['two questions', { method: 'POST', target: '/dns-query', body: bad((octets) => (octets[5] = 2)) }, 400],
      [
        'a body of more than 4,096 octets',
        { method: 'POST', target: '/dns-query', body: Buffer.alloc(4097, message) },
        413,
      ],
    ]
    test(`each request by ${protocol} that carries no query gets its status, and the server goes on`, () =>
      withHttps({}, async ({ port }) => {
        const seen = []
        for (const [what, request] of refused) {
          const client = await open(port)
          seen.push([what, (await client.request(request)).status])
          client.close()
        }
        assert.deepEqual(
          seen,
          refused.map(([what, , status]) => [what, status]),
        )
      }))

    test(`a query by ${protocol} that the server says nothing to is 500`, () =>
      withHttps({}, async ({ port }) => {
        const client = await open(port)
        const { status, body } = await client.request({ target: `/dns-query?dns=${base64(query('drop'))}` })
        assert.deepEqual([status, body.toString()], [500, 'No response\n'])
        client.close()
      }))

    test(`the chain learns that a query came by ${protocol}, and hears when its client goes away`, () => {
      const misses: Miss[] = []
      const onMiss = (miss: Miss) => {
        misses.push(miss)
        return new Promise<Uint8Array>(() => undefined)
      }
      return withHttps({ onMiss }, async ({ port }) => {
        const client = await open(port)
        void client.request({ target: `/dns-query?dns=${base64(query('miss'))}` }).catch(() => undefined)
        await until(() => assert.equal(misses.length, 1))
        const [{ transport, client: from, local, signal }] = misses
        assert.deepEqual([transport, from.address, local], ['https', '127.0.0.1', { address: '127.0.0.1', port }])
        client.close()
        await until(() => assert.equal(signal?.aborted, true))
      })
    })

    test(`an idle connection by ${protocol} is closed after its time`, () => {
      const clock = createFakeClock()
      return withHttps({ clock, limits: { tcpIdle: 10_000 } }, async ({ port }) => {
        const client = await open(port)
        await client.request({ target: `/dns-query?dns=${base64(query('table'))}` })
        const closed = client.closed
        await until(() => {
          clock.advance(4000)
          return Promise.race([closed, new Promise((_, reject) => setImmediate(reject, new Error('open')))])
        })
      })
    })

    test(`a removed listener answers what was asked by ${protocol} before it closes`, () => {
      const held: (() => void)[] = []
      const onMiss = ({ request }: Miss) =>
        new Promise<Uint8Array>((resolve) => held.push(() => resolve(rcodeReply(request, 0))))
      return withHttps({ onMiss }, async ({ port, transport }) => {
        const client = await open(port)
        const asked = client.request({ target: `/dns-query?dns=${base64(query('miss'))}` })
        await until(() => assert.equal(held.length, 1))
        const removed = transport.apply([])
        held[0]()
        assert.equal((await asked).status, 200)
        await client.closed
        await removed
      })
    })
  })
}

describe('HTTP/2 connections', () => {
  test('requests of one HTTP/2 connection are answered in any order', () => {
    const held: (() => void)[] = []
    const onMiss = ({ request }: Miss) =>
      new Promise<Uint8Array>((resolve) => held.push(() => resolve(rcodeReply(request, 0))))
    return withHttps({ onMiss }, async ({ port }) => {
      const client = http2Client(port)
      const slow = client.request({ target: `/dns-query?dns=${base64(query('miss'))}` })
      await until(() => assert.equal(held.length, 1))
      assert.equal((await client.request({ target: `/dns-query?dns=${base64(query('table'))}` })).status, 200)
      held[0]()
      assert.equal((await slow).status, 200)
      client.close()
    })
  })

  const announced: readonly (readonly [written: number | undefined, streams: number])[] = [
    [undefined, 250],
    [0, 250],
    [7, 7],
    [4_294_967_295, 1000],
  ]
  for (const [maxStreams, streams] of announced)
    test(`max_streams ${maxStreams ?? 'unset'} announces ${streams} streams`, () =>
      withHttps(
        {},
        async ({ port }) => {
          const { session, close } = http2Client(port)
          const [settings] = await once(session, 'remoteSettings')
          assert.equal(settings.maxConcurrentStreams, streams)
          close()
        },
        { http: { maxConnections: undefined, maxStreams } },
      ))

  const two = { http: { maxConnections: 2, maxStreams: undefined } }
  const ask = { target: `/dns-query?dns=${base64(query('table'))}` }

  test('a connection past max_connections waits, and is let in when another one is closed', () => {
    const clock = createFakeClock()
    return withHttps(
      { clock },
      async ({ port, metric }) => {
        const first = [http2Client(port, '127.0.0.2'), http2Client(port, '127.0.0.2')]
        for (const client of first) await client.request(ask)
        const late = http2Client(port, '127.0.0.3')
        let status = 0
        const asked = late.request(ask).then((response) => {
          status = response.status
        })
        await until(async () => assert.equal(await metric('slicedns_tcp_connections'), 3))
        for (const client of first) assert.equal((await client.request(ask)).status, 200)
        assert.equal(status, 0)
        first[0].close()
        await asked
        assert.equal(status, 200)
        for (const client of [first[1], late]) client.close()
      },
      two,
    )
  })

  test('a connection that has waited for a second takes the place of the idlest of the client that has most', () => {
    const clock = createFakeClock()
    return withHttps(
      { clock },
      async ({ port, metric }) => {
        const heavy = [http2Client(port, '127.0.0.2'), http2Client(port, '127.0.0.2')]
        for (const client of heavy) await client.request(ask)
        const late = http2Client(port, '127.0.0.3')
        const asked = late.request(ask)
        await until(async () => assert.equal(await metric('slicedns_tcp_connections'), 3))
        clock.advance(1250)
        assert.equal((await asked).status, 200)
        await heavy[0].closed
        assert.equal((await heavy[1].request(ask)).status, 200)
        for (const client of [heavy[1], late]) client.close()
      },
      two,
    )
  })

  test('a connection that waits in vain is closed', () => {
    const clock = createFakeClock()
    const onMiss = () => new Promise<Uint8Array>(() => undefined)
    return withHttps(
      { clock, onMiss, limits: { tcpRead: 3000 } },
      async ({ port, metric }) => {
        const busy = [http2Client(port, '127.0.0.2'), http2Client(port, '127.0.0.2')]
        for (const client of busy) {
          await client.request(ask)
          void client.request({ target: `/dns-query?dns=${base64(query('miss'))}` }).catch(() => undefined)
        }
        const late = connectTcp({ port, host: '127.0.0.1', localAddress: '127.0.0.3' })
        await until(async () => assert.equal(await metric('slicedns_tcp_connections'), 3))
        clock.advance(3500)
        await once(late.resume(), 'end')
        late.destroy()
        for (const client of busy) client.close()
      },
      two,
    )
  })

  interface Full {
    readonly bench: Bench
    readonly clock: ReturnType<typeof createFakeClock>
    /** Two connections that wait for the chain. */
    readonly busy: readonly HttpClient[]
    /** Has the chain answer them. */
    answer(): Promise<unknown>
    /** Opens a connection past `max_connections`, which is closed after the test. */
    connect(): Socket
  }

  /** A listener whose two connections are both busy. */
  function withFull(limits: Partial<Limits>, run: (full: Full) => Promise<void>) {
    const clock = createFakeClock()
    const held: (() => void)[] = []
    const onMiss = ({ request }: Miss) =>
      new Promise<Uint8Array>((resolve) => held.push(() => resolve(rcodeReply(request, 0))))
    return withHttps(
      { clock, onMiss, limits },
      async (bench) => {
        const { port } = bench
        const busy = [http2Client(port, '127.0.0.2'), http2Client(port, '127.0.0.2')]
        const late: Socket[] = []
        try {
          for (const client of busy) await client.request(ask)
          const asked = busy.map((client) => client.request({ target: `/dns-query?dns=${base64(query('miss'))}` }))
          const answers = Promise.all(asked).catch(() => undefined)
          await until(() => assert.equal(held.length, 2))
          const answer = () => {
            for (const each of held) each()
            return answers
          }
          const connect = () => {
            const socket = connectTcp({ port, host: '127.0.0.1', localAddress: '127.0.0.3' })
            late.push(socket.on('error', () => undefined))
            return socket
          }
          await run({ bench, clock, busy, answer, connect })
        } finally {
          for (const client of busy) client.close()
          for (const socket of late) socket.destroy()
        }
      },
      two,
    )
  }

  test('a connection that has waited in vain takes nobody’s place', () =>
    withFull({ tcpRead: 3000 }, async ({ bench: { metric }, clock, busy, answer, connect }) => {
      const late = connect()
      await until(async () => assert.equal(await metric('slicedns_tcp_connections'), 3))
      clock.advance(3000)
      await answer()
      clock.advance(250)
      await once(late.resume(), 'end')
      for (const client of busy) assert.equal((await client.request(ask)).status, 200)
    }))

  test('octets of connections that wait are bounded like those of others', () =>
    withFull({ tcpRead: 600_000, tcpInputBytes: 20_000 }, async ({ bench: { metric }, clock, connect }) => {
      for (let i = 0; i < 3; i++) connect().write(Buffer.alloc(30_000))
      await until(async () => {
        clock.advance(250)
        assert.ok((await metric('slicedns_tcp_evicted_connections_total{reason="input"}')) >= 2)
      })
    }))

  test('a connection that waits is let in when a reload raises the bound', () =>
    withFull({}, async ({ bench, clock, connect }) => {
      const late = connectTls({ socket: connect(), host: '127.0.0.1', ca: authority.cert, ALPNProtocols: ['h2'] })
      late.on('error', () => undefined)
      await until(async () => assert.equal(await bench.metric('slicedns_tcp_connections'), 3))
      await bench.transport.apply([https(bench, { http: { maxConnections: 3, maxStreams: undefined } })])
      clock.advance(250)
      await once(late, 'secureConnect', { signal: AbortSignal.timeout(30_000) })
    }))

  test('a body that stops coming ends its stream after the time for a message, and no other', () => {
    const clock = createFakeClock()
    return withHttps({ clock, limits: { tcpRead: 3000 } }, async ({ port }) => {
      const client = http2Client(port)
      const slow = client.session.request({ ':method': 'POST', ':path': '/dns-query' })
      slow.write(query('table').subarray(0, 5))
      slow.on('error', () => undefined)
      const ended = once(slow, 'close')
      await client.request({ target: `/dns-query?dns=${base64(query('table'))}` })
      clock.advance(3500)
      await ended
      assert.equal((await client.request({ target: `/dns-query?dns=${base64(query('table'))}` })).status, 200)
      client.close()
    })
  })

  test('octets that are no HTTP/2 close the connection, and the server goes on', () =>
    withHttps({}, async ({ port }) => {
      for (let i = 0; i < 20; i++) {
        const socket = connectTls({ host: '127.0.0.1', port, ca: authority.cert, ALPNProtocols: ['h2'] })
        socket.on('error', () => undefined)
        const closed = once(socket, 'close')
        socket.write(i % 2 ? 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' : '')
        socket.write(Buffer.from(Array.from({ length: 200 }, (_, at) => (at * 37 + i * 11) & 0xff)))
        socket.resume()
        await closed
      }
      const client = http2Client(port)
      assert.equal((await client.request({ target: `/dns-query?dns=${base64(query('table'))}` })).status, 200)
      client.close()
    }))
})

describe('HTTP/1.1 connections', () => {
  test('requests that come behind one another are answered one after the other, wherever they are cut', () =>
    withHttps({}, async ({ port }) => {
      const message = query('table', 9)
      const text = Buffer.concat([
        Buffer.from(`POST /dns-query HTTP/1.1\r\nHost: x\r\nContent-Length: ${message.length}\r\n\r\n`),
        message,
        Buffer.from(`GET /dns-query?dns=${base64(message)} HTTP/1.1\r\nHost: x\r\n\r\n`),
      ])
      for (let cut = 1; cut < text.length; cut += 7) {
        const client = await http1Client(port)
        client.write(text.subarray(0, cut))
        await new Promise(setImmediate)
        client.write(text.subarray(cut))
        for (const response of [await client.next(), await client.next()])
          assert.deepEqual([response.status, readReply(response.body).id], [200, 9], `cut at ${cut}`)
        client.close()
      }
    }))

  const wrong: readonly (readonly [what: string, text: string, status: number])[] = [
    ['a body in chunks', 'POST /dns-query HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 411],
    ['two lengths', 'POST /dns-query HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', 400],
    ['no host', 'GET /dns-query HTTP/1.1\r\n\r\n', 400],
    ['a header without end', `GET /dns-query HTTP/1.1\r\nX: ${'a'.repeat(9000)}`, 431],
    ['no request', '\u0016\u0003\u0001 hello\r\n\r\n', 400],
  ]
  for (const [what, text, status] of wrong)
    test(`${what} is ${status}, and ends the connection`, () =>
      withHttps({}, async ({ port }) => {
        const client = await http1Client(port)
        client.write(text)
        assert.equal((await client.next()).status, status)
        client.close()
      }))

  test('a target with scheme and authority is served as its path', () =>
    withHttps({}, async ({ port }) => {
      const client = await http1Client(port)
      const target = `HTTPS://localhost:${port}/dns-query?dns=${base64(query('table'))}`
      assert.equal((await client.request({ target })).status, 200)
      assert.equal((await client.request({ target: 'https://localhost' })).status, 404)
      client.close()
    }))

  test('the reply to HEAD has the length of a body and none, and its connection goes on', () =>
    withHttps({}, async ({ port }) => {
      const client = await http1Client(port)
      const get = `GET /dns-query?dns=${base64(query('table'))} HTTP/1.1\r\nHost: localhost\r\n\r\n`
      client.write('HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n')
      const { status, headers, octets } = await client.head()
      assert.deepEqual([status, headers['content-length'], octets], [404, '1', 0])
      client.write(get)
      assert.equal((await client.next()).status, 200)
      client.close()
    }))

  test('requests that are refused take turns with those of other clients', () =>
    withHttps({}, async ({ port }) => {
      const greedy = await http1Client(port)
      const other = await http1Client(port)
      let refused = 0
      const counting = (async () => {
        for (; refused < 2000; refused++) await greedy.next()
      })()
      greedy.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(2000))
      await until(() => assert.ok(refused > 0))
      assert.equal((await other.request({ target: `/dns-query?dns=${base64(query('table'))}` })).status, 200)
      assert.ok(refused < 2000, 'the other client waits for all of them')
      greedy.close()
      void counting.catch(() => undefined)
      other.close()
    }))

  test('a request whose client closes its half behind it is answered from the table', () =>
    withHttps({}, async ({ port }) => {
      const client = await http1Client(port)
      client.write(`GET /dns-query?dns=${base64(query('table'))} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
      client.endInput()
      assert.equal((await client.next()).status, 200)
      await client.closed
    }))

  test('a listener without certificates is plain HTTP/1.1', () =>
    withHttps(
      {},
      async ({ port }) => {
        const response = await fetch(`http://127.0.0.1:${port}/dns-query?dns=${base64(query('table', 3))}`)
        assert.equal(response.status, 200)
        assert.equal(readReply(new Uint8Array(await response.arrayBuffer())).id, 3)
      },
      { tls: undefined },
    ))
})
