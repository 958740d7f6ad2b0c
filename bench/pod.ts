/**
 * Claim: in a memory cgroup of 170 MiB a server of a large cluster survives its start, a flood of large outside answers, a
 * restart of the API server, and both together, and no cluster answer is missing meanwhile. Wants root for the cgroup.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { errorMessage } from '../src/telemetry/error-text.ts'
import { createMemoryCgroup, type MemoryCgroup } from '../test/attacks/memory-cgroup.ts'
import { dig } from '../test/support/dig.ts'
import { type LoadThread, startLoad } from '../test/support/load/index.ts'
import { startLoadUpstream } from '../test/support/load/upstream.ts'
import { peer } from '../test/support/peers.ts'
import { type RunningServer, startServer } from '../test/support/server.ts'
import { until } from '../test/support/until.ts'
import type { Context } from './lib/context.ts'
import { kubeadmCorefile } from './lib/corefile.ts'
import { mebibytes, table, thousands } from './lib/numbers.ts'
import { hostOf, isHeadless } from './lib/objects.ts'
import { peakMemory, resetPeak, residentMemory, serverCore, serverPriority } from './lib/process.ts'
import { installed } from './lib/servers.ts'
import type { World } from './lib/world.ts'

const mebibyte = 2 ** 20
const limit = 170 * mebibyte
/** Of outside names, at once: 10,000 a second in all. The last situation has twice as many. */
const flood = { clients: ['127.0.0.1', '127.0.0.2'], perSecond: 5_000, records: 60 }
const steadyPerSecond = 1000

const kinds = ['slicedns threads', 'coredns'] as const

interface Trial {
  readonly server: RunningServer
  readonly cluster: World
  readonly seconds: number
}

type Phase = readonly [name: string, work: (trial: Trial) => Promise<void>]

const phases: readonly Phase[] = [
  ['flood', async ({ server, seconds }) => floodUntil(server, 1, delay(seconds * 1000))],
  ['API server restart', async ({ server, cluster }) => restart(server, cluster)],
  ['flood and restart', async (trial) => floodAndRestart(trial, 1)],
  ['twice the flood, and restart', async (trial) => floodAndRestart(trial, 2)],
]

export async function run({ world, size, seconds, print }: Context): Promise<void> {
  const cluster = await world()
  const upstream = await startLoadUpstream({ records: flood.records })
  const rows: string[][] = []
  const names = Array.from({ length: size.services }, (_, at) => at)
    .filter((at) => !isHeadless(at))
    .map((at) => `_http._tcp.${hostOf(at)}`)
  try {
    for (const kind of kinds.filter(installed))
      for (const [name, phase] of phases) rows.push([kind, name, ...(await survive(kind, phase, names))])
  } finally {
    await upstream.stop()
  }
  print(
    `${thousands(size.services)} services, ${thousands(size.endpoints)} endpoints, cache 30; cluster names asked for ${thousands(steadyPerSecond)} times a second; ` +
      `the flood: ${thousands(flood.clients.length * flood.perSecond)} random names a second, ${flood.records} records each`,
  )
  print(
    table(
      [
        ...['server', 'situation', 'outcome', 'cgroup MiB', 'resident at start', 'peak'],
        ...['asked', 'not received', 'not answered', 'p50 ms', 'p99 ms', 'worst ms'],
      ],
      rows,
    ),
  )

  async function survive(kind: (typeof kinds)[number], phase: Phase[1], asked: readonly string[]): Promise<string[]> {
    const cgroup = createMemoryCgroup(limit)
    if ('refused' in cgroup) throw new Error(`no memory cgroup can be made: ${cgroup.refused}`)
    const server = await startServer({
      corefile: kubeadmCorefile({ kubeconfig: cluster.kubeconfig, upstream: upstream.to, cache: 'plain' }),
      under: ['taskset', '-c', serverCore, ...serverPriority, ...cgroup.under],
      waitFor: 'nothing',
      ...(kind === 'coredns' && { command: [peer('coredns')!] }),
    })
    let steady: LoadThread | undefined
    try {
      if ((await survived(server, untilServing(server, hostOf(size.services - 1)))) === undefined)
        return [`${outcome(server, cgroup)} at its start`, mebibytes(cgroup.peak() / mebibyte)]
      const atStart = residentMemory(server.pid)
      resetPeak(server.pid)
      steady = await startLoad({
        port: server.ports.dns,
        from: '127.0.0.3',
        perSecond: steadyPerSecond,
        type: 'SRV',
        ask: { names: asked },
      })
      const failure = await survived(server, phase({ server, cluster, seconds })).then(
        () => undefined,
        (error) => errorMessage(error).split('\n')[0],
      )
      const { sent, answered, latency } = await steady.stop(2000)
      const over = outcome(server, cgroup)
      const peak = mebibytes(cgroup.peak() / mebibyte)
      if (over !== 'survived' || failure !== undefined) return [failure ?? over, peak, mebibytes(atStart)]
      const received = await requestsOf(server, 'SRV')
      return [
        over,
        peak,
        mebibytes(atStart),
        mebibytes(peakMemory(server.pid)),
        thousands(sent),
        thousands(sent - received),
        thousands(received - answered),
        latency(0.5).toFixed(1),
        latency(0.99).toFixed(0),
        latency(1).toFixed(0),
      ]
    } finally {
      await steady?.stop(0)
      await server.stop('SIGKILL')
      await until(() => cgroup.remove(), { within: 5000 })
    }
  }
}

