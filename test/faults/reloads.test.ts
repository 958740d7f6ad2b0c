/**
 * Reloads under constant questions and changes of the cluster lose no query and leave nothing behind. `npm test` does a few;
 * SLICEDNS_RELOADS=1000 does as many.
 */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { inspect } from 'node:util'
import { type ApiServer, startApiServer } from '../support/api-server/index.ts'
import { inspectedServer, type LiveObjects, liveObjects } from '../support/live-objects.ts'
import { type RunningServer, startServer, untilReady } from '../support/server.ts'
import { until } from '../support/until.ts'
import { corefileOf } from './servers.ts'
import { startWorld, type World } from './world.ts'

const reloads = Number(process.env.SLICEDNS_RELOADS ?? 28)
/** Of all kinds, so that what one of them leaves behind shows: a plugin more, a listener more, a Corefile that is refused. */
const lines = [
  '',
  'log . {\nclass error\n}',
  'bufsize 1232',
  'multisocket 2',
  'console 127.0.0.1:0',
  'no such directive',
  'forward',
]

/** Resolves when the reload is over. */
async function reloaded(server: RunningServer, signal: 'SIGUSR1' | 'SIGHUP'): Promise<void> {
  const seen = server.output().length
  server.signal(signal)
  await server.printed(/Reloading complete|reload failed/, seen)
}

describe('reloads', () => {
  let world: World
  before(async () => {
    world = await startWorld({ seed: 3 })
  })
  after(() => world?.stop())

  /** What the process holds. Sockets to upstreams are left out: the relay opens as many as it has exchanges, up to a bound. */
  function held(): { files: number; listeners: number; threads: number } {
    const { pid } = world.server()
    const links = readdirSync(`/proc/${pid}/fd`).flatMap((number) => linkOf(`/proc/${pid}/fd/${number}`) ?? [])
    const sockets = new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []))
    // proc_pid_net(5): the fourth field of a socket is its state, 0A for LISTEN, the tenth its inode.
    const tcp = readFileSync(`/proc/${pid}/net/tcp`, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
    return {
      files: links.length - sockets.size,
      listeners: tcp.filter(([, , , state, , , , , , inode]) => state === '0A' && sockets.has(inode ?? '')).length,
      threads: readdirSync(`/proc/${pid}/task`).length,
    }
  }

  async function reload(comment: string, line: string, signal: 'SIGUSR1' | 'SIGHUP'): Promise<void> {
    world.writeCorefile(comment, line)
    await reloaded(world.server(), signal)
  }

  it(`${reloads} reloads, valid and invalid, lose no query`, async () => {
    // The first of each kind loads modules and starts what stays.
    for (const line of lines) await reload(`before ${line.length}`, line, 'SIGUSR1')
    await reload('before', '', 'SIGUSR1')
    const before = held()
    for (let i = 0; i < reloads; i++) await reload(`${i}`, lines[i % lines.length]!, i % 2 === 0 ? 'SIGUSR1' : 'SIGHUP')
    await reload('after', '', 'SIGUSR1')
    assert.deepEqual(world.failures, [])
    await until(() => {
      const now = held()
      // The snapshot's file may be open.
      assert.ok(now.files <= before.files + 1, `${now.files} files after ${before.files}`)
      assert.deepEqual([now.listeners, now.threads], [before.listeners, before.threads])
    })
  })

  it('health, readiness and metrics answered to the last', async () => {
    for (const [port, path] of [
      ['health', '/health'],
      ['ready', '/ready'],
      ['metrics', '/metrics'],
    ] as const)
      assert.equal((await world.server().http(port, path)).status, 200)
  })

  it('the plugin `reload` takes what changes in the file, and leaves what it cannot use', async () => {
    const server = world.server()
    await reload('watched', 'reload 2s 0', 'SIGUSR1')
    for (let i = 0; i < Math.ceil(reloads / 100); i++) {
      let seen = server.output().length
      world.writeCorefile('', 'reload 2s 0\nforward')
      await server.printed(/Corefile changed but reload failed: .*Corefile:\d+:\d+/, seen)
      seen = server.output().length
      world.writeCorefile('', `reload 2s 0\nbufsize ${1232 + i}`)
      await server.printed(/Reloading complete/, seen)
    }
    assert.deepEqual(world.failures, [])
  })

  it('SIGTERM during a reload, and reloads during the drain: no query is lost, nothing new listens, exit code 0', async () => {
    const server = world.server()
    const listening = held().listeners
    // The new configuration needs the pods, and waits for them.
    world.api.fault({ on: 'any', resource: 'pods', respond: { stall: true }, times: 1000 })
    world.writeCorefile('never taken', 'console 127.0.0.1:0', 'pods verified')
    const seen = server.output().length
    server.signal('SIGUSR1')
    await server.printed(/Reloading/, seen)
    server.signal('SIGTERM')
    await server.printed(/reload failed, the running configuration stays: shutting down/, seen)
    const ended = server.output().length
    world.writeCorefile('while it drains', 'console 127.0.0.1:0')
    server.signal('SIGHUP')
    await server.printed(/reload failed, the running configuration stays: shutting down/, ended)
    assert.equal((await server.http('ready', '/ready')).status, 503)
    assert.ok(held().listeners <= listening)
    await world.stop()
    assert.deepEqual(await server.exited, { code: 0, signal: null })
    assert.deepEqual(world.failures, [])
  })
})

