/** Claim: queries/s on one core and CPU per query, beside CoreDNS with the same Corefile on the same cluster. */
import type { Context } from './lib/context.ts'
import { kubeadmCorefile } from './lib/corefile.ts'
import { generatorName, offer } from './lib/generator.ts'
import { micros, ratio, table, thousands } from './lib/numbers.ts'
import { hostOf, isHeadless, namespaceOf, type Size, splitHostOf, splitObject, splits } from './lib/objects.ts'
import { cpuTime } from './lib/process.ts'
import {
  echoAvailable,
  installed,
  type Server,
  serverKinds,
  startEcho,
  startServer,
  startUpstream,
  untilAnswering,
  untilIdle,
  untilReady,
} from './lib/servers.ts'

interface Workload {
  readonly name: string
  /** A new set of names each time it is called where `once` is set, for nothing may be cached. */
  readonly questions: (size: Size, seconds: number) => readonly string[]
  readonly once?: boolean
  /** Asked before the measurement, so that it finds every name in the cache. */
  readonly warm?: boolean
  /** What only slicedns has. */
  readonly own?: boolean
}

interface Figures {
  readonly perSecond: number
  /** Seconds of CPU per answered query. */
  readonly user: number
  readonly system: number
  readonly lost: number
  /** Octets by which a reply is longer than its query. */
  readonly growth: number
}

const asked = 2000
/** Names of the services for which `wanted` holds, spread over all of them. */
const hosts = ({ services }: Size, wanted: (at: number) => boolean) =>
  Array.from({ length: asked }, (_, at) => (at * 7919) % services)
    .filter(wanted)
    .map(hostOf)

const splitHosts = Array.from({ length: splits }, (_, at) => splitHostOf(at))

let unique = 0
const workloads: readonly Workload[] = [
  { name: 'ClusterIP A', questions: (size) => hosts(size, (at) => !isHeadless(at)).map((host) => `${host} A`) },
  { name: 'headless A', questions: (size) => hosts(size, isHeadless).map((host) => `${host} A`) },
  {
    name: 'SRV of a named port',
    questions: (size) => hosts(size, (at) => !isHeadless(at)).map((host) => `_http._tcp.${host} SRV`),
  },
  {
    name: 'headless SRV',
    questions: (size) => hosts(size, isHeadless).map((host) => `_http._tcp.${host} SRV`),
  },
  { name: 'A of a split', own: true, questions: () => splitHosts.map((host) => `${host} A`) },
  {
    name: 'SRV of a split, as many records as headless',
    own: true,
    questions: () => splitHosts.map((host) => `_http._tcp.${host} SRV`),
  },
  {
    name: 'NXDOMAIN (search path)',
    questions: (size) => hosts(size, () => true).map((host) => `www.example.com.${host.replace(/^[^.]*\./, '')} A`),
  },
  {
    name: 'forwarded, uncached',
    once: true,
    questions: (_, seconds) => Array.from({ length: seconds * 60_000 }, () => `n${unique++}.example A`),
  },
  {
    name: 'forwarded, cached',
    warm: true,
    questions: () => Array.from({ length: 1000 }, (_, at) => `cached-${at}.example A`),
  },
]

type Results = ReadonlyMap<string, ReadonlyMap<Workload, Figures>>

export async function run({ world, size, seconds, print }: Context): Promise<void> {
  const { kubeconfig, request } = await world()
  const collection = (at: number): string => `/api/v1/namespaces/${namespaceOf(at)}/services`
  for (let at = 0; at < splits; at++) await request('POST', collection(at), splitObject(at, size))
  const upstream = await startUpstream()
  const corefile = kubeadmCorefile({ kubeconfig, upstream: `127.0.0.1:${upstream.port}` })
  const results = new Map<string, Map<Workload, Figures>>()
  try {
    for (const kind of serverKinds.filter(installed)) {
      const server = await startServer(kind, { corefile })
      try {
        await untilReady(server)
        await untilAnswering(server, hostOf(size.services - 1), 'A')
        await untilIdle(server)
        const figures = new Map<Workload, Figures>()
        const asked = workloads.filter(({ own }) => !own || kind !== 'coredns')
        for (const workload of asked) figures.set(workload, await measure(server, workload, size, seconds))
        results.set(kind, figures)
      } finally {
        await server.stop()
      }
    }
    const floor = await measureFloor(results.get('slicedns threads')!, size, seconds)
    if (floor.size > 0) results.set('echo in C', floor)
  } finally {
    await upstream.stop()
    for (let at = 0; at < splits; at++) await request('DELETE', `${collection(at)}/split-${at}`)
  }
  print(`kubeadm's Corefile, ${thousands(size.services)} services, EDNS on, server on one core, by ${generatorName}`)
  print(report(results))
}

/** What the kernel alone costs: as many octets back to each query as the server under test sent, and nothing done. */
async function measureFloor(answered: ReadonlyMap<Workload, Figures>, size: Size, seconds: number) {
  const floor = new Map<Workload, Figures>()
  if (!echoAvailable) return floor
  for (const [workload, { growth }] of answered) {
    if (workload.once) continue
    const echo = await startEcho(growth)
    try {
      floor.set(workload, await measure(echo, workload, size, seconds))
    } finally {
      await echo.stop()
    }
  }
  return floor
}

async function measure(
  server: Pick<Server, 'pid' | 'ports'>,
  workload: Workload,
  size: Size,
  seconds: number,
): Promise<Figures> {
  const port = server.ports.dns
  const questions = workload.questions(size, seconds)
  // Not counted: the engine's compiling of our code, and filling the cache.
  if (workload.warm) await offer({ port, questions, seconds: 2, once: true })
  else if (!workload.once) await offer({ port, questions, seconds: 1, once: false })
  const before = cpuTime(server.pid)
  const result = await offer({ port, questions, seconds, once: workload.once ?? false })
  const used = cpuTime(server.pid)
  return {
    perSecond: result.answered / result.seconds,
    user: (used.user - before.user) / result.answered,
    system: (used.system - before.system) / result.answered,
    lost: result.sent - result.answered,
    growth: result.growth,
  }
}

function report(results: Results): string {
  const rows: string[][] = []
  for (const workload of workloads) {
    for (const [kind, figures] of results) {
      const found = figures.get(workload)
      if (found === undefined) continue
      const { perSecond, user, system, lost } = found
      const base = kind === 'coredns' ? undefined : results.get('coredns')?.get(workload)
      const beside = base === undefined ? '' : ratio(perSecond / base.perSecond)
      rows.push([workload.name, kind, thousands(perSecond), micros(user), micros(system), thousands(lost), beside])
    }
  }
  return table(['workload', 'server', 'queries/s', 'user µs', 'system µs', 'unanswered', 'of CoreDNS'], rows)
}
