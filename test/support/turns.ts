/**
 * Loaded before the tests of each file: `npm test` runs several files at once, and one that imports `./alone.ts` has the machine to
 * itself. A file has a turn from before its tests until its process ends; alone is one that has all turns.
 */
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { isMainThread } from 'node:worker_threads'

/** As many as the runner starts files at once. It hands its own options on to them: 0, where nobody has said a number. */
const turns = Number(/^--test-concurrency=(\d+)$/m.exec(process.execArgv.join('\n'))?.[1] ?? 0) || 1

/** Milliseconds between two looks for a turn. */
const patience = 50

/**
 * A turn is an abstract socket of this runner's files (unix(7)): the kernel gives it back when the process ends, in whichever
 * way. Where there are none, files do not wait for each other.
 */
const held: Server[] = []
const available = process.env.NODE_TEST_CONTEXT !== undefined && process.platform === 'linux' && isMainThread

if (available) await takeOne()

async function takeOne(): Promise<void> {
  for (;;) {
    for (let turn = 0; turn < turns; turn++) if (await take(turn)) return
    await delay(patience)
  }
}

/** Gives its own up first, and takes all in their order: two that want all never wait for each other. */
export async function takeAll(): Promise<void> {
  if (!available) return
  await Promise.all(held.splice(0).map((server) => once(server.close(), 'close')))
  for (let turn = 0; turn < turns; turn++) while (!(await take(turn))) await delay(patience)
}

async function take(turn: number): Promise<boolean> {
  const server = createServer().unref()
  try {
    server.listen(`\0slicedns-tests-${process.ppid}-${turn}`)
    await once(server, 'listening')
    held.push(server)
    return true
  } catch {
    return false
  }
}
