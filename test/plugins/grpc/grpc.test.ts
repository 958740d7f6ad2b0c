import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createSecureServer, createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { after, describe, it } from 'node:test'
import { rcode, rcodeName } from '../../../src/dns/codes.ts'
import { decodePacket, encodePacket, grpcMethod } from '../../../src/dns/grpc-packet.ts'
import type { Instance } from '../../../src/plugin/contract.ts'
import { grpc } from '../../../src/plugins/grpc/index.ts'
import { certificateFolder } from '../../support/certificates.ts'
import { ask, createPluginHarness, failing, handle, type PluginHarness, setUp } from '../../support/plugin-harness.ts'
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
  endSessions(): void
  close(): void
}

async function upstream(answer: Answer, secure = false): Promise<Upstream> {
  const asked: IncomingHttpHeaders[] = []
  const sessions = new Set<{ destroy(): void }>()
  const server = secure ? createSecureServer(own) : createServer()
  server.on('session', (session) => sessions.add(session))
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
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    endSessions() {
      for (const session of sessions) session.destroy()
    },
    close() {
      server.close()
      for (const session of sessions) session.destroy()
    },
  }
}

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

/** The rcode of the outcome, and who gave it. */
async function outcomeOf(plugin: Instance, name = 'a.example.org.'): Promise<string> {
  const outcome = await handle(plugin, ask(`${name} A`), failing(rcode.REFUSED))
  if (outcome.kind === 'drop') return 'drop'
  return `${outcome.plugin} ${rcodeName(outcome.kind === 'reply' ? outcome.message.rcode : outcome.rcode)}`
}

describe('grpc', () => {
  it('a query is a call of the service, and its answer is the reply', () =>
    withUpstreams([replying(rcode.NOERROR)], '', async (plugin, [{ asked, port }], harness) => {
      assert.equal(await outcomeOf(plugin), 'grpc NOERROR')
      assert.deepEqual(
        [asked[0][':method'], asked[0][':path'], asked[0]['content-type'], asked[0].te],
        ['POST', grpcMethod, 'application/grpc', 'trailers'],
      )
      assert.match(await harness.metrics.text(), new RegExp(`coredns_grpc_requests_total{to="127.0.0.1:${port}"} 1`))
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

  it('names outside FROM and in except go to the next plugin, FROM itself does not', () =>
    withUpstreams([replying(rcode.NOERROR)], 'except example.org', async (plugin) => {
      const seen = []
      for (const name of ['example.org.', 'a.example.org.', 'a.example.net.']) seen.push(await outcomeOf(plugin, name))
      assert.deepEqual(seen, ['grpc NOERROR', 'test REFUSED', 'test REFUSED'])
    }))

  it('a connection that its server has ended is opened again', () =>
    withUpstreams([replying(rcode.NOERROR)], '', async (plugin, [first]) => {
      assert.equal(await outcomeOf(plugin), 'grpc NOERROR')
      first.endSessions()
      await until(async () => assert.equal(await outcomeOf(plugin), 'grpc NOERROR'))
      assert.ok(first.asked.length >= 2)
    }))
})
