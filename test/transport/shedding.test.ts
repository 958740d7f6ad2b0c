/** A listener with `shed`: silence over UDP where another one says SERVFAIL. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { loadShedding } from '../../src/plugin/capabilities/load-shedding.ts'
import { capabilityOf } from '../../src/plugin/capability.ts'
import { shed } from '../../src/plugins/shed/index.ts'
import { createPluginHarness, setUp } from '../support/plugin-harness.ts'
import { until } from '../support/until.ts'
import { query, rcodeReply, tcpClient, udpClient, withTransport } from './support.ts'

for (const udp of ['auto', 'dgram'] as const) {
  describe(`shed over UDP by ${udp === 'auto' ? 'threads' : 'node:dgram'}`, () => {
    test('a query without a slot of the chain is dropped and counted; over TCP it waits', () => {
      const release = Promise.withResolvers<void>()
      const onMiss = async ({ request }: { request: Uint8Array }) => {
        await release.promise
        return rcodeReply(request, 3)
      }
      return withTransport(
        { udp, onMiss, limits: { udpPending: 1 } },
        async ({ transport, port, listener, metric }) => {
          const harness = createPluginHarness()
          const shedding = capabilityOf(setUp(shed, 'shed', harness), loadShedding)!('dns://:53')
          await transport.apply([listener({ shedding })])
          const client = await udpClient('127.0.0.1', port)
          const stream = await tcpClient('127.0.0.1', port)
          client.send(query('miss', 1))
          client.send(query('miss', 2))
          await until(() => assert.equal(shedding.queries.value, 1))
          assert.equal(await metric('slicedns_miss_queue_overflow_total'), 1)
          const message = query('miss', 3)
          stream.write(Uint8Array.of(message.length >> 8, message.length & 0xff), message)
          release.resolve()
          assert.deepEqual([(await client.next()).id, (await stream.next()).id], [1, 3])
          assert.match(
            await harness.metrics.text(),
            /^coredns_shed_dropped_total\{reason="query",server="dns:\/\/:53"\} 1$/m,
          )
          client.close()
          stream.close()
        },
      )
    })
  })
}

describe('shed behind a backlog of the main thread', () => {
  test('a query that the ring of a UDP thread has no room for is dropped and counted, and later ones are answered', () =>
    withTransport(
      { udp: 'auto', onMiss: ({ request }) => rcodeReply(request, 3), limits: { missRingBytes: 1024 } },
      async ({ transport, port, listener, metric }) => {
        const shedding = capabilityOf(setUp(shed, 'shed'), loadShedding)!('dns://:53')
        await transport.apply([listener({ shedding })])
        const client = await udpClient('127.0.0.1', port)
        // This thread is the main thread: while it sends, nobody empties the ring.
        await until(async () => {
          for (let i = 0; i < 200; i++) client.send(query('miss', i))
          await metric('slicedns_udp_send_drops_total')
          assert.ok(shedding.queries.value > 0)
        })
        assert.equal(await metric('slicedns_miss_queue_overflow_total'), 0)
        assert.equal((await client.next()).rcode, 3)
        client.close()
      },
    ))
})
