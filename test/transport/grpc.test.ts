/** DNS over gRPC: what a library of gRPC gets from it. CoreDNS's own client asks it in test/conformance. */
import assert from 'node:assert/strict'
import { connect } from 'node:http2'
import { describe, test } from 'node:test'
import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js'
import { decodePacket, encodePacket, grpcMethod } from '../../src/dns/grpc-packet.ts'
import type { Listener, Miss } from '../../src/server/ingress.ts'
import { createAuthority } from '../support/api-server/certificates.ts'
import { testTls } from '../support/certificates.ts'
import { until } from '../support/until.ts'
import { type Bench, query, rcodeReply, readReply, withTransport } from './support.ts'

/** The same with either UDP path; this one starts faster. */
const udp = 'dgram'
const authority = createAuthority()

interface Called {
  readonly code: number
  readonly details: string
  readonly message: Uint8Array | undefined
}

/** One call of the service by grpc-js; its prefix is grpc-js's own. */
function call(
  client: Client,
  message: Uint8Array,
  { method = grpcMethod, cancelled = new Promise<void>(() => undefined) } = {},
): Promise<Called> {
  const prefix = 5
  return new Promise((resolve) => {
    const made = client.makeUnaryRequest(
      method,
      (asked: Uint8Array) => Buffer.from(encodePacket(asked).subarray(prefix)),
      (octets: Buffer) => octets,
      message,
      (error: ServiceError | null, octets?: Buffer) => {
        if (error || octets === undefined)
          return resolve({ code: error?.code ?? -1, details: error?.details ?? '', message: undefined })
        const framed = Buffer.concat([Buffer.of(0, 0, 0, 0, 0), octets])
        framed.writeUInt32BE(octets.length, 1)
        const packet = decodePacket(framed)
        resolve({ code: status.OK, details: '', message: packet.kind === 'message' ? packet.message : undefined })
      },
    )
    void cancelled.then(() => made.cancel())
  })
}

const withGrpc = (
  options: Parameters<typeof withTransport>[0],
  run: (bench: Bench, client: Client) => Promise<void>,
  changes: Partial<Listener> = { tls: testTls(authority) },
) =>
  withTransport({ udp, ...options }, async (bench) => {
    const { port } = bench
    await bench.transport.apply([bench.listener({ scheme: 'grpc', ...changes })])
    const security = changes.tls ? credentials.createSsl(Buffer.from(authority.cert)) : credentials.createInsecure()
    // Its TLS takes no address for a name.
    const client = new Client(`127.0.0.1:${port}`, security, { 'grpc.ssl_target_name_override': 'localhost' })
    try {
      await run(bench, client)
    } finally {
      client.close()
    }
  })

describe('DNS over gRPC', () => {
  for (const [how, changes] of [
    ['TLS', undefined],
    ['in the clear', {}],
  ] as const)
    test(`a call of grpc-js is answered, ${how}`, () =>
      withGrpc(
        {},
        async (_bench, client) => {
          for (let id = 1; id <= 3; id++) {
            const { code, details, message } = await call(client, query('table', id))
            assert.equal(code, status.OK, details)
            assert.deepEqual([readReply(message!).id, readReply(message!).space], [id, 1])
          }
        },
        changes,
      ))

  const failures: readonly (readonly [
    what: string,
    message: Uint8Array,
    code: number,
    details: RegExp,
    method?: string,
  ])[] = [
    ['another method', query('table'), status.UNIMPLEMENTED, /unknown method/, '/coredns.dns.DnsService/Ask'],
    ['no message', new Uint8Array(0), status.UNKNOWN, /not a DNS query/],
    ['a reply', rcodeReply(query('table'), 0), status.UNKNOWN, /not a DNS query/],
    ['a query that is dropped', query('drop'), status.UNKNOWN, /no response/],
    [
      'a message of more than 4,096 octets',
      Buffer.alloc(5000, query('table')),
      status.RESOURCE_EXHAUSTED,
      /larger than/,
    ],
  ]
  test('each call that cannot be answered has its status and a text', () =>
    withGrpc({}, async (_bench, client) => {
      for (const [what, message, code, details, method] of failures) {
        const called = await call(client, message, { ...(method && { method }) })
        assert.equal(called.code, code, what)
        assert.match(called.details, details)
      }
      assert.equal((await call(client, query('table'))).code, status.OK)
    }))

  test('the chain learns that a query came over gRPC, and hears when its call is cancelled', () => {
    const misses: Miss[] = []
    const onMiss = (miss: Miss) => {
      misses.push(miss)
      return new Promise<Uint8Array>(() => undefined)
    }
    return withGrpc({ onMiss }, async (_bench, client) => {
      const { promise: cancelled, resolve: cancel } = Promise.withResolvers<void>()
      const called = call(client, query('miss'), { cancelled })
      await until(() => assert.equal(misses.length, 1))
      assert.equal(misses[0].transport, 'grpc')
      cancel()
      assert.equal((await called).code, status.CANCELLED)
      await until(() => assert.equal(misses[0].signal?.aborted, true))
    })
  })

  test('a text that quotes the client is short, whatever the client sends', () =>
    withGrpc({}, async (_bench, client) => {
      const { code, details } = await call(client, query('table'), { method: `/${'%'.repeat(6000)}` })
      assert.equal(code, status.UNIMPLEMENTED)
      assert.equal(details.length, 256)
    }))

  test('a request that is no gRPC gets an HTTP status', () =>
    withGrpc({}, async ({ port }) => {
      const session = connect(`https://127.0.0.1:${port}`, { ca: authority.cert })
      const statuses = []
      for (const headers of [
        { ':method': 'GET', ':path': grpcMethod },
        { ':method': 'POST', ':path': grpcMethod, 'content-type': 'text/plain' },
      ]) {
        const stream = session.request(headers)
        stream.on('error', () => undefined)
        statuses.push(await new Promise((resolve) => stream.on('response', (found) => resolve(found[':status']))))
      }
      assert.deepEqual(statuses, [405, 415])
      session.destroy()
    }))
})
