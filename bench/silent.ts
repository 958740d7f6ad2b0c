/**
 * Claim: an upstream that falls silent fails no query and delays few, all of them fail none that `serve_stale` has an answer to, and
 * one that comes back is used at once. Each query is timed; p99 is that of the worst second. CoreDNS beside it.
 */
import type { Context } from './lib/context.ts'
import { millis, percentile, table, thousands } from './lib/numbers.ts'
import { installed, type Server, startServer, untilAnswering } from './lib/servers.ts'
import { startUpstreamLab, type TimedQuery, type UpstreamLab } from './lib/upstream-lab.ts'

interface Situation {
  readonly name: string
  readonly upstreams: number
  readonly directives: string
  readonly perSecond: number
  readonly silent: readonly number[]
  /** Seconds with all upstreams before, with the silent ones, and after that. */
  readonly phases: readonly [number, number, number]
  /** Different names; undefined: each is asked for once. */
  readonly names?: number
}

const staleSeconds = 8

const situations: readonly Situation[] = [
  {
    name: 'one of three',
    upstreams: 3,
    directives: 'cache 30',
    perSecond: 2000,
    silent: [1],
    phases: [2, 6, 3],
  },
  {
    name: `all three, serve_stale ${staleSeconds}s`,
    upstreams: 3,
    directives: `cache 30 {\nserve_stale ${staleSeconds}s\n}`,
    perSecond: 500,
    silent: [0, 1, 2],
    // An answer is kept for five seconds, whatever its TTL.
    phases: [6, staleSeconds, 3],
    names: 200,
  },
  { name: 'all three', upstreams: 3, directives: '', perSecond: 50, silent: [0, 1, 2], phases: [2, 6, 3] },
  {
    name: 'all three, 20 names again and again',
    upstreams: 3,
    directives: '',
    perSecond: 50,
    silent: [0, 1, 2],
    phases: [2, 6, 3],
    names: 20,
  },
  { name: 'the only one', upstreams: 1, directives: '', perSecond: 50, silent: [0], phases: [2, 6, 3] },
]

const kinds = (['slicedns threads', 'coredns'] as const).filter(installed)

export async function run({ print }: Context): Promise<void> {
  const rows: string[][] = []
  for (const situation of situations)
    for (const kind of kinds) rows.push([situation.name, kind, ...(await measure(kind, situation))])
  print('upstreams fall silent and come back; p99 is that of the worst second, longest and failed are of all queries')
  print(
    table(
      [
        ...['silent', 'server', 'queries', 'p50 ms', 'p99 ms', 'longest ms', 'SERVFAIL', 'their p99 ms', 'unanswered'],
        'recovered after ms',
      ],
      rows,
    ),
  )
}

async function measure(kind: (typeof kinds)[number], situation: Situation): Promise<string[]> {
  const lab = await startUpstreamLab(situation.upstreams)
  const to = lab.ports.map((port) => `127.0.0.1:${port}`).join(' ')
  let server: Server | undefined
  try {
    server = await startServer(kind, {
      corefile: ({ dns }) => `.:${dns} {\nbind 127.0.0.1\nforward . ${to}\n${situation.directives}\n}\n`,
    })
    await untilAnswering(server, 'first.example', 'A')
    return await observe(lab, server.ports.dns, situation)
  } finally {
    await server?.stop()
    await lab.stop()
  }
}

async function observe(lab: UpstreamLab, port: number, situation: Situation): Promise<string[]> {
  const { perSecond, silent, phases, names } = situation
  const seconds = phases.reduce((sum, each) => sum + each)
  // Not counted: the engine's compiling of our code.
  const load = { port, perSecond, names: names ?? perSecond * seconds }
  await lab.offer({ ...load, seconds: 2, prefix: 'warm' })
  const offered = lab.offer({ ...load, seconds, prefix: 'timed' })
  await elapsed(phases[0])
  const silentAt = await lab.silence(silent)
  await elapsed(phases[1])
  const backAt = await lab.silence([])
  return figures(await offered, silentAt, backAt)
}

const elapsed = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1000))

function figures(queries: readonly TimedQuery[], silentAt: number, backAt: number): string[] {
  const answered = queries.filter(({ rcode }) => rcode === 0)
  const failed = queries.filter(({ rcode }) => rcode > 0)
  const times = (some: readonly TimedQuery[]) => some.map(({ took }) => took)
  const worst = Math.max(
    ...seconds(answered.filter(({ sentAt }) => sentAt >= silentAt)).map((some) => percentile(times(some), 0.99)),
  )
  const lastFailed = queries.findLast(({ rcode, sentAt }) => rcode !== 0 && sentAt >= backAt)
  return [
    thousands(queries.length),
    millis(percentile(times(answered), 0.5)),
    millis(worst),
    millis(Math.max(...times(answered))),
    thousands(failed.length),
    millis(percentile(times(failed), 0.99)),
    thousands(queries.length - answered.length - failed.length),
    lastFailed ? thousands(lastFailed.sentAt - backAt) : '0',
  ]
}

/** The queries of each second. */
function seconds(queries: readonly TimedQuery[]): TimedQuery[][] {
  const all: TimedQuery[][] = []
  for (const query of queries) {
    const second = Math.floor((query.sentAt - queries[0]!.sentAt) / 1000)
    all[second] ??= []
    all[second].push(query)
  }
  return all.filter((some) => some.length > 0)
}
