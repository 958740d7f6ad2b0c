/**
 * Claim: `console` costs the table path at most 2 %, looked at or not, and neither lags nor grows. A server without it and one
 * with it, 1,000 Services each, run beside each other on one core and are asked in turns; CPU time per answer counts. Then,
 * for `--minutes`, the one with it is followed under load while endpoints change: a line for each minute.
 */
import { get } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { endpoint, service, slice } from '../test/attacks/objects.ts'
import { type ApiServer, startApiServer } from '../test/support/api-server/index.ts'
import { freePort } from '../test/support/ports.ts'
import type { Context } from './lib/context.ts'
import { kubeadmCorefile } from './lib/corefile.ts'
import { generatorName, offer } from './lib/generator.ts'
import { micros, millis, percentile, ratio, table, thousands } from './lib/numbers.ts'
import { cpuTime, residentMemory } from './lib/process.ts'
import { type Server, startServer, startUpstream, untilAnswering, untilIdle, untilReady } from './lib/servers.ts'

const services = 1_000
const changesPerSecond = 100
/** Turns of each way in each workload; the median of their ratios counts. */
const turns = 15

const nameOf = (at: number): string => `s${at}`
const hostOf = (at: number): string => `${nameOf(at)}.shop.svc.cluster.local`
const every = Array.from({ length: services }, (_, at) => hostOf(at))

interface Workload {
  readonly name: string
  readonly questions: readonly string[]
}

const workloads: readonly Workload[] = [
  { name: 'ClusterIP A', questions: every.map((host) => `${host} A`) },
  {
    name: 'NXDOMAIN (search path) A',
    questions: every.map((_, at) => `www${at}.example.com.shop.svc.cluster.local A`),
  },
  { name: 'split A', questions: ['split.shop.svc.cluster.local A'] },
]

/** How the server with the console is used. */
const ways = ['without', 'configured', 'followed'] as const
type Way = (typeof ways)[number]

export async function run({ seconds, minutes, print }: Context): Promise<void> {
  const api = await startApiServer({ protobuf: true })
  fill(api)
  const upstream = await startUpstream()
  const consolePort = await freePort()
  const settings = { kubeconfig: `${api.kubeconfig()} test`, upstream: `127.0.0.1:${upstream.port}` }
  const servers: Server[] = []
  try {
    for (const besides of ['', `\n    console 127.0.0.1:${consolePort}`]) {
      const server = await startServer('slicedns threads', { corefile: kubeadmCorefile({ ...settings, besides }) })
      servers.push(server)
      await untilReady(server)
      await untilAnswering(server, hostOf(services - 1), 'A')
      await untilIdle(server)
    }
    const [without, withConsole] = servers as [Server, Server]
    const rows = []
    for (const workload of workloads) rows.push(await compare(workload, without, withConsole, consolePort, seconds))
    print(`${services} Services, ${turns} turns of each, by ${generatorName}; CPU time per answer`)
    print(table(['workload', 'without µs', 'configured µs', 'followed µs', 'configured', 'followed', ''], rows))
    await without.stop()
    if (minutes > 0) print(await followFor(minutes, api, withConsole, consolePort))
  } finally {
    for (const server of servers) if (server.running()) await server.stop()
    await upstream.stop()
    await api.stop()
  }
}

function fill(api: ApiServer): void {
  api.put({ kind: 'Namespace', metadata: { name: 'shop' } })
  for (let at = 0; at < services; at++)
    api.put(service('shop', nameOf(at), { clusterIP: `10.96.${at >> 8}.${at & 255}` }), sliceOf(at, 0))
  const split = service('shop', 'split', { clusterIP: '10.96.200.1' })
  api.put({
    ...split,
    metadata: {
      name: 'split',
      namespace: 'shop',
      annotations: { 'slicedns.io/split': `${nameOf(0)}=90,${nameOf(1)}=10` },
    },
  })
}

const sliceOf = (at: number, round: number) =>
  slice('shop', nameOf(at), {
    endpoints: Array.from({ length: 4 }, (_, i) => endpoint(4 * at + i, i > 0 || round % 2 === 0)),
  })

