import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { after, before, describe, type TestContext, test } from 'node:test'
import type { RunningServer, startServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import { answering, type ScriptedUpstream, startUpstream } from '../support/upstream.ts'
import { plainQuery } from './datagrams.ts'
import { type Load, type LoadOptions, startLoad } from './load.ts'
import { clusterOnly, metric, openDescriptors, startVictim, type WayOfUdp, ways } from './victim.ts'
import { watchPages } from './watcher.ts'

/** HOSTILE_RELOADS=100 is the full run. */
const reloads = Number(process.env.HOSTILE_RELOADS ?? 20)

const table = 'gateway.inference.svc.cluster.local'
const chain = '10-1-2-3.inference.pod.cluster.local'
/** Never the same, and answered after a while: there is always one under way. */
const forwarded = 'n*.example'

let upstream: ScriptedUpstream
/** Told to end at once, and asked all the time: it takes 20 s, so the other tests run meanwhile. */
let besieged: RunningServer
const besieger = createSocket('udp4')
let besieging: NodeJS.Timeout
before(async () => {
  besieged = await startVictim('threads', { corefile: clusterOnly() })
  besieging = setInterval(() => besieger.send(plainQuery(1, table, 1), besieged.ports.dns, '127.0.0.1'), 100)
  besieged.signal('SIGTERM')
  upstream = await startUpstream((arrived) => {
    upstream.arrived.length = 0
    setTimeout(() => answering()(arrived), 5)
  })
})
after(async () => {
  clearInterval(besieging)
  besieger.close()
  await besieged?.stop('SIGKILL')
  await upstream?.close()
})

const forwarding = () => `forward . ${upstream.to}`

async function start(t: TestContext, way: WayOfUdp, corefile: Parameters<typeof startServer>[0]['corefile'], env = {}) {
  const server = await startVictim(way, { corefile, env })
  t.after(() => server.stop('SIGKILL'))
  return server
}

async function load(t: TestContext, server: RunningServer, options: Partial<LoadOptions> = {}): Promise<Load> {
  const load = await startLoad({ port: server.ports.dns, names: [table, chain, forwarded], tcp: 2, ...options })
  t.after(() => load.stop().catch(() => undefined))
  await load.more(100)
  return load
}

/** Writes the Corefile, and waits until the reload has come to what it should. */
async function reload(server: RunningServer, corefile: string, outcome = /Reloading complete/): Promise<void> {
  writeFileSync(server.corefile, corefile)
  const since = server.output().length
  server.signal('SIGUSR1')
  await server.printed(outcome, since)
}

for (const way of ways) {
  describe(`under load, UDP by ${way}`, () => {
    test(`${reloads} reloads lose no query, close no page, and leave nothing behind`, async (t) => {
      const server = await start(t, way, clusterOnly(forwarding()))
      const clients = await load(t, server)
      const watcher = watchPages(server)
      let first = { descriptors: 0, memory: 0 }
      for (let i = 0; i < reloads; i++) {
        await reload(server, clusterOnly(i % 2 ? forwarding() : `loadbalance\n    ${forwarding()}`)(server.ports))
        await clients.more(50)
        if (i === 9) first = { descriptors: openDescriptors(server), memory: server.residentMemory() }
      }
      const { looks } = await watcher.stop()
      await clients.stop()
      const memory = server.residentMemory()
      t.diagnostic(`${clients.answered()} queries answered, ${looks} pages seen`)
      t.diagnostic(`resident memory ${first.memory.toFixed(0)} MiB after 10, ${memory.toFixed(0)} MiB at the end`)
      // What reloads leave behind is collected late: 0.2 MiB each until V8 finds it worth its while.
      assert.ok(memory < first.memory + 64)
      // Sockets to the upstream and of the pages come and go.
      await until(() =>
        assert.ok(
          openDescriptors(server) <= first.descriptors,
          `${openDescriptors(server)}, ${first.descriptors} before`,
        ),
      )
      assert.deepEqual(await server.stop(), { code: 0, signal: null })
    })

    test('a reload that fails changes nothing, whatever the reason', async (t) => {
      const taken = createServer().listen(0, '127.0.0.1')
      await new Promise((resolve) => taken.once('listening', resolve))
      t.after(() => taken.close())
      const { port } = taken.address() as { port: number }
      const good = clusterOnly(forwarding())
      const server = await start(t, way, good)
      const clients = await load(t, server)
      const watcher = watchPages(server)
      const bad = [
        { why: 'a word that is no directive', corefile: good(server.ports).replace('errors', 'erorrs') },
        { why: 'a brace that is not closed', corefile: good(server.ports).slice(0, -3) },
        { why: 'not a Corefile at all', corefile: '\0\x01\x02 {\n\xff' },
        {
          why: 'a port that another process has',
          corefile: `${good(server.ports)}a.test:${port} {\n bind 127.0.0.1\n whoami\n}\n`,
        },
        {
          why: 'an address of another machine',
          corefile: `${good(server.ports)}a.test:${server.ports.dns} {\n bind 192.0.2.1\n whoami\n}\n`,
        },
        {
          why: 'a page on a port that another process has, and more shards',
          corefile: clusterOnly(`multisocket 4\n ${forwarding()}`)({ ...server.ports, ready: port }),
        },
        {
          why: 'more shards, and an address of another machine',
          corefile: clusterOnly(
            `multisocket 4\n ${forwarding()}`,
            `a.test:${server.ports.dns} {\n bind 192.0.2.1\n whoami\n}\n`,
          )(server.ports),
        },
      ]
      for (const { why, corefile } of bad) {
        await t.test(why, async () => {
          await reload(server, corefile, /\[ERROR\] .*the running configuration stays: .+/)
          await clients.more(200)
        })
      }
      await reload(server, good(server.ports))
      await clients.more(200)
      await watcher.stop()
      await clients.stop()
      assert.deepEqual(await server.stop(), { code: 0, signal: null })
    })

    test(`listeners that come and go by reload cost those that stay nothing, UDP by ${way}`, async (t) => {
      const server = await start(t, way, clusterOnly(forwarding()))
      const { dns, other } = server.ports
      const clients = await load(t, server)
      const elsewhere = { ...server.ports, dns: other }
      const block = (port: number, address: string) => `b.test:${port} {\n bind ${address}\n whoami\n}\n`
      await reload(server, clusterOnly(forwarding(), block(other, '127.0.0.1'))(server.ports))
      await server.dig('x.b.test', 'A', { port: other })
      await clients.more(200)
      await reload(server, clusterOnly(forwarding(), block(dns, '127.0.0.9'))(server.ports))
      await server.dig('x.b.test', 'A', { server: '127.0.0.9' })
      await assert.rejects(server.dig('x.b.test', 'A', { port: other, tcp: true }))
      await clients.more(200)
      // The clients go over to the other port while both are open.
      await reload(server, clusterOnly(forwarding(), clusterOnly(forwarding())(elsewhere))(server.ports))
      const moved = await load(t, server, { port: other })
      await clients.stop()
      await reload(server, clusterOnly(forwarding())(elsewhere))
      await moved.more(200)
      await moved.stop()
      await assert.rejects(server.dig(table, 'A', { port: dns, tcp: true }))
      assert.deepEqual(await server.stop(), { code: 0, signal: null })
    })

    test('SIGTERM: /ready says so at once, who leaves in time has every answer, and the exit code is 0', async (t) => {
      const server = await start(t, way, clusterOnly(forwarding()))
      const clients = await load(t, server)
      server.signal('SIGTERM')
      await until(async () => assert.equal((await server.http('ready', '/ready')).status, 503))
      assert.equal((await server.http('health', '/health')).status, 200)
      await clients.more(200)
      await clients.stop()
      assert.deepEqual(await server.exited, { code: 0, signal: null })
    })

    test('SIGTERM in the middle of reloads ends it as ever', async (t) => {
      const server = await start(t, way, clusterOnly(forwarding()))
      const clients = await load(t, server)
      const since = server.output().length
      for (let i = 0; i < 20; i++) server.signal('SIGUSR1')
      await server.printed(/SIGUSR1: Reloading/, since)
      server.signal('SIGUSR1')
      server.signal('SIGTERM')
      await until(async () => assert.equal((await server.http('ready', '/ready')).status, 503))
      await clients.stop()
      assert.deepEqual(await server.exited, { code: 0, signal: null })
    })
  })
}

describe('under load, UDP by threads', () => {
  test('multisocket from 4 to 1 and back by reload loses no query', async (t) => {
    const sharded = (shards: number) => clusterOnly(`multisocket ${shards}\n    ${forwarding()}`)
    const server = await start(t, 'threads', sharded(4))
    // Many ports, so that every shard has clients.
    const clients = await load(t, server, { udp: 48 })
    const descriptors = openDescriptors(server)
    for (const shards of [1, 4, 2, 3, 1, 4]) {
      await reload(server, sharded(shards)(server.ports))
      await clients.more(1000)
    }
    await clients.stop()
    await until(() => assert.ok(openDescriptors(server) <= descriptors))
    assert.deepEqual(await server.stop(), { code: 0, signal: null })
  })

  test('UDP threads that die are replaced, in the middle of reloads too, and no query is lost', async (t) => {
    const corefile = clusterOnly(`multisocket 3\n    ${forwarding()}`)
    const server = await start(t, 'threads', corefile, { SLICEDNS_UDP_THREAD_DIES_AFTER: '500' })
    const clients = await load(t, server, { udp: 24 })
    for (let i = 0; i < 5; i++) {
      await reload(server, corefile(server.ports))
      await clients.more(500)
    }
    await until(async () => {
      await clients.more(100)
      assert.equal(await metric(server, 'slicedns_udp_thread_restarts_total'), 3)
    })
    await clients.stop()
    assert.equal(server.output().match(/a new thread takes over its sockets/g)?.length, 3)
    assert.deepEqual(await server.stop(), { code: 0, signal: null })
  })

  test('64 addresses are served, taken away and given back', async (t) => {
    const addresses = Array.from({ length: 64 }, (_, i) => `127.0.0.${i + 1}`)
    const bound = (list: readonly string[]) => (ports: RunningServer['ports']) =>
      clusterOnly(forwarding())(ports).replace('bind 127.0.0.1', `bind ${list.join(' ')}`)
    const server = await start(t, 'threads', bound(addresses))
    const everywhere = await load(t, server, { addresses, udp: 128, tcp: 64, window: 2 })
    await everywhere.more(2000)
    await everywhere.stop()
    const one = await load(t, server)
    for (const list of [addresses.slice(0, 1), addresses, addresses.slice(0, 32), addresses]) {
      await reload(server, bound(list)(server.ports))
      await one.more(200)
    }
    const again = await load(t, server, { addresses, udp: 64, tcp: 64, window: 2 })
    await Promise.all([again.stop(), one.stop()])
    assert.deepEqual(await server.stop(), { code: 0, signal: null })
  })
})

describe('a server that is told to end', () => {
  test('the server ends at the second SIGINT, with exit code 2', async (t) => {
    const server = await start(t, 'threads', clusterOnly())
    server.signal('SIGINT')
    await until(async () => assert.equal((await server.http('ready', '/ready')).status, 503))
    // One that comes within 250 ms is the first one, which npm repeats.
    await until(
      () => {
        if (server.process.exitCode === null) server.process.kill('SIGINT')
        assert.notEqual(server.process.exitCode, null)
      },
      { every: 300 },
    )
    assert.deepEqual(await server.exited, { code: 2, signal: null })
  })

  test('the server ends on a signal although a client never stops asking', async () => {
    assert.deepEqual(await besieged.exited, { code: 0, signal: null })
  })
})