describe('a server that nobody asks', () => {
  let api: ApiServer
  let server: RunningServer
  let kubeconfig: string
  const write = (line: string, option = '', snapshot = join(api.folder, 'snapshot')): void => {
    const parts = { kubeconfig, upstreams: ['127.0.0.1:9'], cache: 'plain', comment: '' } as const
    writeFileSync(server.corefile, corefileOf('slicedns', { ...parts, snapshot, line, option })(server.ports))
  }
  before(async () => {
    api = await startApiServer()
    kubeconfig = api.kubeconfig()
    server = await startServer({
      corefile: ({ dns }) => `.:${dns} {\nbind 127.0.0.1\nwhoami\n}`,
      command: inspectedServer,
    })
    write('')
    await reloaded(server, 'SIGUSR1')
    await untilReady(server)
  })
  after(async () => {
    await server?.stop()
    await api?.stop()
  })

  /** After a reload, as after the start, the watches begin a moment later than the answers: until then less is held. */
  const watching = (): void => {
    for (const [resource, watches] of [
      ['services', 1],
      ['namespaces', 1],
      ['endpointslices', 1],
      ['pods', 0],
    ] as const)
      assert.equal(api.watches(resource), watches, `watches of ${resource}`)
  }

  it('another snapshot and another interval of `verify` list nothing anew', async () => {
    await until(watching)
    const asked = api.requests.length
    const file = join(api.folder, 'another')
    write('', 'verify 7m', `${file} 2h`)
    await reloaded(server, 'SIGUSR1')
    await until(() => assert.ok(existsSync(file)))
    // A snapshot's file says of which cluster it is: that is asked by name.
    const listed = api.requests.slice(asked).filter(({ headers }) => !`${headers[':path']}`.includes('fieldSelector='))
    assert.deepEqual(listed, [])
  })

  it('two more rounds of every kind of reload leave no more objects in the heap', async () => {
    const round = async (): Promise<void> => {
      for (const line of lines) {
        write(line)
        await reloaded(server, 'SIGUSR1')
      }
      for (const option of ['pods verified', '']) {
        write('', option)
        await reloaded(server, 'SIGUSR1')
      }
    }
    const look = () =>
      until(async () => {
        watching()
        const live = await liveObjects(server)
        // A look collects all garbage, which on a busy machine takes longer than a silent watch is waited for.
        watching()
        return live
      })
    /** A request or a ping on its way is a hundred objects, with its timers: the fewest of some looks are those that stay. */
    const settled = async (): Promise<LiveObjects> => {
      const looks = [await look(), await look(), await look()]
      const kinds = new Set(looks.flatMap(({ resources }) => Object.keys(resources)))
      const fewest = (kind: string) => Math.min(...looks.map(({ resources }) => resources[kind] ?? 0))
      return {
        objects: Math.min(...looks.map(({ objects }) => objects)),
        resources: Object.fromEntries([...kinds].map((kind) => [kind, fewest(kind)])),
      }
    }
    const grown = (before: LiveObjects, now: LiveObjects): boolean =>
      // The least that a reload can leave is a promise with what it closes over.
      now.objects - before.objects >= 2 * lines.length ||
      Object.entries(now.resources).some(([kind, count]) => count > (before.resources[kind] ?? 0))
    await round()
    let before = await settled()
    // What is filled once grows once, at whatever round a busy machine comes to it; what leaks grows with every round.
    for (let attempts = 3; ; attempts--) {
      for (let i = 0; i < 2; i++) await round()
      const now = await settled()
      if (!grown(before, now)) return
      assert.ok(attempts > 1, `${inspect(before)}, then ${inspect(now)}`)
      before = now
    }
  })
})

/** Undefined for a descriptor that has just been closed. */
function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}
