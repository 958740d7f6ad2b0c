/** The reply of a primary, message by message, over real sockets: how long it may take. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { type } from '../../src/dns/codes.ts'
import { queryMessage } from '../../src/dns/query.ts'
import { parseRecord } from '../../src/dns/record-text.ts'
import { replyTo } from '../../src/dns/reply.ts'
import { encodeMessage, parseMessage } from '../../src/dns/wire.ts'
import { exchange } from '../../src/zone/transfer-in/exchange.ts'
import { createTransferPlaces, mostPlacesOfPrimary } from '../../src/zone/transfer-in/places.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { createPluginHarness } from '../support/plugin-harness.ts'
import { until } from '../support/until.ts'

/** A primary that takes connections, and an exchange with it whose messages are counted. */
async function begin(t: TestContext) {
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
  const places = createTransferPlaces(clock)
  const enter = () => places.enter(primary, signal)
  const place = await enter()
  const question = queryMessage('a.', type.AXFR, false)
  let received = 0
  const all = (async () => {
    for await (const _ of exchange(question, { primary, key: undefined, clock, log, signal, place })) received++
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
  const comes = async (octets: Buffer, messages: number): Promise<void> => {
    const before = received
    connections[0].write(octets)
    await until(() => assert.equal(received, before + messages))
  }
  return { clock, enter, ended, frame, comes, connection: connections[0] }
}

describe('an exchange with a primary', () => {
  it('a reply that comes little by little is given up after ten minutes', async (t) => {
    const { clock, ended, frame, comes } = await begin(t)
    for (let minutes = 0; minutes < 10; minutes += 0.125) {
      await comes(frame, 1)
      clock.advance(7500)
    }
    assert.match(await ended, /the reply is not complete after 10 minutes/)
  })

  it('a reply that comes little by little is given up after half a minute where another zone waits', async (t) => {
    const { clock, enter, ended, frame, comes, connection } = await begin(t)
    for (let others = 0; others < mostPlacesOfPrimary; others++) void enter()
    for (let seconds = 0; seconds < 22.5; seconds += 7.5) {
      await comes(frame, 1)
      clock.advance(7500)
    }
    await comes(frame, 1)
    clock.advance(7500)
    connection.write(frame)
    assert.match(await ended, /\d+ octets came in 30 s, and another zone waits/)
  })

  it('a reply that brings enough goes on where another zone waits', async (t) => {
    const { clock, enter, frame, comes } = await begin(t)
    for (let others = 0; others < mostPlacesOfPrimary; others++) void enter()
    const many = Math.ceil((100 * 1024) / frame.length)
    const enough = Buffer.concat(Array.from({ length: many }, () => frame))
    for (let seconds = 0; seconds < 60; seconds += 7.5) {
      await comes(enough, many)
      clock.advance(7500)
    }
    await comes(frame, 1)
  })

  it('messages that come in pieces, and many of them at once, are the same messages', async (t) => {
    const { ended, frame, comes, connection } = await begin(t)
    const three = Buffer.concat([frame, frame, frame])
    connection.write(three.subarray(0, 1))
    await comes(three.subarray(1), 3)
    connection.write(frame.subarray(0, frame.length - 1))
    await comes(Buffer.concat([frame.subarray(-1), frame]), 2)
    connection.end(frame.subarray(0, 5))
    assert.match(await ended, /the connection was closed before the reply was complete/)
  })
})
