/**
 * Claim: names outside the cluster cost half of what they cost CoreDNS or less, with the same upstream. CPU time of the server's
 * process per answered query; of several runs, in turns, the best counts, because other work on the machine only adds. A cached
 * answer costs what one costs that the table has of a file.
 */
import { peer } from '../test/support/peers.ts'
import type { Context } from './lib/context.ts'
import { generatorName, offer } from './lib/generator.ts'
import { micros, ratio, table, thousands } from './lib/numbers.ts'
import { cpuTime } from './lib/process.ts'
import {
  installed,
  type Server,
  type ServerKind,
  startServer,
  startUnbound,
  startUpstream,
  untilAnswering,
} from './lib/servers.ts'

type Kind = ServerKind | 'unbound'

interface Workload {
  readonly name: string
  /** Directives beside `forward`. */
  readonly directives: string
  /** Every name is asked for once; else the names are asked for before, and are in the cache. */
  readonly once: boolean
  readonly kinds?: readonly Kind[]
}

const cachedNames = Array.from({ length: 1000 }, (_, i) => `cached-${i}.example`)

const workloads: readonly Workload[] = [
  { name: 'uncached, without cache', directives: 'loadbalance', once: true },
  { name: 'uncached, with cache', directives: 'cache 30\nloadbalance', once: true },
  { name: 'cached', directives: 'cache 30\nloadbalance', once: false },
  {
    name: 'the same names in the table',
    directives: `hosts {\n${cachedNames.map((name) => `192.0.2.2 ${name}`).join('\n')}\nfallthrough\n}\nloadbalance`,
    once: false,
    kinds: ['slicedns threads', 'coredns'],
  },
]

const kinds: readonly Kind[] = [
  ...(['slicedns threads', 'coredns'] as const).filter(installed),
  ...(peer('unbound') ? (['unbound'] as const) : []),
]
const rounds = 3
/** Queries a second that no server here exceeds when each of them is forwarded. */
const mostForwarded = 80_000

interface Figures {
  readonly perSecond: number
  /** Seconds of CPU per answered query. */
  readonly user: number
  readonly system: number
  readonly lost: number
}

export async function run({ seconds, print }: Context): Promise<void> {
  const upstream = await startUpstream()
  const rows: string[][] = []
  try {
    for (const workload of workloads) {
      const best = await bestOf(workload, upstream.port, seconds)
      const total = ({ user, system }: Figures) => user + system
      for (const [kind, figures] of best) {
        const { perSecond, user, system, lost } = figures
        const coredns = best.get('coredns')
        const beside = coredns && kind !== 'coredns' ? ratio(total(coredns) / total(figures)) : ''
        rows.push([
          workload.name,
          kind,
          micros(user),
          micros(system),
          micros(user + system),
          beside,
          thousands(perSecond),
          thousands(lost),
        ])
      }
    }
  } finally {
    await upstream.stop()
  }
  print(`forward to one Knot DNS, prometheus on, EDNS on, by ${generatorName}; best of ${rounds} runs in turns`)
  print(
    table(
      ['workload', 'server', 'user µs', 'system µs', 'µs', 'per CPU second, of CoreDNS', 'queries/s', 'unanswered'],
      rows,
    ),
  )
}

async function bestOf({ directives, once, kinds: only = kinds }: Workload, port: number, seconds: number) {
  const servers = new Map<Kind, Server>()
  const best = new Map<Kind, Figures>()
  try {
    for (const kind of kinds.filter((each) => only.includes(each)))
      servers.set(kind, await start(kind, directives, port))
    for (let round = 0; round < rounds; round++)
      for (const [kind, server] of servers) {
        const figures = await measure(server, once, seconds)
        const before = best.get(kind)
        if (!before || figures.user + figures.system < before.user + before.system) best.set(kind, figures)
      }
  } finally {
    for (const server of servers.values()) await server.stop()
  }
  return best
}

async function start(kind: Kind, directives: string, upstream: number): Promise<Server> {
  if (kind === 'unbound') return answering(await startUnbound(upstream, directives.includes('cache')))
  const server = await startServer(kind, {
    corefile: ({ dns, metrics }) =>
      `.:${dns} {\nbind 127.0.0.1\nerrors\nprometheus 127.0.0.1:${metrics}\nforward . 127.0.0.1:${upstream}\n${directives}\n}\n`,
  })
  return answering(server)
}

async function answering(server: Server): Promise<Server> {
  await untilAnswering(server, 'first.example', 'A')
  return server
}

let unique = 0

async function measure(server: Server, once: boolean, seconds: number): Promise<Figures> {
  const names = once
    ? Array.from({ length: seconds * mostForwarded }, () => `r${unique++}.example A`)
    : cachedNames.map((name) => `${name} A`)
  // Not counted: the engine's compiling of our code, and filling the cache.
  await offer({
    port: server.ports.dns,
    questions: once ? Array.from({ length: 5000 }, () => `w${unique++}.example A`) : names,
    seconds: 2,
    once: true,
  })
  const before = cpuTime(server.pid)
  const result = await offer({ port: server.ports.dns, questions: names, seconds, once })
  const used = cpuTime(server.pid)
  return {
    perSecond: result.answered / result.seconds,
    user: (used.user - before.user) / result.answered,
    system: (used.system - before.system) / result.answered,
    lost: result.sent - result.answered,
  }
}
