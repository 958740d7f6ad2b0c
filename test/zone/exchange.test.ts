/** The reply of a primary, message by message, over real sockets: how long it may take. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import { type } from '../../src/dns/codes.ts'
import { queryMessage } from '../../src/dns/query.ts'
import { parseRecord } from '../../src/dns/record-text.ts'
import { replyTo } from '../../src/dns/reply.ts'
import { encodeMessage, parseMessage } from '../../src/dns/wire.ts'
import { exchange } from '../../src/zone/transfer-in/exchange.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { createPluginHarness } from '../support/plugin-harness.ts'
import { until } from '../support/until.ts'

describe('an exchange with a primary', () => {
  it('a reply that comes little by little is given up after ten minutes', async (t) => {
    const connections: Socket[] = []
    const server = createServer((socket) => void connections.push(socket.on('error', () => undefined)))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => {
      for (const socket of connections) socket.destroy()
      server.close()
    })
    const clock = createFakeClock()
    const primary = { address: '127.0.0.1', port: (server.address() as AddressInfo).port }
    const { log } = createPluginHarness()
    const { signal } = new AbortController()
    const question = queryMessage('a.', type.AXFR, false)
    let received = 0
    const all = (async () => {
      for await (const _ of exchange(question, { primary, key: undefined, clock, log, signal })) received++
    })()
    const ended = all.then(
      () => 'complete',
      (error: Error) => error.message,
    )
    await until(() => assert.equal(connections.length, 1))
    const [octets] = (await once(connections[0], 'data')) as [Buffer]
    const request = parseMessage(octets.subarray(2))
    const reply = encodeMessage(replyTo(request, { answer: [parseRecord('a. 60 IN SOA ns.a. host.a. 1 2 3 4 5')] }), {
      limit: 65_535,
    })
    const frame = Buffer.concat([Buffer.from([reply.length >> 8, reply.length & 255]), reply])
    for (let minutes = 0; minutes < 10; minutes += 0.125) {
      const before = received
      connections[0].write(frame)
      await until(() => assert.equal(received, before + 1))
      clock.advance(7500)
    }
    assert.match(await ended, /the reply is not complete after 10 minutes/)
  })
})
