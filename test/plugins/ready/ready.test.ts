import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import { ready } from '../../../src/plugins/ready/index.ts'
import { createPluginHarness, type PluginHarness, setUp } from '../../support/plugin-harness.ts'
import { freePort } from '../../support/ports.ts'
import { until } from '../../support/until.ts'

const get = async (port: number) => {
  const response = await fetch(`http://127.0.0.1:${port}/ready`)
  return [response.status, await response.text()]
}
const ok = [200, 'OK']

/** Plugins whose readiness a test decides. */
function reporters(states: Record<string, boolean>) {
  return Object.fromEntries(Object.keys(states).map((name) => [name, { ready: () => states[name] }]))
}

function readyOn(port: number, states: Record<string, boolean>, harness: PluginHarness, body = '') {
  return setUp(ready, `ready 127.0.0.1:${port} {\n${body}\n}`, harness, {
    others: { ...reporters(states), errors: {} },
  })
}

describe('ready', () => {
  it('ready says 503 with the plugins that are not ready, sorted, then 200 OK', async () => {
    const harness = createPluginHarness()
    const port = await freePort()
    const states = { nomad: false, kubernetes: false }
    const instance = readyOn(port, states, harness)
    await instance.start?.()
    assert.deepEqual(await get(port), [503, 'kubernetes,nomad'])
    states.nomad = true
    assert.deepEqual(await get(port), [503, 'kubernetes'])
    states.kubernetes = true
    assert.deepEqual(await get(port), ok)
    await instance.stop?.()
    await harness.settled()
  })

  it('ready logs which plugins are not ready, once a second however often it is asked', async () => {
    const harness = createPluginHarness()
    const port = await freePort()
    const states = { nomad: false, kubernetes: false }
    const instance = readyOn(port, states, harness)
    await instance.start?.()
    for (let times = 0; times < 3; times++) await get(port)
    states.nomad = true
    harness.clock.advance(1000)
    await get(port)
    states.kubernetes = true
    harness.clock.advance(1000)
    await get(port)
    await instance.drain?.()
    await get(port)
    assert.deepEqual(harness.lines, [
      '[INFO] plugin/ready: Plugins not ready: "kubernetes,nomad"',
      '[INFO] plugin/ready: Plugins not ready: "kubernetes"',
    ])
    await instance.stop?.()
    await harness.settled()
  })

  it('ready shows as a metric what /ready says, until it ends', async () => {
    const harness = createPluginHarness()
    const port = await freePort()
    const states = { kubernetes: false }
    const shown = async () => (await harness.metrics.text()).match(/^slicedns_ready.*$/gm)
    const instance = readyOn(port, states, harness)
    await instance.start?.()
    assert.deepEqual(await shown(), [`slicedns_ready{address="127.0.0.1:${port}"} 0`])
    states.kubernetes = true
    assert.deepEqual(await shown(), [`slicedns_ready{address="127.0.0.1:${port}"} 1`])
    await instance.drain?.()
    assert.deepEqual(await shown(), [`slicedns_ready{address="127.0.0.1:${port}"} 0`])
    await instance.stop?.()
    await harness.settled()
    assert.equal(await shown(), null)
  })

  it('ready is ready at once in a block that nothing has to get ready in', async () => {
    const harness = createPluginHarness()
    const port = await freePort()
    const instance = readyOn(port, {}, harness)
    await instance.start?.()
    assert.deepEqual(await get(port), ok)
    await instance.stop?.()
    await harness.settled()
  })

  for (const [monitor, later] of [
    ['until-ready', ok],
    ['continuously', [503, 'kubernetes']],
  ] as const)
    it(`ready says ${later.join(' ')} when a plugin is ready no more, with monitor ${monitor}`, async () => {
      const harness = createPluginHarness()
      const port = await freePort()
      const states = { kubernetes: true }
      const instance = readyOn(port, states, harness, `monitor ${monitor}`)
      await instance.start?.()
      assert.deepEqual(await get(port), ok)
      states.kubernetes = false
      assert.deepEqual(await get(port), later)
      await instance.stop?.()
      await harness.settled()
    })

  it('ready asks every block that shares the address, and names a plugin once', async () => {
    const harness = createPluginHarness()
    const port = await freePort()
    const one = { kubernetes: false }
    const two = { kubernetes: false }
    const blocks = [readyOn(port, one, harness), readyOn(port, two, harness)]
    for (const block of blocks) await block.start?.()
    assert.deepEqual(await get(port), [503, 'kubernetes'])
    one.kubernetes = true
    assert.deepEqual(await get(port), [503, 'kubernetes'])
    two.kubernetes = true
    assert.deepEqual(await get(port), ok)
    for (const block of blocks) await block.stop?.()
    await harness.settled()
  })

  it('ready stays ready through a reload: the next configuration speaks only once it answers', async () => {
    const harness = createPluginHarness()
    const port = await freePort()
    const old = readyOn(port, { kubernetes: true }, harness)
    await old.start?.()
    old.serving?.()
    assert.deepEqual(await get(port), ok)
    const states = { kubernetes: false }
    const next = readyOn(port, states, harness)
    await next.start?.()
    assert.deepEqual(await get(port), ok)
    next.serving?.()
    await old.stop?.()
    assert.deepEqual(await get(port), [503, 'kubernetes'])
    states.kubernetes = true
    assert.deepEqual(await get(port), ok)
    await next.stop?.()
    await harness.settled()
  })

  it('ready says 503 Shutting down at once on drain, and ends connections that are kept alive', async () => {
    const harness = createPluginHarness()
    const port = await freePort()
    const instance = readyOn(port, { kubernetes: true }, harness)
    await instance.start?.()
    const socket = connect(port, '127.0.0.1')
    let reply = ''
    socket.on('data', (chunk) => {
      reply += chunk
    })
    socket.write('GET /ready HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n')
    await until(() => assert.match(reply, /OK$/))
    const closed = once(socket, 'close')
    instance.drain?.()
    await closed
    const response = await fetch(`http://127.0.0.1:${port}/ready`)
    assert.deepEqual(
      [response.status, await response.text(), response.headers.get('connection')],
      [503, 'Shutting down', 'close'],
    )
    await instance.stop?.()
    await harness.settled()
  })
})
