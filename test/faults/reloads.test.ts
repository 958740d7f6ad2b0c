/**
 * Reloads under constant questions and changes of the cluster lose no query and leave nothing behind. `npm test` does a few;
 * SLICEDNS_RELOADS=1000 does as many.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { until } from '../support/until.ts'
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
    const server = world.server()
    const seen = server.output().length
    world.writeCorefile(comment, line)
    server.signal(signal)
    await server.printed(/Reloading complete|Reload.* failed|cannot be used|Corefile:\d+:\d+/i, seen)
  }

  it(`${reloads} reloads, valid and invalid, lose no query`, async () => {
    // The first of each kind loads modules and starts what stays.
    for (const line of lines) await reload(`before ${line.length}`, line, 'SIGUSR1')
    await reload('before', '', 'SIGUSR1')
    const before = held()
    const memory = world.server().residentMemory()
    for (let i = 0; i < reloads; i++) await reload(`${i}`, lines[i % lines.length]!, i % 2 === 0 ? 'SIGUSR1' : 'SIGHUP')
    await reload('after', '', 'SIGUSR1')
    assert.deepEqual(world.failures, [])
    await until(() => {
      const now = held()
      // The snapshot's file may be open.
      assert.ok(now.files <= before.files + 1, `${now.files} files after ${before.files}`)
      assert.deepEqual([now.listeners, now.threads], [before.listeners, before.threads])
    })
    const grown = world.server().residentMemory() - memory
    // Without a limit of memory the heap grows until it is worth collecting.
    assert.ok(grown < 100, `${grown.toFixed(1)} MiB more after ${reloads} reloads`)
  })

  it('health, readiness and metrics answered to the last', async () => {
    for (const [port, path] of [
      ['health', '/health'],
      ['ready', '/ready'],
      ['metrics', '/metrics'],
    ] as const)
      assert.equal((await world.server().http(port, path)).status, 200)
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
