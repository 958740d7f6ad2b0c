import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { diskSources } from '../../src/corefile/load.ts'
import { parseCorefile } from '../../src/corefile/parser.ts'
import type { Instance, Plugin } from '../../src/plugin/contract.ts'
import { readProcessLimits } from '../../src/process-limits/index.ts'
import type { Listener } from '../../src/server/ingress.ts'
import { startServer } from '../../src/server/server.ts'
import { createTable } from '../../src/table/index.ts'
import { createMetrics } from '../../src/telemetry/registry.ts'
import { createPluginHarness } from '../support/plugin-harness.ts'

/** A server without sockets, whose one plugin does what each new `instance` says. */
async function createServerHarness(instance: () => Instance = () => ({}), builtIn: () => boolean = () => false) {
  const { log, lines, clock } = createPluginHarness()
  const applied: (readonly Listener[])[] = []
  const plugin: Plugin = {
    name: 'test',
    schema: { usage: 'test', repeat: 'once', read: () => undefined },
    setup: instance,
  }
  const server = await startServer({
    version: 'slicedns-test',
    readCorefile: () => ({
      ...parseCorefile('. {\ntest\n}\n', 'Corefile', diskSources),
      file: 'Corefile',
      hash: '',
      builtIn: builtIn(),
    }),
    plugins: [plugin],
    defaultPort: 53,
    log,
    metrics: createMetrics(),
    clock,
    writer: createTable({ reserveBytes: 1 << 26 }),
    dataPlane: { collect: () => [] },
    limits: readProcessLimits(),
    openIngress: () => ({
      apply: async (listeners) => void applied.push(listeners),
      lastQueryAt: () => Number.NEGATIVE_INFINITY,
      flushQueryLog() {},
      close: async () => undefined,
      udp: 'dgram',
    }),
    fatal: (text) => assert.fail(text),
  })
  /** Shuts down without waiting for anything but the promises; resolves when that is done. */
  async function shutdown(): Promise<void> {
    const done = server.shutdown()
    clock.advance(0)
    await done
  }
  return { server, lines, applied, shutdown }
}

describe('a reload of the server', () => {
  it('a reload that has not begun serves all who ask for one meanwhile', async () => {
    const { server, applied } = await createServerHarness()
    const results = await Promise.all(Array.from({ length: 20 }, () => server.reload('SIGHUP')))
    assert.ok(results.every(({ ok }) => ok))
    assert.equal(applied.length, 2, 'the start and one reload')
    await server.reload('SIGHUP')
    assert.equal(applied.length, 3)
  })

  it('a reload is refused when the Corefile has gone: the built-in one must not replace it', async () => {
    let gone = false
    const { server, applied } = await createServerHarness(undefined, () => gone)
    gone = true
    const result = await server.reload('SIGHUP')
    assert.deepEqual(result, { ok: false, error: 'Corefile is gone, or has no server block any more' })
    assert.equal(applied.length, 1, 'the start alone')
    gone = false
    assert.deepEqual(await server.reload('SIGHUP'), { ok: true })
  })

  it('a reload that was asked for while one is under way comes after it', async () => {
    const starting: (() => void)[] = []
    let instances = 0
    const { server, applied } = await createServerHarness(() =>
      ++instances === 2 ? { start: () => new Promise<void>((resolve) => starting.push(resolve)) } : {},
    )
    const first = server.reload('SIGHUP')
    while (starting.length === 0) await Promise.resolve()
    const second = server.reload('SIGHUP')
    const third = server.reload('SIGHUP')
    starting[0]!()
    await Promise.all([first, second, third])
    assert.equal(applied.length, 3, 'the start, the first, and one for the other two')
  })
})

describe('the shutdown of the server', () => {
  it('shutting down does not wait for a reload that is still starting its plugins, nor takes it over', async () => {
    const events: string[] = []
    const starting: (() => void)[] = []
    let instances = 0
    const { server, applied, shutdown } = await createServerHarness(() => {
      const number = ++instances
      return {
        start: () => (number === 1 ? undefined : new Promise<void>((resolve) => starting.push(resolve))),
        drain: () => void events.push(`drain ${number}`),
        stop: () => void events.push(`stop ${number}`),
      }
    })
    const reload = server.reload('SIGHUP')
    while (starting.length === 0) await Promise.resolve()
    await shutdown()
    assert.deepEqual(events, ['drain 1', 'stop 1'])
    starting[0]!()
    assert.deepEqual(await reload, { ok: false, error: 'shutting down' })
    assert.deepEqual(events, ['drain 1', 'stop 1', 'stop 2'])
    assert.equal(applied.length, 1)
    assert.deepEqual(await server.reload('SIGHUP'), { ok: false, error: 'shutting down' })
  })
})
