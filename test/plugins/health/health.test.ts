import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, it } from 'node:test'
import { health } from '../../../src/plugins/health/index.ts'
import { createProcessRig, setUp } from '../../support/plugin-rig.ts'
import { freePort } from '../../support/ports.ts'
import { until } from '../../support/until.ts'

const get = async (port: number, path = '/health') => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`)
  return [response.status, await response.text()]
}

describe('health', () => {
  it('answers 200 OK from start to stop', async () => {
    const rig = createProcessRig()
    const port = await freePort()
    const instance = setUp(health, `health :${port}`, rig)
    await instance.start?.()
    assert.deepEqual(await get(port), [200, 'OK'])
    assert.deepEqual(await get(port, '/ready'), [404, '404 page not found\n'])
    await instance.stop?.()
    await rig.settled()
    await assert.rejects(get(port))
  })

  it('is not refused for a moment while a reload starts the next configuration and stops the old one', async () => {
    const rig = createProcessRig()
    const port = await freePort()
    const old = setUp(health, `health 127.0.0.1:${port}`, rig)
    await old.start?.()
    const next = setUp(health, `health 127.0.0.1:${port}`, rig)
    await next.start?.()
    assert.deepEqual(await get(port), [200, 'OK'])
    await old.stop?.()
    await rig.settled()
    assert.deepEqual(await get(port), [200, 'OK'])
    await next.stop?.()
    await rig.settled()
  })

  it('keeps the old configuration’s listener when the next one cannot have its own', async () => {
    const rig = createProcessRig()
    const port = await freePort()
    const old = setUp(health, `health 127.0.0.1:${port}`, rig)
    await old.start?.()
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const taken = (other.address() as { port: number }).port
    await assert.rejects(
      async () => setUp(health, `health 127.0.0.1:${taken}`, rig).start?.(),
      new RegExp(`cannot listen on 127\\.0\\.0\\.1:${taken}: the address is in use`),
    )
    assert.deepEqual(await get(port), [200, 'OK'])
    await old.stop?.()
    await rig.settled()
    other.close()
  })

  it('lets blocks share an address, and the last of several lines of a block count', async () => {
    const rig = createProcessRig()
    const port = await freePort()
    const first = setUp(health, `health :1\nhealth :${port}`, rig)
    const second = setUp(health, `health :${port}`, rig)
    await first.start?.()
    await second.start?.()
    await first.stop?.()
    assert.deepEqual(await get(port), [200, 'OK'])
    await second.stop?.()
    await rig.settled()
  })

  const lameducks: readonly (readonly [string, number])[] = [
    ['', 0],
    ['lameduck 5s', 5_000],
    ['lameduck 1m30s', 90_000],
    ['lameduck -5s', 0],
  ]
  for (const [text, milliseconds] of lameducks)
    it(`goes on for ${milliseconds} ms at shutdown with '${text}'`, () =>
      assert.equal(setUp(health, `health {\n${text}\n}`).lameduck, milliseconds))

  it('asks itself every second, and counts how long that took and how often it failed', async () => {
    const rig = createProcessRig()
    const port = await freePort()
    const instance = setUp(health, `health 127.0.0.1:${port}`, rig)
    await instance.start?.()
    assert.match(await rig.metrics.text(), /^coredns_health_request_failures_total 0$/m)
    rig.clock.move(1_000)
    await until(async () =>
      assert.match(await rig.metrics.text(), /^coredns_health_request_duration_seconds_count 1$/m),
    )
    await instance.stop?.()
    await rig.settled()
    rig.clock.move(5_000)
    assert.match(await rig.metrics.text(), /^coredns_health_request_duration_seconds_count 1$/m)
    assert.deepEqual(rig.lines, [])
  })
})
