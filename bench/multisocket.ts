/**
 * Claim: two UDP threads answer at least 1.8 times as many queries as one. With four cores the clock shows it: two for the
 * threads, two for the generator. With fewer, both servers have one core, which the generator on the other keeps busy, and
 * CPU time says what a query costs: two threads that had a core each would answer
 * 2 × (CPU time of a query with one) / (CPU time of a query with two), if both have their share of the queries.
 */
import { cpus } from 'node:os'
import { peer } from '../test/support/peers.ts'
import type { Context } from './lib/context.ts'
import { generatorName, offer } from './lib/generator.ts'
import { micros, percentile, ratio, table, thousands } from './lib/numbers.ts'
import { cpuTime, serverCore, threadTimes } from './lib/process.ts'
import { type Server, startEcho, startServer, untilAnswering } from './lib/servers.ts'

const rounds = 5
const enoughCores = cpus().length >= 4
const questions = Array.from({ length: 1000 }, (_, at) => `n${at}.example A`)

interface Figures {
  readonly perSecond: number
  /** Seconds of CPU per answered query. */
  readonly cpu: number
  /** Of the CPU time of all UDP threads, what the least busy one has used, times their number: 1 where all do the same. */
  readonly evenness: number
}

export async function run({ seconds, print }: Context): Promise<void> {
  const counts = [1, 2] as const
  const figures = new Map<number, Figures[]>(counts.map((count) => [count, []]))
  const servers = new Map<number, Server>()
  try {
    for (const count of counts) servers.set(count, await start(count))
    for (let round = 0; round < rounds; round++)
      for (const [count, server] of servers) figures.get(count)!.push(await measure(server, count, seconds))
  } finally {
    for (const server of servers.values()) await server.stop()
  }
  const median = (count: number, of: keyof Figures) =>
    percentile(
      figures.get(count)!.map((each) => each[of]),
      0.5,
    )
  const rows = counts.map((count) => [
    `multisocket ${count}`,
    thousands(median(count, 'perSecond')),
    micros(median(count, 'cpu')),
    median(count, 'evenness').toFixed(2),
    count === 1 ? '' : ratio((count * median(1, 'cpu')) / median(count, 'cpu')),
    count === 1 || !enoughCores ? '' : ratio(median(count, 'perSecond') / median(1, 'perSecond')),
  ])
  const where = enoughCores ? 'server on two cores' : 'server on one core'
  print(`1,000 names of hosts, EDNS on, by ${generatorName}, ${where}; median of ${rounds} in turns`)
  print(table(['server', 'queries/s', 'CPU µs a query', 'least busy thread', 'by CPU time', 'by the clock'], rows))
  await printGeneratorsMost(seconds, print)
}

async function start(threads: number): Promise<Server> {
  const server = await startServer('slicedns threads', {
    corefile: ({ dns }) => `.:${dns} {
    bind 127.0.0.1
    multisocket ${threads}
    hosts {
${questions.map((question, at) => `        10.0.${at >> 8}.${at & 255} ${question.split(' ')[0]}`).join('\n')}
    }
}
`,
    cores: enoughCores ? '0-1' : serverCore,
  })
  await untilAnswering(server, 'n0.example', 'A')
  return server
}

async function measure(server: Server, threads: number, seconds: number): Promise<Figures> {
  const before = cpuTime(server.pid)
  const threadsBefore = threadTimes(server.pid)
  const { answered, seconds: taken } = await offer({ port: server.ports.dns, questions, seconds, once: false })
  const after = cpuTime(server.pid)
  const used = [...threadTimes(server.pid)]
    .map(([id, time]) => time - (threadsBefore.get(id) ?? 0))
    .sort((a, b) => b - a)
    .slice(0, threads)
  const sum = used.reduce((total, each) => total + each, 0)
  return {
    perSecond: answered / taken,
    cpu: (after.user + after.system - before.user - before.system) / answered,
    evenness: (used.at(-1)! * threads) / sum,
  }
}

/** An echo in C is as fast as the kernel: what the generator gets from it is the most that it can ask. */
async function printGeneratorsMost(seconds: number, print: Context['print']): Promise<void> {
  if (peer('gcc') === undefined) return
  const echo = await startEcho(16)
  try {
    const { answered, seconds: taken } = await offer({ port: echo.ports.dns, questions, seconds, once: false })
    print(`the generator alone with an echo in C, a core each: ${thousands(answered / taken)} queries/s`)
  } finally {
    await echo.stop()
  }
}
