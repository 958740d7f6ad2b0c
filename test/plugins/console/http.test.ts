/** The console over HTTP: its paths, headers, and streams whose readers are slow or many. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import type { ConsoleState } from '../../../src/console/state.ts'
import type { Instance } from '../../../src/plugin/contract.ts'
import { maxStreams } from '../../../src/plugins/console/events.ts'
import { console } from '../../../src/plugins/console/index.ts'
import { createPluginHarness, type PluginHarness, setUp } from '../../support/plugin-harness.ts'
import { freePort } from '../../support/ports.ts'
import { until } from '../../support/until.ts'

let harness: PluginHarness
let instance: Instance
let port: number
/** What the next state has besides the time. */
let members: Partial<ConsoleState> = {}
let attending = 0

before(async () => {
  harness = createPluginHarness()
  port = await freePort()
  Object.assign(harness.state.inspection, {
    state: async () => ({ ...members }),
    explain: async (name: string) => [{ name }],
    status: () => ({ pid: 17 }),
    attend() {
      attending++
      return { release: () => void attending-- }
    },
  })
  instance = setUp(console, `console 127.0.0.1:${port}`, harness)
  await instance.start?.()
})

after(async () => {
  await instance.stop?.()
  await harness.settled()
})

const get = (path: string, init: RequestInit = {}) => fetch(`http://127.0.0.1:${port}${path}`, init)

/** A raw request, and what has come so far. */
async function open(path: string, host = 'localhost'): Promise<{ socket: Socket; text: () => string }> {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.on('error', () => undefined)
  socket.setEncoding('utf8').on('data', (more: string) => {
    text += more
  })
  await once(socket, 'connect')
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  return { socket, text: () => text }
}

/** The next second of the server. */
async function tick(): Promise<void> {
  harness.clock.advance(1_000)
  await new Promise(setImmediate)
}

describe('the console over HTTP', () => {
  for (const [path, type] of [
    ['/', 'text/html; charset=utf-8'],
    ['/console.css', 'text/css; charset=utf-8'],
    ['/console.js', 'text/javascript; charset=utf-8'],
    ['/state', 'application/json'],
    ['/status', 'application/json'],
    ['/explain?name=a.example', 'application/json'],
  ])
    it(`the console serves ${path} as ${type}, with its security headers`, async () => {
      const { status, headers } = await get(path)
      assert.equal(status, 200)
      assert.equal(headers.get('content-type'), type)
      assert.equal(headers.get('x-content-type-options'), 'nosniff')
      assert.equal(headers.get('referrer-policy'), 'no-referrer')
      assert.equal(headers.get('access-control-allow-origin'), null)
      assert.match(headers.get('content-security-policy')!, /default-src 'none'; script-src 'self';/)
      assert.doesNotMatch(headers.get('content-security-policy')!, /unsafe/)
    })

  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'])
    it(`the console refuses ${method}`, async () => {
      const { status, headers } = await get('/state', { method })
      assert.deepEqual([status, headers.get('allow')], [405, 'GET, HEAD'])
    })

  it('the console answers HEAD without a body', async () => {
    const reply = await get('/state', { method: 'HEAD' })
    assert.deepEqual([reply.status, await reply.text()], [200, ''])
  })

  it('the console refuses requests for the name of another site', async () => {
    const { socket, text } = await open('/state', 'evil.example')
    await once(socket, 'close')
    assert.match(text(), /^HTTP\/1\.1 421 /)
    assert.doesNotMatch(text(), /"traffic"/)
  })

  it('the console counts queries as long as it is configured', () => assert.equal(attending, 1))

  it('the console sends a stream the whole state, then what changes, then comments', async () => {
    members = { time: 1, cache: [], problems: [] }
    const { socket, text } = await open('/events')
    await until(() => assert.match(text(), /data: \{.*\}\n\n/))
    assert.deepEqual(JSON.parse(/data: (.*)\n/.exec(text())![1]), members)
    members = { time: 2, cache: [], problems: [] }
    await tick()
    await until(() => assert.ok(text().endsWith('event: state\ndata: {"time":2}\n\n')))
    await tick()
    await until(() => assert.ok(text().endsWith('\n\n: no change\n\n')))
    socket.destroy()
  })

  it('the console keeps a stream of hostile names one line of JSON', async () => {
    const key = '<script>alert(1)</script>\n\ndata: {}\r\u2028\0"'
    members = { problems: [{ kind: key, namespace: key, name: key, key, reason: key }] }
    const { socket, text } = await open('/events')
    await until(() => assert.match(text().split('\r\n\r\n')[1], /\n\n$/))
    const lines = text().split('\r\n\r\n')[1].trimEnd().split('\n')
    assert.equal(lines.length, 2)
    assert.equal(JSON.parse(lines[1].slice('data: '.length)).problems[0].key, key)
    socket.destroy()
  })

  it('the console refuses the stream after the last, until one ends', async () => {
    const streams = await Promise.all(Array.from({ length: maxStreams }, () => open('/events')))
    await until(() => assert.ok(streams.every(({ text }) => text().includes('data: '))))
    const refused = await get('/events')
    assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, '5'])
    assert.equal((await get('/state')).status, 200)
    streams[0].socket.destroy()
    await until(async () => {
      const reply = await get('/events')
      await reply.body?.cancel()
      assert.equal(reply.status, 200)
    })
    for (const { socket } of streams) socket.destroy()
  })

  it('the console holds one event for a reader that takes none, and the last one is in it', async () => {
    members = { time: 1 }
    const { socket, text } = await open('/events')
    await until(() => assert.ok(text().includes('data: ')))
    socket.pause()
    const large = 'x'.repeat(1 << 20)
    const late = harness.metrics.counter('slicedns_console_late_events_total', '', []).with()
    const before = late.value
    for (let time = 2; late.value < before + 3; time++) {
      members = { time, changes: [{ time, name: large, type: 'A', before: [], after: [], object: '' }] }
      await tick()
    }
    const { time } = members
    socket.resume()
    await until(async () => {
      await tick()
      assert.ok(text().includes(`{"time":${time},`))
    })
    socket.destroy()
  })
})
