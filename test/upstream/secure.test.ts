import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createSecureServer, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it, type TestContext } from 'node:test'
import { rcode } from '../../src/dns/codes.ts'
import { infoCode } from '../../src/dns/extended-error.ts'
import { recordText } from '../../src/dns/rdata.ts'
import { parseRecord } from '../../src/dns/record-text.ts'
import { finishReply, replyTo } from '../../src/dns/reply.ts'
import { parseMessage } from '../../src/dns/wire.ts'
import type { Outcome } from '../../src/plugin/query.ts'
import { forward } from '../../src/plugins/forward/index.ts'
import { createHttpsConnection } from '../../src/upstream/https.ts'
import { ask, createPluginHarness, failing, handle, messageOf, setUp } from '../support/plugin-harness.ts'
import { freePort } from '../support/ports.ts'
import { answering, startUpstream } from '../support/upstream.ts'

const folder = mkdtempSync(join(tmpdir(), 'secure-'))
after(() => rmSync(folder, { recursive: true }))
const cert = join(folder, 'cert.pem')
const key = join(folder, 'key.pem')

/** Why there can be no certificate, if so. */
function makeCertificate(): string | undefined {
  const subject = ['-subj', '/CN=dns.test', '-addext', 'subjectAltName=DNS:dns.test,IP:127.0.0.1']
  const made = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '2',
    ...subject,
  ]
  try {
    execFileSync('openssl', [...made, '-keyout', key, '-out', cert], { stdio: 'ignore' })
    return undefined
  } catch {
    return 'openssl is not installed, which makes the certificate'
  }
}

const skip = makeCertificate() ?? false
const pem = (path: string) => readFileSync(path)

async function forwarding(t: TestContext, to: string, body: string) {
  const instance = setUp(forward, `forward . ${to} {\n${body}\n}`, createPluginHarness())
  t.after(async () => instance.stop?.())
  return (question: string): Promise<Outcome> => Promise.resolve(handle(instance, ask(question), failing(rcode.NOTIMP)))
}

