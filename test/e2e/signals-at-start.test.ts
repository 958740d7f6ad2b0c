/** Signals that come while the server is still starting: here it waits for a resolver that says nothing. */
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { runtime, startServer } from '../support/server.ts'

describe('a server that is starting', { skip: process.platform === 'win32' }, () => {
  const resolver = createSocket('udp4')
  before(async () => {
    resolver.bind(0, '127.0.0.1')
    await once(resolver, 'listening')
  })
  after(() => resolver.close())

  async function startingServer() {
    const asked = once(resolver, 'message')
    const server = await startServer({
      command: [runtime, join(import.meta.dirname, '../../src/main.ts')],
      waitFor: 'nothing',
      corefile: ({ dns }) => `.:${dns} {
        bind 127.0.0.1
        forward . upstream.example {
          resolver 127.0.0.1:${resolver.address().port}
        }
      }`,
    })
    await asked
    return server
  }

  it('a server that is starting goes on starting after SIGHUP and SIGUSR1, and serves', async () => {
    const server = await startingServer()
    server.signal('SIGHUP')
    server.signal('SIGUSR1')
    await server.printed(/^slicedns-\d/m)
    assert.deepEqual(await server.stop(), { code: 0, signal: null })
  })

  it('a server that is starting ends with exit code 0 on SIGTERM', async () => {
    const server = await startingServer()
    assert.deepEqual(await server.stop('SIGTERM'), { code: 0, signal: null })
  })
})
