/**
 * Claim: what a Corefile has beside the cluster costs the cluster's answers nothing. kubeadm's Corefile alone, and with one
 * block of each of many plugins, run beside each other on one core and are asked in turns; CPU time per answer counts, because
 * that is what another load on the machine changes least.
 */
import type { Context } from './lib/context.ts'
import { kubeadmCorefile } from './lib/corefile.ts'
import { generatorName, offer } from './lib/generator.ts'
import { micros, percentile, ratio, table } from './lib/numbers.ts'
import { hostOf, isHeadless, type Size } from './lib/objects.ts'
import { cpuTime } from './lib/process.ts'
import { type Server, startServer, startUpstream, untilAnswering, untilIdle, untilReady } from './lib/servers.ts'

/** Turns of each server in each workload; the median counts. */
const turns = 5

/** One block of each, about the whole server block where that is what the plugin is for. */
const besides = `
    hosts {
        192.0.2.10 db.corp.example
        fallthrough
    }
    rewrite name exact old.corp.example new.corp.example
    rewrite name suffix .legacy.example .corp.example answer auto
    rewrite name regex (.*)-(us-west-1)\\.corp\\.example {1}.{2}.corp.example answer auto
    template IN AAAA .
    template ANY ANY internal.example {
        rcode NXDOMAIN
    }
    acl {
        allow net 127.0.0.0/8 10.0.0.0/8
        block
    }
    header {
        response set ra
    }
    any
    minimal`

const view = (port: number): string => `view.example:${port} {
    bind 127.0.0.1
    view internal {
        expr "incidr(client_ip(), '10.0.0.0/8')"
    }
    whoami
}
`

interface Workload {
  readonly name: string
  readonly questions: (size: Size) => readonly string[]
}

const asked = 2000
const hosts = ({ services }: Size, wanted: (at: number) => boolean): readonly string[] =>
  Array.from({ length: asked }, (_, at) => (at * 7919) % services)
    .filter(wanted)
    .map(hostOf)
const everyHost = (size: Size): readonly string[] => hosts(size, () => true)
const missing = (size: Size): readonly string[] =>
  everyHost(size).map((host) => `www.example.com.${host.replace(/^[^.]*\./, '')}`)

const workloads: readonly Workload[] = [
  { name: 'ClusterIP A', questions: (size) => hosts(size, (at) => !isHeadless(at)).map((host) => `${host} A`) },
  { name: 'headless A', questions: (size) => hosts(size, isHeadless).map((host) => `${host} A`) },
  { name: 'AAAA', questions: (size) => everyHost(size).map((host) => `${host} AAAA`) },
  { name: 'NXDOMAIN (search path) A', questions: (size) => missing(size).map((name) => `${name} A`) },
  { name: 'NXDOMAIN (search path) AAAA', questions: (size) => missing(size).map((name) => `${name} AAAA`) },
]

/** Seconds of CPU per answer, and answers that came from the table, in percent. */
interface Figures {
  readonly cpu: number
  readonly fromTable: number
}

export async function run({ world, size, seconds, print }: Context): Promise<void> {
  const { kubeconfig } = await world()
  const upstream = await startUpstream()
  const settings = { kubeconfig, upstream: `127.0.0.1:${upstream.port}` }
  const servers: Server[] = []
  try {
    for (const corefile of [
      kubeadmCorefile(settings),
      (ports: Server['ports']) => `${kubeadmCorefile({ ...settings, besides })(ports)}${view(ports.dns)}`,
    ]) {
      const server = await startServer('slicedns threads', { corefile })
      servers.push(server)
      await untilReady(server)
      await untilAnswering(server, hostOf(size.services - 1), 'A')
      await untilIdle(server)
    }
    const [alone, beside] = servers as [Server, Server]
    const rows = []
    for (const workload of workloads) rows.push(await compare(workload, alone, beside, size, seconds))
    print(`kubeadm's Corefile alone, and with a block of each of ten plugins; ${turns} turns each, by ${generatorName}`)
    print(table(['workload', 'alone µs', 'beside µs', 'beside / alone', 'from the table', ''], rows))
  } finally {
    for (const server of servers) await server.stop()
    await upstream.stop()
  }
}

async function compare(workload: Workload, alone: Server, beside: Server, size: Size, seconds: number) {
  const questions = workload.questions(size)
  const load = (server: Server, seconds: number) => offer({ port: server.ports.dns, questions, seconds })
  // Not counted: the engine's compiling of our code.
  for (const server of [alone, beside]) await load(server, 1)
  const figures: [Figures[], Figures[]] = [[], []]
  for (let turn = 0; turn < turns; turn++) {
    // The order changes, so that what grows or ends meanwhile concerns both.
    for (const which of turn % 2 === 0 ? [0, 1] : [1, 0]) {
      const server = which === 0 ? alone : beside
      figures[which]!.push(await measure(server, () => load(server, Math.max(1, seconds / turns))))
    }
  }
  const [a, b] = figures.map((all) =>
    percentile(
      all.map(({ cpu }) => cpu),
      0.5,
    ),
  ) as [number, number]
  const share = Math.min(...figures[1].map(({ fromTable }) => fromTable))
  return [workload.name, micros(a), micros(b), ratio(b / a), `${share.toFixed(1)} %`, share < 99.9 ? 'NOT ALL' : '']
}

async function measure(server: Server, load: () => ReturnType<typeof offer>): Promise<Figures> {
  const used = (): number => {
    const { user, system } = cpuTime(server.pid)
    return user + system
  }
  const missed = await misses(server)
  const before = used()
  const { answered } = await load()
  const cpu = (used() - before) / answered
  return { cpu, fromTable: 100 * (1 - ((await misses(server)) - missed) / answered) }
}

/** `slicedns_table_misses_total` of all reasons. */
async function misses({ ports }: Server): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${ports.metrics}/metrics`)).text()
  return [...text.matchAll(/^slicedns_table_misses_total\{.*\} (\d+)$/gm)].reduce(
    (sum, [, count]) => sum + Number(count),
    0,
  )
}
