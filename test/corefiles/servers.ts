/** CoreDNS and the built slicedns on the node, each with a Corefile as it is. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { type as rrType } from '../../src/dns/codes.ts'
import { ask } from '../conformance/queries.ts'
import { peer } from '../support/peers.ts'
import { builtServer, runtime } from '../support/server.ts'
import { until } from '../support/until.ts'
import { choose } from './files.ts'
import { folder } from './places.ts'
import { type Listener, listenersOf, overBoth } from './questions.ts'
import { askAll, type Replies } from './replies.ts'
import type { World } from './world.ts'

const commands = {
  coredns: (file: string) => [peer('coredns')!, '-conf', file],
  slicedns: (file: string) => [runtime, builtServer, '-conf', file],
}

/** Milliseconds: CoreDNS waits 5 s for its cluster, and a busy machine for everything. */
const startLimit = 60_000

export type Program = keyof typeof commands

export interface Running {
  /** Everything printed since `forget`. */
  output(): string
  forget(): void
  /** Reloads, and resolves when that is done. Rejects when it fails. */
  reload(): Promise<void>
  stop(): Promise<void>
}

/** Starts the program with the Corefile, and waits until it answers for the cluster. */
export async function start({ node, environment }: World, program: Program, name: string): Promise<Running> {
  const file = choose(name)
  const child = node.start(commands[program](file), { env: environment, cwd: `${folder}/current` })
  const running = watch(child)
  try {
    await until(() => assertPrinted(running, new RegExp(`^${program === 'coredns' ? 'CoreDNS' : program}-`, 'm')), {
      within: startLimit,
      unless: () => (child.exitCode === null ? undefined : `${program} ended`),
    })
    await untilSynced(listenersOf(file))
  } catch (error) {
    await running.stop()
    throw error
  }
  return running
}

/** What the program answers under the Corefile. */
export async function answersOf(world: World, program: Program, name: string): Promise<Replies> {
  const running = await start(world, program, name)
  try {
    return await askAll(listenersOf(choose(name)), (listener) => overBoth(listener.questions))
  } finally {
    await running.stop()
  }
}

function watch(child: ChildProcess): Running {
  let output = ''
  const collect = (chunk: Buffer): void => {
    output += chunk
  }
  child.stdout!.on('data', collect)
  child.stderr!.on('data', collect)
  const ended = once(child, 'close')
  const running: Running = {
    output: () => output,
    forget() {
      output = ''
    },
    async reload() {
      process.kill(child.pid!, 'SIGUSR1')
      await until(() => assertPrinted(running, /Reloading complete/), {
        every: 5,
        unless: () => (/reload failed/.test(output) ? 'the reload failed' : undefined),
      })
    },
    async stop() {
      child.kill('SIGKILL')
      await ended
    },
  }
  return running
}

function assertPrinted(running: Running, pattern: RegExp): void {
  if (!pattern.test(running.output())) throw new Error(`${pattern} is not in: ${running.output()}`)
}

/** CoreDNS opens its ports late, slicedns answers SERVFAIL until it knows the cluster. */
async function untilSynced(listeners: ReadonlyMap<string, Listener>): Promise<void> {
  const names = ['web.shop.svc.cluster.local.', 'web.shop.svc.foo.bar.']
  await until(async () => {
    const replies = await askAll(listeners, () => names.map((name) => ask(name, rrType.A)))
    for (const [key, text] of replies) if (/^(no reply|SERVFAIL)/m.test(text)) throw new Error(`${key}: ${text}`)
  })
}
