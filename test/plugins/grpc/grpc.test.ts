import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createSecureServer, createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import { type AddressInfo, connect as connectTcp, createServer as createTcpServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { opcode, rcode, rcodeName } from '../../../src/dns/codes.ts'
import { decodePacket, encodePacket, grpcMethod } from '../../../src/dns/grpc-packet.ts'
import type { Instance } from '../../../src/plugin/contract.ts'
import { grpc } from '../../../src/plugins/grpc/index.ts'
import { certificateFolder } from '../../support/certificates.ts'
import { ask, createPluginHarness, failing, handle, type PluginHarness, setUp } from '../../support/plugin-harness.ts'
import { freePort } from '../../support/ports.ts'
import { until } from '../../support/until.ts'

const certificates = certificateFolder()
after(certificates.remove)
certificates.issue('server')
const own = certificates.authority.issue()

type Answer = (stream: ServerHttp2Stream, request: Uint8Array, headers: IncomingHttpHeaders) => void

/** The request as a reply with this rcode. */
const replying =
  (code: number, change: (reply: Buffer) => void = () => undefined): Answer =>
  (stream, request) => {
    const reply = Buffer.from(request)
    reply[2] |= 0x80
    reply[3] = code
    change(reply)
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    stream.end(encodePacket(reply))
  }

const failingWith =
  (code: number): Answer =>
  (stream) =>
    stream.respond({ ':status': 200, 'grpc-status': String(code), 'grpc-message': 'as told' }, { endStream: true })

interface Upstream {
  readonly port: number
  readonly asked: IncomingHttpHeaders[]
  /** PINGs that it has answered. */
  pings(): number
  endSessions(): void
  close(): void
}

async function upstream(answer: Answer, secure = false, path?: string): Promise<Upstream> {
  const asked: IncomingHttpHeaders[] = []
  let pings = 0
  const sessions = new Set<{ destroy(): void }>()
  const server = secure ? createSecureServer(own) : createServer()
  server.on('session', (session) => {
    sessions.add(session)
    session.on('ping', () => pings++)
  })
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    asked.push(headers)
    stream.on('error', () => undefined)
    void stream.toArray().then(
      (parts) => {
        const packet = decodePacket(Buffer.concat(parts))
        answer(stream, packet.kind === 'message' ? packet.message : new Uint8Array(0), headers)
      },
      () => undefined,
    )
  })
  server.listen(path ? { path } : { port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  return {
    port: path ? 0 : (server.address() as AddressInfo).port,
    asked,
    pings: () => pings,
    endSessions() {
      for (const session of sessions) session.destroy()
    },
    close() {
      server.close()
      for (const session of sessions) session.destroy()
    },
  }
}

/** Stands between an upstream and its clients; while it is frozen it takes what it is sent, and passes nothing on. */
interface Proxy {
  readonly port: number
  /** `kept`: only the connections that are there. */
  freeze(which: 'kept' | 'all'): void
  /** Passes on what has come meanwhile. */
  thaw(): void
  close(): void
}

async function proxyTo(target: number): Promise<Proxy> {
  const sockets = new Set<Socket>()
  let frozen = false
  const server = createTcpServer((socket) => {
    const there = connectTcp(target, '127.0.0.1')
    for (const [from, to] of [
      [socket, there],
      [there, socket],
    ] as const) {
      sockets.add(from)
      from.on('data', (octets) => to.write(octets))
      from.on('error', () => to.destroy())
      from.on('close', () => to.destroy())
      if (frozen) from.pause()
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    freeze(which) {
      frozen = which === 'all'
      for (const socket of sockets) socket.pause()
    },
    thaw() {
      frozen = false
      for (const socket of sockets) socket.resume()
    },
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** Runs the test with a plugin whose first upstream is behind a proxy. */
async function withProxy(
  answers: readonly Answer[],
  use: (plugin: Instance, proxy: Proxy, upstreams: readonly Upstream[], harness: PluginHarness) => Promise<void>,
): Promise<void> {
  const upstreams = await Promise.all(answers.map((answer) => upstream(answer)))
  const proxy = await proxyTo(upstreams[0].port)
  const harness = createPluginHarness()
  const others = upstreams.slice(1).map(({ port }) => `127.0.0.1:${port}`)
  const to = [`127.0.0.1:${proxy.port}`, ...others].join(' ')
  const plugin = setUp(grpc, `grpc example.org ${to} {\npolicy sequential\n}`, harness)
  try {
    await use(plugin, proxy, upstreams, harness)
  } finally {
    await plugin.stop?.()
    proxy.close()
    for (const each of upstreams) each.close()
    await harness.settled()
  }
}

const second = 1_000

/** Runs the test with a plugin before upstreams that answer so. */
async function withUpstreams(
  answers: readonly Answer[],
  options: string,
  use: (plugin: Instance, upstreams: readonly Upstream[], harness: PluginHarness) => Promise<void>,
  secure = false,
): Promise<void> {
  const upstreams = await Promise.all(answers.map((answer) => upstream(answer, secure)))
  const harness = createPluginHarness()
  const to = upstreams.map(({ port }) => `127.0.0.1:${port}`).join(' ')
  const plugin = setUp(grpc, `grpc example.org ${to} {\npolicy sequential\n${options}\n}`, harness)
  try {
    await use(plugin, upstreams, harness)
  } finally {
    await plugin.stop?.()
    for (const each of upstreams) each.close()
    await harness.settled()
  }
}

/** The clock of a test stands still: what waits for it must fail, not hang. */
async function soon<T>(work: T | Promise<T>): Promise<T> {
  const late = delay(20 * second, undefined, { ref: false }).then(() => {
    throw new Error('there is no outcome')
  })
  return await Promise.race([work, late])
}

/** The rcode of the outcome, and who gave it. */
async function outcomeOf(plugin: Instance, name = 'a.example.org.'): Promise<string> {
  const outcome = await soon(handle(plugin, ask(`${name} A`), failing(rcode.REFUSED)))
  if (outcome.kind === 'drop') return 'drop'
  return `${outcome.plugin} ${rcodeName(outcome.kind === 'reply' ? outcome.message.rcode : outcome.rcode)}`
}

async function failureOf(plugin: Instance) {
  const outcome = await soon(handle(plugin, ask('a.example.org. A'), failing(rcode.REFUSED)))
  assert.ok(outcome.kind !== 'drop')
  return outcome
}

describe('grpc', () => {
  it('a query is a call of the service, and its answer is the reply', () =>
    withUpstreams([replying(rcode.NOERROR)], '', async (plugin, [{ asked, port }], harness) => {
      assert.equal(await outcomeOf(plugin), 'grpc NOERROR')
      assert.deepEqual(
        [asked[0][':method'], asked[0][':path'], asked[0]['content-type'], asked[0].te],
        ['POST', grpcMethod, 'application/grpc', 'trailers'],
      )
      // What slicedns explain asks is not counted.
      await soon(handle(plugin, { ...ask('b.example.org. A'), unrecorded: true }, failing(rcode.REFUSED)))
      assert.match(await harness.metrics.text(), new RegExp(`coredns_grpc_requests_total{to="127.0.0.1:${port}"} 1\n`))
    }))

  it('an upstream is asked over TLS where tls or tls_servername is written', async () => {
    for (const options of [
      `tls ${certificates.path}/ca.pem`,
      `tls ${certificates.path}/ca.pem\ntls_servername localhost`,
    ])
      await withUpstreams(
        [replying(rcode.NOERROR)],
        options,
        async (plugin) => assert.equal(await outcomeOf(plugin), 'grpc NOERROR'),
        true,
      )
  })

  it('an upstream whose certificate has another name is not asked', () =>
    withUpstreams(
      [replying(rcode.NOERROR)],
      `tls ${certificates.path}/ca.pem\ntls_servername dns.example.net`,
      async (plugin, [{ asked }]) => {
        assert.equal(await outcomeOf(plugin), 'grpc SERVFAIL')
        assert.equal(asked.length, 0)
      },
      true,
    ))

  const outcomes: readonly (readonly [what: string, answers: readonly Answer[], options: string, outcome: string])[] = [
    ['the next upstream answers where the first fails', [failingWith(14), replying(rcode.NOERROR)], '', 'grpc NOERROR'],
    ['SERVFAIL is the answer where all fail', [failingWith(2), failingWith(14)], '', 'grpc SERVFAIL'],
    ['NOT_FOUND of the service is NXDOMAIN', [failingWith(5)], '', 'grpc NXDOMAIN'],
    [
      'an answer with another ID is FORMERR',
      [replying(0, (reply) => reply.writeUInt16BE(0xffff, 0))],
      '',
      'grpc FORMERR',
    ],
    ['an answer to another question is FORMERR', [replying(0, (reply) => (reply[13] = 0x62))], '', 'grpc FORMERR'],
    ['NXDOMAIN falls through', [replying(rcode.NXDOMAIN)], 'fallthrough', 'test REFUSED'],
    ['a failure falls through', [failingWith(14)], 'fallthrough example.org', 'test REFUSED'],
    [
      'NXDOMAIN of another zone does not fall through',
      [replying(rcode.NXDOMAIN)],
      'fallthrough example.net',
      'grpc NXDOMAIN',
    ],
    [
      'a response that is no gRPC is a failure',
      [(stream) => stream.respond({ ':status': 404 }, { endStream: true })],
      '',
      'grpc SERVFAIL',
    ],
    ['a call that is cut is a failure', [(stream) => stream.close(2)], '', 'grpc SERVFAIL'],
  ]
  for (const [what, answers, options, outcome] of outcomes)
    it(`the outcome of grpc: ${what}`, () =>
      withUpstreams(answers, options, async (plugin) => assert.equal(await outcomeOf(plugin), outcome)))

  const unparsable: Answer = (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    stream.end(encodePacket(Buffer.from('no message')))
  }
  const reset: Answer = (stream) => void (stream.session!.socket as Socket).resetAndDestroy()
  /** Of RFC 8914 §4.23, §4.24: nobody was reached, or what was said is of no use. */
  const reasons: readonly (readonly [what: string, answer: Answer, code: number, text: RegExp])[] = [
    ['a call that is cut', (stream) => stream.close(2), 23, /^grpc 127\.0\.0\.1:\d+: .*INTERNAL_ERROR$/],
    ['a connection that is closed', (stream) => stream.session!.destroy(), 23, /^grpc 127\.0\.0\.1:\d+: /],
    ['a connection that is reset', reset, 23, /^grpc 127\.0\.0\.1:\d+: /],
    ['a service that is not available', failingWith(14), 23, /: status 14 as told$/],
    ['a response that is no gRPC', (stream) => stream.respond({ ':status': 404 }, { endStream: true }), 23, /404$/],
    ['an answer that is no message', unparsable, 23, /^the answer is to another question$/],
    ['an answer to another question', replying(0, (reply) => (reply[13] = 0x62)), 23, /another question$/],
  ]
  for (const [what, answer, code, text] of reasons)
    it(`the extended error of ${what} is ${code}`, () =>
      withUpstreams([answer], '', async (plugin) => {
        const { extendedError } = await failureOf(plugin)
        assert.equal(extendedError?.code, code)
        assert.match(extendedError?.text ?? '', text)
      }))

  it('the extended error of a port where nobody listens is 22', async () => {
    const harness = createPluginHarness()
    const plugin = setUp(grpc, `grpc example.org 127.0.0.1:${await freePort()}`, harness)
    const { extendedError } = await failureOf(plugin)
    assert.equal(extendedError?.code, 22)
    assert.match(extendedError?.text ?? '', /connection refused$/)
    await plugin.stop?.()
  })

  it('the extended error of an upstream that falls silent is 22, as of a name server that does not answer in time', () =>
    withProxy([replying(rcode.NOERROR)], async (plugin, proxy, _, { clock }) => {
      assert.equal(await outcomeOf(plugin), 'grpc NOERROR')
      proxy.freeze('kept')
      const query = ask('example.org. SOA')
      const update = { ...query, request: { ...query.request, opcode: opcode.UPDATE } }
      const outcome = soon(handle(plugin, update, failing(rcode.REFUSED)))
      clock.advance(second)
      clock.advance(second)
      const ended = await outcome
      assert.ok(ended.kind === 'rcode')
      assert.equal(ended.extendedError?.code, 22)
    }))

  it('names outside FROM and in except go to the next plugin, FROM itself does not', () =>
    withUpstreams([replying(rcode.NOERROR)], 'except example.org', async (plugin) => {
      const seen = []
      for (const name of ['example.org.', 'a.example.org.', 'a.example.net.']) seen.push(await outcomeOf(plugin, name))
      assert.deepEqual(seen, ['grpc NOERROR', 'test REFUSED', 'test REFUSED'])
    }))

  it('a question on a connection that has fallen silent is asked again on a new one', () =>
    withProxy([replying(rcode.NOERROR)], async (plugin, proxy, [{ asked }], harness) => {
      assert.equal(await outcomeOf(plugin), 'grpc NOERROR')
      proxy.freeze('kept')
      const outcome = outcomeOf(plugin)
      // A second of silence, and another without an answer to the PING.
      harness.clock.advance(second)
      harness.clock.advance(second)
      assert.equal(await outcome, 'grpc NOERROR')
      assert.equal(asked.length, 2)
      const silent = `slicedns_grpc_silent_connections_total{to="127.0.0.1:${proxy.port}"} 1`
      assert.ok((await harness.metrics.text()).includes(silent))
    }))

  it('an UPDATE on a connection that has fallen silent is not asked again: it may have been taken', () =>
    withProxy([replying(rcode.NOERROR)], async (plugin, proxy, [{ asked }], harness) => {
      assert.equal(await outcomeOf(plugin), 'grpc NOERROR')
      proxy.freeze('kept')
      const query = ask('example.org. SOA')
      const request = { ...query.request, opcode: opcode.UPDATE }
      const outcome = soon(handle(plugin, { ...query, request }, failing(rcode.REFUSED)))
      harness.clock.advance(second)
      harness.clock.advance(second)
      assert.equal((await outcome).kind, 'rcode')
      assert.equal(asked.length, 1)
    }))

  it('the next upstream is asked after 2 s, and the silent one last until it is back', () =>
    withProxy([replying(rcode.NOERROR), replying(rcode.NOTIMP)], async (plugin, proxy, [first], harness) => {
      assert.equal(await outcomeOf(plugin), 'grpc NOERROR')
      proxy.freeze('all')
      const outcome = outcomeOf(plugin)
      harness.clock.advance(2 * second)
      assert.equal(await outcome, 'grpc NOTIMP')
      // The clock stands still: whoever asked the silent one first would wait for ever.
      await until(async () =>
        assert.match(await harness.metrics.text(), /^slicedns_grpc_silent_connections_total{.*} 1$/m),
      )
      assert.equal(await outcomeOf(plugin), 'grpc NOTIMP')
      harness.clock.advance(2 * second)
      assert.equal(await outcomeOf(plugin), 'grpc NOTIMP')
      assert.equal(first.asked.length, 1)
      proxy.thaw()
      await until(async () => assert.equal(await outcomeOf(plugin), 'grpc NOERROR'))
    }))

  it('the next upstream is asked where no connection is answered', () =>
    withProxy([replying(rcode.NOERROR), replying(rcode.NOTIMP)], async (plugin, proxy, _, { clock }) => {
      proxy.freeze('all')
      const outcome = outcomeOf(plugin)
      clock.advance(2 * second)
      assert.equal(await outcome, 'grpc NOTIMP')
      clock.advance(3 * second)
      assert.equal(await outcomeOf(plugin), 'grpc NOTIMP')
    }))

  it('a server that answers no call gets a new connection before it takes PINGs for abuse', () =>
    withUpstreams([() => undefined], '', async (plugin, [{ pings }], harness) => {
      const outcome = outcomeOf(plugin)
      await until(
        async () => {
          harness.clock.advance(second / 10)
          assert.match(await harness.metrics.text(), /^slicedns_grpc_silent_connections_total{.*} [1-9]/m)
        },
        { every: 5 },
      )
      assert.ok(pings() <= 3, `${pings()} PINGs`)
      await plugin.stop?.()
      assert.equal(await outcome, 'grpc SERVFAIL')
    }))

  it('an upstream may be a Unix socket, in the clear and over TLS, where its name is localhost', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'slicedns-grpc-'))
    try {
      for (const [file, options] of [
        ['plain.sock', ''],
        ['secure.sock', `{\ntls ${certificates.path}/ca.pem\n}`],
      ]) {
        const path = join(folder, file)
        const server = await upstream(replying(rcode.NOERROR), options !== '', path)
        const harness = createPluginHarness()
        const plugin = setUp(grpc, `grpc example.org unix://${path} ${options}`, harness)
        try {
          assert.equal(await outcomeOf(plugin), 'grpc NOERROR')
          assert.ok((await harness.metrics.text()).includes(`coredns_grpc_requests_total{to="unix://${path}"} 1`))
          assert.equal(server.asked[0][':authority'], 'localhost')
        } finally {
          await plugin.stop?.()
          server.close()
        }
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('a connection that its server has ended is opened again', () =>
    withUpstreams([replying(rcode.NOERROR)], '', async (plugin, [first]) => {
      assert.equal(await outcomeOf(plugin), 'grpc NOERROR')
      first.endSessions()
      await until(async () => assert.equal(await outcomeOf(plugin), 'grpc NOERROR'))
      assert.ok(first.asked.length >= 2)
    }))
})
