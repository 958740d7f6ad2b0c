/** The client that asks all the time: which of its questions have no reply. */
import assert from 'node:assert/strict'
import { createSocket, type RemoteInfo } from 'node:dgram'
import { once } from 'node:events'
import { it, type TestContext } from 'node:test'
import { createFakeClock } from '../support/fake-clock.ts'
import { until } from '../support/until.ts'
import { openAsker } from './asker.ts'

/** A server that keeps what it is asked, and a client that notes what it hears. */
async function start(t: TestContext) {
  const server = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 })
  const kept: (readonly [query: Buffer, from: RemoteInfo])[] = []
  server.on('message', (query, from) => void kept.push([query, from]))
  server.bind(0, '127.0.0.1')
  await once(server, 'listening')
  const clock = createFakeClock()
  const heard: string[] = []
  const lost: string[] = []
  const asker = await openAsker(server.address().port, {
    now: clock.now,
    heard: ({ name }) => void heard.push(name),
    lost: (name) => void lost.push(name),
    missing: () => undefined,
  })
  t.after(() => {
    asker.close()
    server.close()
  })
  /** As if nothing had been read for a while: all replies are there before the client has a turn. */
  function answerAll(): void {
    for (const [query, { port }] of kept) {
      query[2] |= 0x80
      server.send(query, port, '127.0.0.1')
    }
  }
  return { asker, kept, heard, lost, clock, answerAll }
}

it('a client reads two thousand replies that come at once', async (t) => {
  const { asker, kept, heard, answerAll } = await start(t)
  const count = 2_000
  for (let i = 0; i < count; i++) asker.ask(`n${i}.example`)
  await until(() => assert.equal(kept.length, count))
  answerAll()
  await until(() => assert.equal(heard.length, count), { within: 5_000 })
})

it('a client excuses the names that are meant, of those that are open', async (t) => {
  const { asker, lost, clock } = await start(t)
  asker.ask('inside.local')
  asker.ask('before.example')
  asker.excuseOpen((name) => name.endsWith('.example'))
  asker.ask('after.example')
  clock.advance(10_000)
  await until(() => assert.deepEqual(lost, ['inside.local', 'after.example']))
})
