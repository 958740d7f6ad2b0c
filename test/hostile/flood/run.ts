/** Floods the built server in a pod's memory, and judges what it replies, what others hear meanwhile, and what is left of it. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { podMemory } from '../../attacks/arena.ts'
import { createMemoryCgroup } from '../../attacks/memory-cgroup.ts'
import type { RunningServer } from '../../support/server.ts'
import { until } from '../../support/until.ts'
import { sumOf } from '../victim.ts'
import { openFloodArena } from './arena.ts'
import type { FloodProgram } from './program.ts'
import { type Relay, type RelayedPorts, relayedWays, startRelay } from './relay.ts'
import { descriptorsOf, dropsOf, type Held, heldBy, mostResident } from './watch.ts'

export interface FloodOptions {
  readonly seed: number
  /** The first packet's number: a long flood may be had in parts. */
  readonly from: number
  /** Packets by datagrams, and messages by connections. */
  readonly packets: Readonly<Record<Way, number>>
  /** Nothing is sent any more after so many seconds; 0: when all are sent. */
  readonly seconds: number
  /** Milliseconds after the flood until all is as before. */
  readonly recovery: number
  readonly report: (line: string) => void
}

const wayNames = ['udp', 'tcp', ...relayedWays] as const
type Way = (typeof wayNames)[number]

/** What `flood` counts (flood.h). */
export interface Counts {
  readonly sent: number
  readonly due: number
  readonly replies: number
  /** Of these it is known what is right, and they are. */
  readonly known: number
  /** SERVFAIL for want of room. */
  readonly shed: number
  readonly wrong: number
  readonly missing: number
  readonly late: number
  /** Requests with what is no query, or deserves no reply. */
  readonly refused: number
  readonly connections: number
  readonly cut: number
  readonly slowest: number
  readonly rcodes: readonly number[]
}

interface Asked {
  readonly asked: number
  readonly wrong: number
  readonly missing: number
  /** SERVFAIL: no room, or no time. */
  readonly refused: number
  readonly slowest: number
}

export interface Flooded {
  readonly ways: Readonly<Record<Way, Counts>>
  readonly bystander: Readonly<Record<string, Asked>>
  /** Queries that the table left to the chain, by why, and seconds of processor time, by thread: series of the metrics. */
  readonly misses: readonly string[]
  readonly cpu: readonly string[]
  /** Datagrams that the kernel dropped at the server's sockets. */
  readonly drops: number
  /** MiB: the most that was resident, and in the cgroup. */
  readonly resident: number
  readonly cgroup: number | undefined
  readonly descriptors: number
  /** Lines of its log since it was ready. */
  readonly logged: number
  readonly seconds: number
  /** What must not be. */
  readonly failures: readonly string[]
}

/** Descriptors while the flood's connections and the relay's sockets are there; docs/limits.md bounds both. */
const mostDescriptors = 2_000
/** Lines of log a second: each kind of message has a rate of its own. */
const linesPerSecond = 20

export async function runFlood(options: FloodOptions): Promise<Flooded> {
  const cgroup = createMemoryCgroup(podMemory)
  const arena = await openFloodArena({ protobuf: true, secure: true })
  let server: RunningServer | undefined
  let relay: Relay | undefined
  try {
    relay = await startRelay(arena.relayed!)
    server = await arena.start('under' in cgroup ? { under: cgroup.under } : {})
    if ('refused' in cgroup) options.report(`no memory cgroup: ${cgroup.refused}`)
    const pace = join(arena.folder, 'pace')
    writeFileSync(pace, '')
    const target = { server, relayed: relay.ports }
    return await flood(options, target, arena.program, pace, 'refused' in cgroup ? undefined : cgroup)
  } finally {
    await server?.stop('SIGKILL')
    await relay?.stop()
    await arena.close()
    if ('remove' in cgroup) await until(() => cgroup.remove(), { within: 5_000 })
  }
}

interface Target {
  readonly server: RunningServer
  /** Ports of the relay. */
  readonly relayed: RelayedPorts
}

