/** What holds for every transport by connections, asked of each. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { parseMessage } from '../../src/dns/wire.ts'
import type { Miss } from '../../src/server/ingress.ts'
import { startReader } from '../plugins/dnstap/reader.ts'
import { createAuthority } from '../support/api-server/certificates.ts'
import { certificateFolder, testTls } from '../support/certificates.ts'
import { startLoopbackServer } from '../support/loopback-server.ts'
import { question } from '../support/question.ts'
import { allWays, type StreamClientOptions, streamClient, type Way, ways } from '../support/stream-clients.ts'
import { until } from '../support/until.ts'
import { type Bench, query, rcodeReply, readReply, withTransport } from './support.ts'

const authority = createAuthority()
const certificates = certificateFolder()
const folder = mkdtempSync(join(tmpdir(), 'slicedns-every-'))
after(() => {
  certificates.remove()
  rmSync(folder, { recursive: true })
})
certificates.issue('server')
const tls = `tls ${certificates.path}/server.pem ${certificates.path}/server.key`

const isSecure = (way: Way) => way !== 'tcp'

const [noError, servFail, refused] = [0, 2, 5]

/** A chain whose answers come when the test wants them. */
function waitingChain() {
  const misses: { miss: Miss; answer(): void }[] = []
  const onMiss = (miss: Miss) =>
    new Promise<Uint8Array>((resolve) => misses.push({ miss, answer: () => resolve(rcodeReply(miss.request, 0)) }))
  return { misses, onMiss }
}

for (const way of allWays)
  describe(`a listener that is asked over ${way}`, () => {
    const client = (port: number, options: Partial<StreamClientOptions> = {}) =>
      streamClient(way, { port, ca: authority.cert, ...options })

    const withListener = (
      options: Parameters<typeof withTransport>[0],
      run: (bench: Bench) => Promise<void>,
    ): Promise<void> =>
      withTransport({ udp: 'dgram', ...options }, async (bench) => {
        const tls = isSecure(way) ? { tls: testTls(authority) } : {}
        await bench.transport.apply([bench.listener({ scheme: ways[way], address: '', ...tls })])
        await run(bench)
      })

    test('a client is answered what it has asked before the listener closes', () => {
      const { misses, onMiss } = waitingChain()
      return withListener({ onMiss }, async ({ transport, port }) => {
        const asking = client(port)
        const asked = asking.ask(query('miss', 7))
        await until(() => assert.equal(misses.length, 1))
        const closed = transport.close()
        misses[0].answer()
        assert.equal(readReply(await asked).id, 7)
        await closed
        asking.close()
      })
    })

    test('the heaviest client is refused where queries that wait hold too many octets, and others wait on', () => {
      const { misses, onMiss } = waitingChain()
      return withListener({ onMiss, limits: { waitingBytes: 60_000 } }, async ({ port, metric }) => {
        const heavy = Array.from({ length: 20 }, () => client(port, { from: '127.0.0.8' }))
        const asked = heavy.map((one, id) => one.ask(query('miss', id)))
        const rcodes: number[] = []
        for (const each of asked) void each.then((reply) => rcodes.push(readReply(reply).rcode)).catch(() => undefined)
        await until(() => assert.ok(rcodes.length > 0 && rcodes.length + misses.length === 20))
        assert.deepEqual(new Set(rcodes), new Set([servFail]))
        const [before, refusals] = [misses.length, rcodes.length]
        const light = client(port, { from: '127.0.0.9' })
        const waiting = light.ask(query('miss', 99))
        await until(() => assert.equal(misses.length, before + 1))
        for (const { answer } of misses) answer()
        assert.equal(readReply(await waiting).rcode, noError)
        assert.equal(await metric('slicedns_waiting_queries_refused_total'), refusals)
        for (const one of [...heavy, light]) one.close()
      })
    })

    test('a query that is held gives its slot back, and is answered', () => {
      const { misses, onMiss } = waitingChain()
      const held = (miss: Miss) => {
        miss.releaseSlot!()
        return onMiss(miss)
      }
      return withListener({ onMiss: held }, async ({ port }) => {
        const asking = client(port)
        const asked = asking.ask(query('miss', 3))
        await until(() => assert.equal(misses.length, 1))
        misses[0].answer()
        assert.equal(readReply(await asked).id, 3)
        asking.close()
      })
    })

    test('the plugins of its block see the client, and metrics, log and dnstap say what was answered', async () => {
      const reader = await startReader(join(folder, `${allWays.indexOf(way)}.sock`))
      const key = (port: number) => `${ways[way]}://.:${port}`
      const server = await startLoopbackServer(
        (port) => `${key(port)} {
          bind 127.0.0.1
          ${isSecure(way) ? tls : ''}
          acl {
            block net 127.0.0.66
          }
          dnstap ${join(folder, `${allWays.indexOf(way)}.sock`)} full
          prometheus 127.0.0.1:0
          log
          hosts {
            192.0.2.1 a.example
          }
        }`,
        { udp: 'dgram' },
      )
      const ca = certificates.authority.cert
      const allowed = streamClient(way, { port: server.port, ca, from: '127.0.0.9' })
      const blocked = streamClient(way, { port: server.port, ca, from: '127.0.0.66' })
      try {
        const rcodes = []
        for (const each of [allowed, blocked])
          rcodes.push(parseMessage(await each.ask(question('a.example A', 21))).rcode)
        assert.deepEqual(rcodes, [noError, refused])
        assert.equal(server.answeredByTable(), 1)
        const labels = `family="1",proto="tcp",server="${ways[way]}://127.0.0.1:${server.port}",type="A",view="",zone="."`
        await until(async () => assert.equal(await server.metric(`coredns_dns_requests_total{${labels}}`), 2))
        await until(() =>
          assert.match(server.lines.join('\n'), /127\.0\.0\.9:\d+ - 21 "A IN a\.example\. tcp 38 false/),
        )
        await until(() => assert.ok(reader.messages.length >= 4))
        const seen = reader.messages.map(({ type, socket_protocol, query_address }) => [
          type,
          socket_protocol,
          query_address,
        ])
        assert.ok(
          seen.some((each) => each.join() === ['CLIENT_RESPONSE', 2, '7f000042'].join()),
          JSON.stringify(seen),
        )
      } finally {
        for (const each of [allowed, blocked]) each.close()
        await server.stop()
        await reader.close()
      }
    })

    test('the client is the one that the PROXY header names', async () => {
      const server = await startLoopbackServer(
        (port) => `${ways[way]}://.:${port} {
          bind 127.0.0.1
          ${isSecure(way) ? tls : ''}
          proxyproto
          acl {
            block net 192.0.2.66
          }
          hosts {
            192.0.2.1 a.example
          }
        }`,
        { udp: 'dgram' },
      )
      const rcodes = []
      for (const address of ['192.0.2.9', '192.0.2.66']) {
        const preamble = `PROXY TCP4 ${address} 192.0.2.1 1234 53\r\n`
        const asking = streamClient(way, { port: server.port, ca: certificates.authority.cert, preamble })
        rcodes.push(parseMessage(await asking.ask(question('a.example A', 1))).rcode)
        asking.close()
      }
      await server.stop()
      assert.deepEqual(rcodes, [noError, refused])
    })
  })
