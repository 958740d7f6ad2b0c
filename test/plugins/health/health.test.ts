import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, it } from 'node:test'
import { lameduck } from '../../../src/plugin/capabilities/lameduck.ts'
import { capabilityOf } from '../../../src/plugin/capability.ts'
import { health } from '../../../src/plugins/health/index.ts'
import { createPluginHarness, setUp } from '../../support/plugin-harness.ts'
import { freePort } from '../../support/ports.ts'
import { until } from '../../support/until.ts'

const get = async (port: number, path = '/health') => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`)
  return [response.status, await response.text()]
}

describe('health', () => {
  it('health answers 200 OK from start to stop', async () => {
    const harness = createPluginHarness()
    const port = await freePort()
    const instance = setUp(health, `health :${port}`, harness)
    await instance.start?.()
    assert.deepEqual(await get(port), [200, 'OK'])
    assert.deepEqual(await get(port, '/ready'), [404, '404 page not found\n'])
    await instance.stop?.()
    await harness.settled()
    await assert.rejects(get(port))
  })

  it('the health listener refuses nobody while a reload starts the next configuration and stops the old one', async () => {
    const harness = createPluginHarness()
    const port = await freePort()
    const old = setUp(health, `health 127.0.0.1:${port}`, harness)
    await old.start?.()
    const next = setUp(health, `health 127.0.0.1:${port}`, harness)
    await next.start?.()
    assert.deepEqual(await get(port), [200, 'OK'])
    await old.stop?.()
    await harness.settled()
    assert.deepEqual(await get(port), [200, 'OK'])
    await next.stop?.()
    await harness.settled()
  })

  it('health keeps the old configuration’s listener when the next one cannot have its own', async () => {
    const harness = createPluginHarness()
    const port = await freePort()
    const old = setUp(health, `health 127.0.0.1:${port}`, harness)
    await old.start?.()
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const taken = (other.address() as { port: number }).port
    await assert.rejects(
      async () => setUp(health, `health 127.0.0.1:${taken}`, harness).start?.(),
      new RegExp(`cannot listen on 127\\.0\\.0\\.1:${taken}: the address is in use`),
    )
    assert.deepEqual(await get(port), [200, 'OK'])
    await old.stop?.()
    await harness.settled()
    other.close()
  })

  it('health lets blocks share an address, and the last of several lines of a block count', async () => {
    const harness = createPluginHarness()
    const port = await freePort()
    const first = setUp(health, `health :1\nhealth :${port}`, harness)
    const second = setUp(health, `health :${port}`, harness)
    await first.start?.()
    await second.start?.()
    await first.stop?.()
    assert.deepEqual(await get(port), [200, 'OK'])
    await second.stop?.()
    await harness.settled()
  })

  const lameducks: readonly (readonly [string, number])[] = [
    ['', 0],
    ['lameduck 5s', 5_000],
    ['lameduck 1m30s', 90_000],
    ['lameduck -5s', 0],
  ]
  for (const [text, milliseconds] of lameducks)
    it(`health answers for ${milliseconds} ms more at shutdown with '${text}'`, () =>
      assert.equal(capabilityOf(setUp(health, `health {\n${text}\n}`), lameduck), milliseconds))

  it('health logs the lameduck period when shutdown begins, and nothing without one', () => {
    for (const [text, lines] of [
      ['lameduck 1m30s', ['[INFO] plugin/health: Going into lameduck mode for 1m30s']],
      ['', []],
    ] as const) {
      const harness = createPluginHarness()
      setUp(health, `health {\n${text}\n}`, harness).drain?.()
      assert.deepEqual(harness.lines, lines)
    }
  })

  it('health asks itself every second, and counts how long that took and how often it failed', async () => {
    const harness = createPluginHarness()
    const port = await freePort()
    const instance = setUp(health, `health 127.0.0.1:${port}`, harness)
    await instance.start?.()
    assert.match(await harness.metrics.text(), /^coredns_health_request_failures_total 0$/m)
    harness.clock.advance(1_000)
    await until(async () =>
      assert.match(await harness.metrics.text(), /^coredns_health_request_duration_seconds_count 1$/m),
    )
    await instance.stop?.()
    await harness.settled()
    harness.clock.advance(5_000)
    assert.match(await harness.metrics.text(), /^coredns_health_request_duration_seconds_count 1$/m)
    assert.deepEqual(harness.lines, [])
  })
})