/** What the work gives, or undefined when the server is no more. */
async function survived<T>(server: RunningServer, work: Promise<T>): Promise<T | true | undefined> {
  return Promise.race([work.then((value) => value ?? true), server.exited.then(() => undefined)])
}

/** Queries of a type that the server has received so far, by its own metrics. */
async function requestsOf(server: RunningServer, type: string): Promise<number> {
  const { body } = await server.http('metrics', '/metrics')
  const line = new RegExp(`^coredns_dns_requests_total\\{.*proto="udp".*type="${type}".*\\} (\\d+)$`, 'm').exec(body)
  return Number(line?.[1] ?? 0)
}

function outcome({ process: { exitCode, signalCode } }: RunningServer, cgroup: MemoryCgroup): string {
  if (cgroup.kills() > 0) return 'killed for memory'
  return exitCode === null && signalCode === null ? 'survived' : `ended (${signalCode ?? exitCode})`
}

const isGone = ({ process: { exitCode, signalCode } }: RunningServer): boolean =>
  exitCode !== null || signalCode !== null

async function untilServing(server: RunningServer, name: string): Promise<void> {
  await until(
    async () => {
      const { answer } = await dig(name, 'A', { port: server.ports.dns })
      if (answer.length === 0) throw new Error(`${name} is not served yet:\n${server.output()}`)
    },
    { within: 120_000, unless: () => (isGone(server) ? 'the server has ended' : undefined) },
  )
}

/** While the API server is away and for `seconds` after it is back. */
async function floodAndRestart({ server, cluster, seconds }: Trial, times: number): Promise<void> {
  await floodUntil(
    server,
    times,
    restart(server, cluster).then(() => delay(seconds * 1000)),
  )
}

async function floodUntil(server: RunningServer, times: number, end: Promise<void>): Promise<void> {
  const loads = await Promise.all(
    flood.clients.map((from) =>
      startLoad({
        port: server.ports.dns,
        from,
        perSecond: times * flood.perSecond,
        type: 'A',
        ask: { below: 'example' },
      }),
    ),
  )
  try {
    await end
  } finally {
    for (const load of loads) await load.stop(0)
  }
}

/** Kills the API server and brings it back with its history forgotten; resolves when the server has seen something new. */
async function restart(server: RunningServer, cluster: World): Promise<void> {
  const name = `after-restart-${server.pid}`
  await cluster.restartWith(name)
  await untilServing(server, `${name}.default.svc.cluster.local`)
}
