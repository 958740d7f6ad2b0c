import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer as createTcpServer } from 'node:net'
import { after, describe, it } from 'node:test'
import { createSharedValues } from '../../../src/server/process-state.ts'
import { acquireHttpListener } from '../../../src/telemetry/http/listener.ts'
import { textReply } from '../../../src/telemetry/http/message.ts'
import { createLogger } from '../../../src/telemetry/logger.ts'
import { createMetrics } from '../../../src/telemetry/registry.ts'

const metrics = createMetrics()
const shared = Object.assign(createSharedValues(createLogger({ write: () => undefined })), {
  limits: { descriptors: { http: 16 }, memory: { http: 1 << 20 } },
})
const held: { release(): void }[] = []
after(async () => {
  for (const holding of held) holding.release()
  await shared.settled()
})

function acquire(host: string, port: number) {
  const holding = acquireHttpListener(shared, { host, port }, { metrics })
  held.push(holding)
  return holding
}

/** Opens a listener on a port of the system's choice that says `OK` at /health. */
async function serveHealth(host = '127.0.0.1') {
  const holding = acquire(host, 0)
  holding.value.route('/health', () => textReply(200, 'OK'))
  await holding.value.open()
  return holding
}

/** Sends octets as they are and gives everything that comes back until the other side closes. */
async function exchange(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(text)
  let reply = ''
  socket.on('data', (chunk) => {
    reply += chunk
  })
  await once(socket, 'close')
  return reply
}

describe('an HTTP listener', () => {
  it('an HTTP listener answers its path whatever the method, with nothing but the text', async () => {
    const { value } = await serveHealth()
    for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
      const response = await fetch(`http://127.0.0.1:${value.port}/health?x=1`, { method })
      assert.deepEqual([response.status, await response.text()], [200, 'OK'], method)
    }
    const head = await fetch(`http://127.0.0.1:${value.port}/health`, { method: 'HEAD' })
    assert.deepEqual([head.status, head.headers.get('content-length'), await head.text()], [200, '2', ''])
  })

  it('an HTTP listener answers 404 anywhere else', async () => {
    const { value } = await serveHealth()
    for (const path of ['/', '/healthz', '/health/', '/ready', '//health'])
      assert.equal((await fetch(`http://127.0.0.1:${value.port}${path}`)).status, 404, path)
  })

  it('an HTTP listener stays open while anyone holds it, so that a reload never closes it', async () => {
    const first = await serveHealth()
    // Port 0 is the address as it is written: the next configuration shares the very listener.
    const second = acquire('127.0.0.1', 0)
    assert.equal(second.value, first.value)
    await second.value.open()
    for (const holding of held.splice(0)) if (holding !== second) holding.release()
    held.push(second)
    await shared.settled()
    assert.equal((await fetch(`http://127.0.0.1:${second.value.port}/health`)).status, 200)
    second.release()
    await shared.settled()
    await assert.rejects(fetch(`http://127.0.0.1:${second.value.port}/health`))
  })

  it('an HTTP listener lets the last of those who hold a path answer it, and the one before again afterwards', async () => {
    const { value } = await serveHealth()
    const body = async () => (await fetch(`http://127.0.0.1:${value.port}/health`)).text()
    const route = value.route('/health', () => textReply(200, 'new'))
    assert.equal(await body(), 'new')
    route.remove()
    assert.equal(await body(), 'OK')
  })

  it('an HTTP listener refuses headers without end and malformed requests, and goes on', async () => {
    const { value } = await serveHealth()
    const long = `GET /health HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(10_000)}\r\n\r\n`
    assert.match(await exchange(value.port, long), /^HTTP\/1\.1 431 /)
    assert.match(await exchange(value.port, '\0\x01garbage\r\n\r\n'), /^HTTP\/1\.1 400 /)
    assert.equal((await fetch(`http://127.0.0.1:${value.port}/health`)).status, 200)
  })

  const unusable = [
    {
      name: 'a host name that does not resolve',
      host: 'no-such-host.invalid',
      port: 0,
      reason: /no-such-host\.invalid:0: .*ENOTFOUND|EAI_AGAIN/,
    },
    {
      name: 'an address of another machine',
      host: '192.0.2.1',
      port: 8080,
      reason: /192\.0\.2\.1:8080: this machine has no such address/,
    },
    {
      name: 'a port beyond 65535',
      host: '',
      port: 99_999,
      reason: /cannot listen on :99999: the largest port is 65535/,
    },
  ]
  for (const { name, host, port, reason } of unusable)
    it(`an HTTP listener that fails names the address and the reason: ${name}`, async () => {
      await assert.rejects(acquire(host, port).value.open(), reason)
    })

  it('an HTTP listener that fails names the address and the reason: a port that another program has', async () => {
    const other = createTcpServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    await assert.rejects(
      acquire('127.0.0.1', port).value.open(),
      new RegExp(`cannot listen on 127\\.0\\.0\\.1:${port}: the address is in use`),
    )
    other.close()
  })

  it('an HTTP listener takes IPv4 for localhost, as Go does', async () => {
    const { value } = await serveHealth('localhost')
    assert.equal((await fetch(`http://127.0.0.1:${value.port}/health`)).status, 200)
  })

  it('an HTTP listener listens on both families when no host is named', async () => {
    const { value } = await serveHealth('')
    assert.equal((await fetch(`http://127.0.0.1:${value.port}/health`)).status, 200)
    assert.equal((await fetch(`http://[::1]:${value.port}/health`)).status, 200)
  })
})
