import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { frame, query, tcpClient, withTransport } from './support.ts'

describe('TCP listeners that a reload replaces', () => {
  const everywhere = { address: '', space: 1 }
  const here = { address: '127.0.0.1', space: 2 }
  const directions = [
    { title: 'all addresses by one of them', from: everywhere, to: here },
    { title: 'one address by all of them', from: here, to: everywhere },
  ]
  for (const { title, from, to } of directions) {
    test(`a connection goes over to the listener that serves its address then: ${title}`, () =>
      withTransport({}, async ({ transport, port, listener }) => {
        await transport.apply([listener(from)])
        const client = await tcpClient('127.0.0.1', port)
        client.write(frame(query('table')))
        assert.equal((await client.next()).space, from.space)
        await transport.apply([listener(to)])
        client.write(frame(query('table')))
        assert.equal((await client.next()).space, to.space)
        client.close()
      }))
  }

  test('a listener may come back before its old sockets are closed', () =>
    withTransport({}, async ({ transport, port, listener }) => {
      for (const listeners of [[listener(here)], [], [listener(here)], [listener(everywhere)], [listener(here)]])
        await transport.apply(listeners)
      const client = await tcpClient('127.0.0.1', port)
      client.write(frame(query('table')))
      assert.equal((await client.next()).space, here.space)
      client.close()
    }))

  test('no connection is reset while listeners take turns at its address', () =>
    withTransport({}, async ({ transport, port, listener }) => {
      await transport.apply([listener(everywhere)])
      let over = false
      let answered = 0
      const clients = Array.from({ length: 8 }, async () => {
        while (!over) {
          const client = await tcpClient('127.0.0.1', port)
          client.write(frame(query('table')))
          const reply = await Promise.race([client.next(), client.ended])
          assert.ok(reply, 'the connection was reset')
          answered++
          client.close()
        }
      })
      for (let turn = 0; turn < 20; turn++) {
        const before = answered
        await transport.apply([listener(turn % 2 === 0 ? here : everywhere)])
        while (answered < before + 20) await Promise.race([...clients, new Promise(setImmediate)])
      }
      over = true
      await Promise.all(clients)
    }))
})