async function flood(
  { seed, from, packets, seconds: most, recovery, report }: FloodOptions,
  { server, relayed }: Target,
  program: FloodProgram,
  pace: string,
  cgroup: { peak(): number; kills(): number } | undefined,
): Promise<Flooded> {
  const { pid, ports } = server
  const failures: string[] = []
  const last = new Map<string, string>()
  const began = performance.now()
  const portOf = { udp: ports.dns, tcp: ports.dns, bystander: ports.dns, ...relayed }
  const startWay = (way: Way | 'bystander', ...args: (number | string)[]) =>
    program.start([way, portOf[way], seed, ...args], (line) => {
      if (line.startsWith('{')) last.set(way, line)
      else if (line.startsWith('FAILED') && failures.length < 60) failures.push(line)
      report(line)
    })
  await answersRightly(server)
  const before = heldBy(server)
  const printed = server.output().length
  let descriptors = 0
  const looking = setInterval(() => {
    try {
      descriptors = Math.max(descriptors, descriptorsOf(pid))
    } catch {
      // The end of the process is told below.
    }
  }, 500)
  const bystander = startWay('bystander')
  // The numbers of one way come behind those of the other.
  let next = from
  const ways = wayNames.map((way) => {
    const started = startWay(way, next, packets[way], most, '-', pace)
    next += packets[way]
    return started
  })
  const codes = await Promise.race([Promise.all(ways.map(({ ended }) => ended)), server.exited.then(() => undefined)])
  bystander.finish()
  if (codes === undefined) for (const way of [...ways, bystander]) way.kill()
  await Promise.all([...ways, bystander].map(({ ended }) => ended))
  clearInterval(looking)
  const seconds = (performance.now() - began) / 1000
  if (codes === undefined)
    throw new Error(`the server has ended during the flood (seed ${seed}):\n${server.output().slice(-4000)}`)
  const drops = dropsOf(server)
  await untilAsBefore(server, before, recovery).catch((error: Error) =>
    failures.push(`after the flood: ${error.message}`),
  )
  const { body } = await server.http('metrics', '/metrics')
  const series = (name: string) =>
    body
      .split('\n')
      .flatMap((line) => (line.startsWith(`${name}{`) && !line.endsWith(' 0') ? line.slice(name.length) : []))
  const result = {
    misses: series('slicedns_table_misses_total'),
    cpu: series('slicedns_thread_cpu_seconds_total'),
    ways: byWay((way) => JSON.parse(last.get(way) ?? '{}')),
    bystander: JSON.parse(last.get('bystander') ?? '{}'),
    drops,
    resident: mostResident(pid),
    cgroup: cgroup && cgroup.peak() / 2 ** 20,
    descriptors,
    logged: server.output().slice(printed).split('\n').length - 1,
    seconds,
  }
  failures.push(...(await faultsOf(server, pid, result)))
  if ((cgroup?.kills() ?? 0) > 0) failures.push('the kernel has killed for memory')
  return { ...result, failures }
}

export function byWay<T>(make: (way: Way) => T): Record<Way, T> {
  return Object.fromEntries(wayNames.map((way) => [way, make(way)])) as Record<Way, T>
}

/** A name of each way to an answer. */
async function answersRightly(server: RunningServer): Promise<void> {
  for (const [name, address, via] of [
    ['s1.n0.svc.cluster.local', '10.96.0.1', 'udp'],
    ['10-1-2-3.n1.pod.cluster.local', '10.1.2.3', 'udp'],
    ['h3.hosts.test', '192.0.2.3', 'tcp'],
  ] as const) {
    const { answer } = await server.dig(name, 'A', { tcp: via === 'tcp' })
    if (!answer[0]?.endsWith(` ${address}`)) throw new Error(`${name}: ${answer}`)
  }
}

async function untilAsBefore(server: RunningServer, before: Held, recovery: number): Promise<void> {
  await answersRightly(server)
  await until(
    () => {
      const now = heldBy(server)
      for (const key of ['files', 'listeners', 'threads'] as const)
        if (now[key] !== before[key]) throw new Error(`${now[key]} ${key}, ${before[key]} before`)
    },
    { within: recovery },
  )
}

async function faultsOf(server: RunningServer, pid: number, result: Omit<Flooded, 'failures'>): Promise<string[]> {
  const faults: string[] = []
  const { body } = await server.http('metrics', '/metrics')
  if (server.pid !== pid) faults.push(`pid ${server.pid}, ${pid} before`)
  for (const name of ['coredns_panics_total', 'slicedns_answer_failures_total', 'slicedns_udp_thread_restarts_total'])
    if (sumOf(body, name) !== 0) faults.push(`${name} is ${sumOf(body, name)}\n${server.output().slice(-4000)}`)
  for (const path of ['health', 'ready'] as const) {
    const { status } = await server.http(path, `/${path}`)
    if (status !== 200) faults.push(`/${path} says ${status}`)
  }
  const { ways, bystander, drops } = result
  for (const way of wayNames) {
    const { wrong, missing } = ways[way]
    if (wrong > 0) faults.push(`${way}: ${wrong} wrong replies`)
    if (missing > 0 && way !== 'udp') faults.push(`${way}: ${missing} messages of connections without a reply`)
  }
  if (ways.udp.missing > drops)
    faults.push(`${ways.udp.missing} datagrams without a reply, of which the kernel dropped at most ${drops}`)
  let unheard = 0
  for (const [kind, { wrong = 0, missing = 0 }] of Object.entries(bystander)) {
    if (wrong > 0) faults.push(`${wrong} wrong answers for the bystander: ${kind}`)
    if (missing > 0 && kind === 'tcp') faults.push(`${missing} of the bystander's connections without an answer`)
    unheard += missing
  }
  if (unheard > drops)
    faults.push(`${unheard} of the bystander's questions have no answer, of which the kernel dropped at most ${drops}`)
  if (result.descriptors > mostDescriptors) faults.push(`${result.descriptors} descriptors`)
  if (result.logged > 100 + linesPerSecond * result.seconds)
    faults.push(`${result.logged} lines of log:\n${server.output().slice(-2000)}`)
  return faults
}
