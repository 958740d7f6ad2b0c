/**
 * Claim: from the start of the process to the first right answer for a name of the cluster no longer than CoreDNS takes, with a
 * small cluster (1,000 services) and with that of the run. In turns, since other work on the machine comes and goes.
 */

import { firstAnswer } from '../test/support/first-answer.ts'
import type { Context } from './lib/context.ts'
import { kubeadmCorefile } from './lib/corefile.ts'
import { millis, percentile, ratio, table, thousands } from './lib/numbers.ts'
import { hostOf, type Size, smallCluster } from './lib/objects.ts'
import { cpuTime } from './lib/process.ts'
import { installed, type ServerKind, startServer } from './lib/servers.ts'
import { openWorld, type World } from './lib/world.ts'

const rounds = 9
/** Milliseconds. */
const patience = 60_000
const kinds = ['coredns', 'slicedns threads'] as const satisfies ServerKind[]

interface Start {
  /** Milliseconds until the first right answer. */
  readonly taken: number
  /** Milliseconds of CPU until then. */
  readonly cpu: number
}

export async function run({ world, size, print }: Context): Promise<void> {
  const rows: string[][] = []
  const small = await openWorld(smallCluster)
  try {
    rows.push(...(await compare(small, smallCluster)))
  } finally {
    await small.stop()
  }
  if (size.services !== smallCluster.services) rows.push(...(await compare(await world(), size)))
  print(`from the start of the process to the first right answer for the last service; ${rounds} starts each, in turns`)
  print(table(['services', 'endpoints', 'server', 'min ms', 'median ms', 'max ms', 'CPU ms', 'of CoreDNS'], rows))
}

async function compare({ kubeconfig }: World, size: Size): Promise<string[][]> {
  const corefile = kubeadmCorefile({ kubeconfig, upstream: '127.0.0.1:9' })
  const starts = new Map<ServerKind, Start[]>(kinds.filter(installed).map((kind) => [kind, []]))
  for (let round = 0; round < rounds; round++)
    for (const [kind, made] of starts) made.push(await start(kind, corefile, hostOf(size.services - 2)))
  const median = (made: readonly Start[], of: keyof Start) =>
    percentile(
      made.map((each) => each[of]),
      0.5,
    )
  const base = starts.get('coredns')
  return [...starts].map(([kind, made]) => {
    const times = made.map(({ taken }) => taken)
    return [
      thousands(size.services),
      thousands(size.endpoints),
      kind,
      millis(Math.min(...times)),
      millis(median(made, 'taken')),
      millis(Math.max(...times)),
      millis(median(made, 'cpu')),
      base && made !== base ? ratio(median(made, 'taken') / median(base, 'taken')) : '',
    ]
  })
}

async function start(
  kind: ServerKind,
  corefile: Parameters<typeof startServer>[1]['corefile'],
  host: string,
): Promise<Start> {
  const begin = performance.now()
  const server = await startServer(kind, { corefile })
  try {
    const answered = await firstAnswer(server.ports.dns, host, begin + patience, 5)
    if (answered === undefined) throw new Error(`${kind} does not answer ${host}, and printed:\n${server.output()}`)
    const taken = answered - begin
    const { user, system } = cpuTime(server.pid)
    return { taken, cpu: (user + system) * 1000 }
  } finally {
    await server.stop()
  }
}