async function compare(
  { name, questions }: Workload,
  without: Server,
  withConsole: Server,
  consolePort: number,
  seconds: number,
): Promise<string[]> {
  const figures: Record<Way, number[]> = { without: [], configured: [], followed: [] }
  const load = (server: Server, length: number) => offer({ port: server.ports.dns, questions, seconds: length })
  // Not counted: the engine's compiling of our code.
  for (const server of [without, withConsole]) await load(server, 1)
  for (let turn = 0; turn < turns; turn++) {
    // The order changes, so that what grows or ends meanwhile concerns all.
    for (const way of turn % 2 === 0 ? ways : ways.toReversed()) {
      const server = way === 'without' ? without : withConsole
      const follower = way === 'followed' ? follow(consolePort) : undefined
      await follower?.began
      figures[way].push(await costOf(server, () => load(server, Math.max(1, seconds / 2))))
      follower?.stop()
    }
  }
  const against = (way: Way) =>
    percentile(
      figures[way].map((cost, turn) => cost / figures.without[turn]!),
      0.5,
    )
  const worst = Math.max(against('configured'), against('followed'))
  return [
    name,
    ...ways.map((way) => micros(percentile(figures[way], 0.5))),
    ratio(against('configured')),
    ratio(against('followed')),
    worst > 1.02 ? 'OVER 2 %' : '',
  ]
}

/** Seconds of processor time per answer. */
async function costOf({ pid }: Server, load: () => ReturnType<typeof offer>): Promise<number> {
  const used = (): number => {
    const { user, system } = cpuTime(pid)
    return user + system
  }
  const before = used()
  const { answered } = await load()
  return (used() - before) / answered
}

/** Somebody who looks at the page. */
function follow(port: number) {
  const began = Promise.withResolvers<void>()
  const gaps: number[] = []
  let last = 0
  let octets = 0
  const request = get({ host: '127.0.0.1', port, path: '/events' }, (response) => {
    response.setEncoding('utf8')
    response.on('data', (text: string) => {
      octets += text.length
      if (!text.includes('event: state')) return
      if (last > 0) gaps.push(performance.now() - last)
      last = performance.now()
      began.resolve()
    })
    response.on('error', () => undefined)
  })
  request.on('error', began.reject)
  return {
    began: began.promise,
    /** Milliseconds between events, and octets, since the last call. */
    seen: () => {
      const found = { gaps: gaps.splice(0), octets }
      octets = 0
      return found
    },
    stop: () => request.destroy(),
  }
}

async function followFor(minutes: number, api: ApiServer, server: Server, port: number): Promise<string> {
  const follower = follow(port)
  await follower.began
  follower.seen()
  const changing = changeAll(api)
  const rows: string[][] = []
  const resident: number[] = []
  for (let minute = 1; minute <= minutes; minute++) {
    const end = performance.now() + 60_000
    let answered = 0
    while (performance.now() < end) {
      const { questions } = workloads[answered % workloads.length]!
      answered += (await offer({ port: server.ports.dns, questions, seconds: 10 })).answered
      await delay(10)
    }
    resident.push(residentMemory(server.pid))
    const { gaps, octets } = follower.seen()
    rows.push([
      String(minute),
      resident.at(-1)!.toFixed(1),
      thousands(answered),
      thousands(octets / 1024),
      ...[0.5, 0.99, 1].map((share) => millis(percentile(gaps, share))),
    ])
    console.log(rows.at(-1)!.join('  '))
  }
  changing.stop()
  follower.stop()
  const header = ['minute', 'MiB', 'answered', 'KiB of events', 'gap p50 ms', 'p99 ms', 'longest ms']
  const later = resident.slice(Math.min(2, resident.length - 1))
  return `${table(header, rows)}\nfrom the third minute on memory is between ${Math.min(...later).toFixed(1)} and ${Math.max(...later).toFixed(1)} MiB`
}

/** An endpoint of a service comes or goes, of one service after the other. */
function changeAll(api: ApiServer): { stop(): void } {
  let changes = 0
  const began = performance.now()
  const timer = setInterval(() => {
    const due = ((performance.now() - began) / 1000) * changesPerSecond
    for (; changes < due; changes++) api.put(sliceOf(changes % services, Math.floor(changes / services)))
  }, 10)
  return { stop: () => clearInterval(timer) }
}
