import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ServerStatus } from '../../src/console/state.ts'
import { diskSources } from '../../src/corefile/load.ts'
import { parseCorefile } from '../../src/corefile/parser.ts'
import { queryMessage } from '../../src/dns/query.ts'
import { encodeMessage, parseMessage } from '../../src/dns/wire.ts'
import type { Instance, Plugin } from '../../src/plugin/contract.ts'
import { readProcessLimits } from '../../src/process-limits/index.ts'
import type { Listener, MissHandler } from '../../src/server/ingress.ts'
import { startServer } from '../../src/server/server.ts'
import { createTable } from '../../src/table/index.ts'
import { createMetrics } from '../../src/telemetry/registry.ts'
import { createPluginHarness } from '../support/plugin-harness.ts'

/** A server without sockets, whose one plugin does what each new `instance` says. */
async function createServerHarness(
  instance: () => Instance = () => ({}),
  builtIn: () => boolean = () => false,
  lastQueryAt: (now: number) => number = () => Number.NEGATIVE_INFINITY,
  keys: () => string = () => '.',
) {
  const { log, lines, clock } = createPluginHarness()
  const metrics = createMetrics()
  const applied: (readonly Listener[])[] = []
  const replies: Promise<Uint8Array | undefined>[] = []
  let onMiss: MissHandler = () => undefined
  const plugin: Plugin = {
    name: 'test',
    schema: { usage: 'test', repeat: 'once', read: () => undefined },
    setup: instance,
  }
  const server = await startServer({
    version: 'slicedns-test',
    readCorefile: () => ({
      ...parseCorefile(`${keys()} {\ntest\n}\n`, 'Corefile', diskSources),
      file: 'Corefile',
      hash: builtIn() ? '' : keys(),
      builtIn: builtIn(),
    }),
    plugins: [plugin],
    defaultPort: 53,
    log,
    metrics,
    clock,
    writer: createTable({ reserveBytes: 1 << 26 }),
    dataPlane: { collect: () => [] },
    limits: readProcessLimits(),
    openIngress: (handler) => {
      onMiss = handler
      return {
        apply: async (listeners) => void applied.push(listeners),
        lastQueryAt: () => lastQueryAt(clock.now()),
        flushQueryLog() {},
        relayed: () => 0,
        // As a transport: each query that has come is answered first.
        close: async () => void (await Promise.all(replies)),
        udp: 'dgram',
      }
    },
    fatal: (text) => assert.fail(text),
  })
  /** Shuts down without waiting for anything but the promises; resolves when that is done. */
  async function shutdown(): Promise<void> {
    const done = server.shutdown()
    clock.advance(0)
    await done
  }
  /** A query that the table does not answer. */
  function ask(): Promise<Uint8Array | undefined> {
    const reply = onMiss({
      request: encodeMessage(queryMessage('a.example.', 1, true), { limit: 512 }),
      transport: 'udp',
      client: { address: '192.0.2.1', port: 4000 },
      local: { address: '192.0.2.53', port: 53 },
      listener: applied[0][0],
      receivedAt: clock.now(),
    })
    replies.push(Promise.resolve(reply))
    return replies.at(-1)!
  }

  return { server, lines, applied, shutdown, ask, clock, metrics }
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

  it('failing reloads are reported with the first and the last of them, until one succeeds', async () => {
    let zone = '.'
    const { server, clock, metrics } = await createServerHarness(undefined, undefined, undefined, () => zone)
    const last = () => (server.inspection.status() as ServerStatus).lastReload
    const rejected = async () => /^slicedns_corefile_rejected (\d)$/m.exec(await metrics.text())?.[1]
    assert.deepEqual([last(), await rejected()], [undefined, '0'])
    zone = 'a..b'
    const first = clock.wall()
    for (let i = 0; i < 3; i++) {
      if (i > 0) clock.advance(1_000)
      await server.reload('SIGHUP')
    }
    const { error, ...failed } = last()!
    assert.deepEqual(failed, { ok: false, since: first, time: first + 2_000 })
    assert.match(error!, /^Corefile:1:1 - /)
    assert.equal(await rejected(), '1')
    zone = '.'
    await server.reload('SIGHUP')
    assert.deepEqual([last(), await rejected()], [{ ok: true, time: first + 2_000 }, '0'])
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

describe('a reload that gives up a port', () => {
  it('the port is open until the old configuration has no query left: it may forward to itself', async () => {
    const answers: (() => void)[] = []
    const instance = (): Instance => ({
      handler: () => new Promise((resolve) => answers.push(() => resolve({ kind: 'rcode', rcode: 5, plugin: 'test' }))),
    })
    let keys = '.:53 .:5301'
    const { server, applied, ask } = await createServerHarness(instance, undefined, undefined, () => keys)
    const reply = ask()
    keys = '.:53'
    const reload = server.reload('SIGHUP')
    while (applied.length < 2) await new Promise(setImmediate)
    const ports = (): number[][] => applied.map((listeners) => listeners.map(({ port }) => port))
    assert.deepEqual(ports(), [
      [53, 5301],
      [53, 5301],
    ])
    answers[0]!()
    await reply
    assert.deepEqual(await reload, { ok: true })
    assert.deepEqual(ports().at(-1), [53])
  })
})

describe('a reload whose plugins are not ready', () => {
  /** A plugin that is ready at the start, and from the second set-up on when the test says so. */
  async function reloading() {
    let instances = 0
    let ready = false
    const harness = await createServerHarness(() => {
      const number = ++instances
      return { ready: () => number === 1 || ready }
    })
    const reload = harness.server.reload('SIGHUP')
    while (instances < 2) await Promise.resolve()
    await new Promise(setImmediate)
    assert.equal(harness.applied.length, 1, 'the old configuration answers')
    const becomeReady = (): void => {
      ready = true
    }
    return { ...harness, reload, becomeReady }
  }

  it('the old configuration answers until the new one knows its cluster', async () => {
    const { applied, clock, reload, becomeReady } = await reloading()
    becomeReady()
    clock.advance(10)
    assert.deepEqual(await reload, { ok: true })
    assert.equal(applied.length, 2)
  })

  it('a reload does not wait longer than a start of CoreDNS for a cluster that cannot be read', async () => {
    const { applied, clock, reload } = await reloading()
    clock.advance(5000)
    assert.deepEqual(await reload, { ok: true })
    assert.equal(applied.length, 2)
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
    assert.deepEqual(await reload, { ok: false, error: 'shutting down', unchanged: true })
    assert.deepEqual(events, ['drain 1', 'stop 1', 'stop 2'])
    assert.equal(applied.length, 1)
    assert.deepEqual(await server.reload('SIGHUP'), { ok: false, error: 'shutting down' })
  })

  it('a question that is not answered ends with the drain, 20 s after it began, and the server with it', async () => {
    const never = new Promise<never>(() => undefined)
    const always = (now: number): number => now
    const { server, ask, clock } = await createServerHarness(() => ({ handler: () => never }), undefined, always)
    const done = server.shutdown()
    for (let second = 0; second < 18; second++) {
      clock.advance(1_000)
      await new Promise(setImmediate)
    }
    const reply = ask()
    for (let second = 18; second < 20; second++) {
      clock.advance(1_000)
      await new Promise(setImmediate)
    }
    assert.equal(parseMessage((await reply)!).rcode, 2)
    await done
    assert.equal(clock.now(), 20_000)
  })
})