describe('tls:// upstreams', { skip }, () => {
  const start = () => startUpstream(answering(), { tls: { cert: pem(cert), key: pem(key) } })

  it('tls:// upstreams are asked over one TLS connection, by UDP clients too', async (t) => {
    const server = await start()
    t.after(server.close)
    for (const [to, body] of [
      [`tls://${server.to}`, `tls ${cert}`],
      [`tls://${server.to}%dns.test`, `tls ${cert}`],
      [`tls://${server.to}`, `tls ${cert}\ntls_servername dns.test`],
    ]) {
      const ask = await forwarding(t, to, body)
      const before = server.connections()
      for (let i = 0; i < 3; i++) assert.equal(messageOf(await ask(`n${i}.example.org. A`)).answer.length, 1)
      assert.equal(server.connections(), before + 1)
    }
    assert.ok(server.arrived.every(({ via }) => via === 'tcp'))
  })

  it('tls:// upstreams that close after each answer lose no question', async (t) => {
    const server = await start()
    t.after(server.close)
    server.script = (arrived) => {
      answering()(arrived)
      arrived.hangUp()
    }
    const ask = await forwarding(t, `tls://${server.to}`, `tls ${cert}`)
    const together = (names: readonly string[]) => Promise.all(names.map((name) => ask(`${name}.example.org. A`)))
    for (const names of [['a'], ['b'], ['c', 'd', 'e', 'f'], ['g', 'h']]) {
      for (const outcome of await together(names)) assert.equal(messageOf(outcome).answer.length, 1)
    }
  })

  it('tls:// upstreams are not believed without a certificate that is theirs', async (t) => {
    const server = await start()
    t.after(server.close)
    for (const [to, body, error] of [
      [
        `tls://${server.to}`,
        '',
        /x509: certificate signed by unknown authority \(name its CA with 'tls CA', or add the CA to/,
      ],
      [`tls://${server.to}%other.test`, `tls ${cert}`, /does not match|altnames/i],
    ] as const) {
      const ask = await forwarding(t, to, body)
      const outcome = await ask('a.example.org. A')
      assert.ok(outcome.kind === 'rcode' && outcome.rcode === rcode.SERVFAIL)
      assert.match(outcome.error?.message ?? '', error)
    }
    assert.equal(server.arrived.length, 0)
  })
})

describe('upstreams whose CA the system trusts', { skip }, () => {
  const { SSL_CERT_FILE, SSL_CERT_DIR } = process.env
  after(() => Object.assign(process.env, { SSL_CERT_FILE: SSL_CERT_FILE ?? '', SSL_CERT_DIR: SSL_CERT_DIR ?? '' }))

  for (const body of ['', 'tls', 'tls_servername dns.test', `tls ${cert} ${key}`])
    it(`tls:// upstreams are believed without a CA in the Corefile: ${body.replaceAll(folder, '') || 'no option'}`, async (t) => {
      Object.assign(process.env, { SSL_CERT_FILE: cert, SSL_CERT_DIR: folder })
      const server = await startUpstream(answering(), { tls: { cert: pem(cert), key: pem(key) } })
      t.after(server.close)
      const ask = await forwarding(t, `tls://${server.to}`, body)
      assert.equal(messageOf(await ask('a.example.org. A')).answer.length, 1)
    })
})

describe('https:// upstreams', { skip }, () => {
  for (const method of ['POST', 'GET']) {
    it(`https:// upstreams are asked by ${method} over HTTP/2, with ID 0 (RFC 8484 §4.1)`, async (t) => {
      const port = await freePort()
      const seen: string[] = []
      const server = createSecureServer({ cert: pem(cert), key: pem(key) }, (request, response) => {
        const parts: Buffer[] = []
        request.on('data', (part: Buffer) => parts.push(part))
        request.on('end', () => {
          const inPath = new URL(request.url, 'https://dns.test').searchParams.get('dns')
          const query = parseMessage(inPath ? Buffer.from(inPath, 'base64url') : Buffer.concat(parts))
          seen.push(`${request.method} ${request.url.split('?')[0]} ${request.headers.accept} ${query.id}`)
          const answer = [{ ...parseRecord('x. 60 IN A 192.0.2.1'), name: query.questions[0].name }]
          response.writeHead(200, { 'content-type': 'application/dns-message' })
          response.end(finishReply(replyTo(query, { answer }), query, { transport: 'https' }))
        })
      })
      await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening))
      const ask = await forwarding(t, `https://127.0.0.1:${port}`, `tls ${cert}\ndoh_method ${method}`)
      t.after(() => server.close())
      const reply = messageOf(await ask('WWW.example.org. A'))
      assert.equal(reply.id, 17)
      assert.deepEqual(reply.answer.map(recordText), ['WWW.example.org. 60 IN A 192.0.2.1'])
      assert.deepEqual(seen, [`${method} /dns-query application/dns-message 0`])
    })
  }

  it('https:// upstreams whose CA is not trusted fail with what an operator can do', async (t) => {
    const port = await freePort()
    const server = createSecureServer({ cert: pem(cert), key: pem(key) })
    await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening))
    t.after(() => server.close())
    const ask = await forwarding(t, `https://127.0.0.1:${port}`, '')
    const outcome = await ask('a.example.org. A')
    assert.ok(outcome.kind === 'rcode')
    assert.match(
      outcome.error?.message ?? '',
      /x509: certificate signed by unknown authority \(name its CA with 'tls CA'/,
    )
    assert.equal(outcome.extendedError?.code, infoCode.noReachableAuthority)
  })

  it('https:// upstreams that cut a request or a connection were reached (RFC 8914 §4.24)', async (t) => {
    for (const cut of [
      (stream: ServerHttp2Stream) => stream.close(2),
      (stream: ServerHttp2Stream) => stream.session!.destroy(),
    ]) {
      const server = createSecureServer({ cert: pem(cert), key: pem(key) })
      server.on('stream', (stream: ServerHttp2Stream) => cut(stream.on('error', () => undefined)))
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      t.after(() => server.close())
      const ask = await forwarding(t, `https://127.0.0.1:${(server.address() as AddressInfo).port}`, `tls ${cert}`)
      const outcome = await ask('a.example.org. A')
      assert.ok(outcome.kind === 'rcode' && outcome.rcode === rcode.SERVFAIL)
      assert.equal(outcome.extendedError?.code, infoCode.networkError)
    }
  })

  it('https:// upstreams that were silent to one question are asked the next one over a new session', async (t) => {
    const port = await freePort()
    let sessions = 0
    const server = createSecureServer({ cert: pem(cert), key: pem(key) })
    const asked = new EventEmitter()
    server.on('session', () => {
      sessions++
    })
    server.on('stream', (stream: ServerHttp2Stream) => {
      stream.on('error', () => undefined)
      if (sessions === 1) asked.emit('silence')
      else stream.respond({ ':status': 200 })
      if (sessions > 1) stream.end('reply')
    })
    await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening))
    const connection = createHttpsConnection({
      target: { address: '127.0.0.1', port, serverName: '' },
      tls: () => ({ host: '127.0.0.1', port, ca: pem(cert) }),
      dohMethod: 'POST',
      expire: 10_000,
    })
    t.after(() => {
      connection.close()
      server.close()
    })
    const silence = once(asked, 'silence')
    const failed = (error: Error) => assert.fail(error)
    const sending = connection.send(Buffer.alloc(12), { answer: () => assert.fail('no answer was sent'), failed })
    await silence
    sending.cancel('silent')
    const answer = await new Promise<string>((resolve) => {
      const take = (octets: Uint8Array) => {
        resolve(Buffer.from(octets).toString())
        return true
      }
      connection.send(Buffer.alloc(12), { answer: take, failed })
    })
    assert.deepEqual([answer, sessions], ['reply', 2])
  })

  it('https:// upstreams that answer with another status fail', async (t) => {
    const port = await freePort()
    const server = createSecureServer({ cert: pem(cert), key: pem(key) }, (_, response) => {
      response.writeHead(503).end()
    })
    await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening))
    const ask = await forwarding(t, `https://127.0.0.1:${port}`, `tls ${cert}`)
    t.after(() => server.close())
    const outcome = await ask('a.example.org. A')
    assert.ok(outcome.kind === 'rcode' && outcome.rcode === rcode.SERVFAIL)
    assert.match(outcome.error?.message ?? '', /HTTP status 503/)
  })
})
