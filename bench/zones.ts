/**
 * Claims: answers of a zone file come from the answer table, and a large zone takes little. One zone beside CoreDNS, on one core:
 * processor time of an answer; then a zone of a million records: processor time until it is answered, and resident memory.
 */
import type { Context } from './lib/context.ts'
import { generatorName, offer } from './lib/generator.ts'
import { mebibytes, micros, percentile, ratio, table } from './lib/numbers.ts'
import { cpuTime, residentMemory } from './lib/process.ts'
import { installed, type Server, type ServerKind, startServer, untilAnswering, untilIdle } from './lib/servers.ts'

const kinds: readonly ServerKind[] = ['slicedns threads', 'coredns']
const turns = 5
const hosts = 2000
const many = 1_000_000

const head = '$TTL 60\n@ SOA ns host 1 7200 3600 1209600 60\n@ NS ns\n@ NS ns2\nns A 192.0.2.1\nns2 A 192.0.2.2\n'
const host = (at: number): string => `h${at} A 10.${at >> 16}.${(at >> 8) & 255}.${at & 255}\n`
const small = [
  head,
  ...Array.from({ length: hosts }, (_, at) => `${host(at)}m${at} MX 10 h${at}\nalias${at} CNAME h${at}\n`),
]

const asked = (question: (at: number) => string): readonly string[] =>
  Array.from({ length: hosts }, (_, at) => question(at))
const workloads: readonly (readonly [name: string, questions: readonly string[]])[] = [
  ['A', asked((at) => `h${at}.zone.example A`)],
  ['A of a CNAME', asked((at) => `alias${at}.zone.example A`)],
  ['MX with addresses', asked((at) => `m${at}.zone.example MX`)],
  ['NODATA', asked((at) => `h${at}.zone.example AAAA`)],
  ['NXDOMAIN', asked((at) => `missing${at}.zone.example A`)],
]

export async function run({ seconds, print }: Context): Promise<void> {
  const servers: Server[] = []
  try {
    for (const kind of kinds) if (installed(kind)) servers.push(await serve(kind, small))
    for (const server of servers) await untilAnswering(server, `h${hosts - 1}.zone.example`, 'A')
    const rows = []
    for (const [name, questions] of workloads) {
      const [own, peer = Number.NaN] = await compare(servers, questions, seconds)
      rows.push([name, micros(own), micros(peer), ratio(peer / own)])
    }
    print(`a zone file, ${turns} turns each, by ${generatorName}`)
    print(table(['processor time of an answer, µs', 'slicedns', 'CoreDNS', 'CoreDNS / slicedns'], rows))
  } finally {
    for (const server of servers) await server.stop()
  }
  const rows = []
  for (const kind of kinds) if (installed(kind)) rows.push(await load(kind))
  print(table([`${many} A records`, 'processor seconds until answered', 'and idle', 'resident MiB'], rows))
}

const serve = (kind: ServerKind, zone: readonly string[]): Promise<Server> =>
  startServer(kind, {
    files: { db: zone },
    corefile: ({ dns }) => `zone.example:${dns} {\n  bind 127.0.0.1\n  file db\n}\n`,
  })

/** Median of the seconds of processor time of an answer, for each server. */
async function compare(servers: readonly Server[], questions: readonly string[], seconds: number): Promise<number[]> {
  const costs: number[][] = servers.map(() => [])
  for (const { ports } of servers) await offer({ port: ports.dns, questions, seconds: 1 })
  for (let turn = 0; turn < turns; turn++) {
    for (const [at, server] of servers.entries()) {
      const before = used(server)
      const { answered } = await offer({ port: server.ports.dns, questions, seconds: seconds / turns })
      costs[at].push((used(server) - before) / answered)
    }
  }
  return costs.map((each) => percentile(each, 0.5))
}

async function load(kind: ServerKind): Promise<readonly string[]> {
  const server = await serve(kind, [head, ...Array.from({ length: many }, (_, at) => host(at))])
  try {
    await untilAnswering(server, `h${many - 1}.zone.example`, 'A')
    const answered = used(server)
    await untilIdle(server)
    return [kind, answered.toFixed(1), used(server).toFixed(1), mebibytes(residentMemory(server.pid))]
  } finally {
    await server.stop()
  }
}

function used({ pid }: Server): number {
  const { user, system } = cpuTime(pid)
  return user + system
}
