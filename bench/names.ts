/**
 * Claim: a query costs the same whatever the number of names. A hosts file of 100 to 1,000,000 names, queries for names drawn from
 * all of it; the figures are drawn in docs/names.svg.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Context } from './lib/context.ts'
import { generatorName, offer } from './lib/generator.ts'
import { type Line, lineChart } from './lib/line-chart.ts'
import { mebibytes, micros, percentile, table, thousands } from './lib/numbers.ts'
import { cpuTime, residentMemory } from './lib/process.ts'
import { installed, type Server, type ServerKind, startServer, untilAnswering, untilIdle } from './lib/servers.ts'

const counts = [100, 1000, 10_000, 100_000, 1_000_000] as const
const kinds = ['slicedns threads', 'coredns'] as const satisfies ServerKind[]
const rounds = 3
/** More names than any cache of a processor holds the answers of. */
const asked = 200_000
const chart = join(import.meta.dirname, '../docs/names.svg')

export async function run({ seconds, print }: Context): Promise<void> {
  const rows: string[][] = []
  const lines: Line[] = []
  for (const kind of kinds.filter(installed)) {
    const points: { x: number; y: number }[] = []
    for (const count of counts) {
      const server = await start(kind, count)
      try {
        const costs: number[] = []
        for (let round = 0; round <= rounds; round++) costs.push(await costOf(server, count, seconds))
        // The first is not counted: the engine's compiling of our code.
        const cost = percentile(costs.slice(1), 0.5)
        points.push({ x: count, y: cost * 1e6 })
        rows.push([kind, thousands(count), micros(cost), mebibytes(residentMemory(server.pid))])
      } finally {
        await server.stop()
      }
    }
    lines.push({ name: kind === 'coredns' ? 'CoreDNS' : 'slicedns', points })
  }
  print(`names of a hosts file, EDNS on, by ${generatorName}; CPU time of the process, median of ${rounds}`)
  print(table(['server', 'names', 'CPU µs a query', 'resident MiB'], rows))
  writeFileSync(chart, lineChart({ title: 'CPU time of a query', x: 'names', y: 'µs', lines }))
  print(`drawn in ${chart}`)
}

const nameOf = (at: number): string => `n${at}.example`

async function start(kind: ServerKind, count: number): Promise<Server> {
  const server = await startServer(kind, {
    corefile: ({ dns }) => `.:${dns} {\n    bind 127.0.0.1\n    hosts names {\n        no_reverse\n    }\n}\n`,
    files: {
      names: Array.from({ length: count }, (_, at) => `10.${at >> 16}.${(at >> 8) & 255}.${at & 255} ${nameOf(at)}\n`),
    },
  })
  await untilAnswering(server, nameOf(count - 1), 'A')
  await untilIdle(server)
  return server
}

/** Seconds of CPU per answered query. */
async function costOf(server: Server, count: number, seconds: number): Promise<number> {
  const questions = Array.from({ length: Math.min(count, asked) }, (_, at) => `${nameOf((at * 7919) % count)} A`)
  const before = cpuTime(server.pid)
  const { answered } = await offer({ port: server.ports.dns, questions, seconds, once: false })
  const after = cpuTime(server.pid)
  return (after.user + after.system - before.user - before.system) / answered
}
