/** Claim: at 10,000 queries a second, 1,000 endpoint changes a second make the 99th percentile at most 1.2 times as long. */
import type { Context } from './lib/context.ts'
import { kubeadmCorefile } from './lib/corefile.ts'
import { offerAtPace } from './lib/generator.ts'
import { millis, percentile, ratio, table, thousands } from './lib/numbers.ts'
import { hostOf, namespaceOf, serviceName, sliceObject } from './lib/objects.ts'
import { allCores } from './lib/process.ts'
import { installed, type ServerKind, startServer, untilAnswering, untilIdle, untilReady } from './lib/servers.ts'
import type { World } from './lib/world.ts'

const perSecond = 10_000
const changesPerSecond = 1000
/** Endpoints that one write turns ready or not: controllers write slices, and a rollout changes many pods at a time. */
const endpointsPerWrite = 10
/** Services whose endpoints change in turn; every fourth is headless. */
const changing = 400
const rounds = 3
const shares = [0.5, 0.99, 0.999] as const

export async function run({ world, size, seconds, print }: Context): Promise<void> {
  const cluster = await world()
  const corefile = kubeadmCorefile({ kubeconfig: cluster.kubeconfig, upstream: '127.0.0.1:9' })
  const questions = Array.from({ length: 2000 }, (_, at) => `${hostOf((at * 7919) % size.services)} A`)
  const rows: string[][] = []
  for (const kind of ['slicedns threads', 'coredns'] as const satisfies ServerKind[]) {
    if (!installed(kind)) continue
    const server = await startServer(kind, { corefile, cores: allCores })
    try {
      await untilReady(server)
      await untilAnswering(server, hostOf(size.services - 1), 'A')
      await untilIdle(server)
      const quiet: number[][] = []
      const busy: number[][] = []
      let made = 0
      let lost = 0
      const measure = async (into: number[][]): Promise<void> => {
        const { sent, latencies } = await offerAtPace({ port: server.ports.dns, questions, seconds }, perSecond)
        lost += sent - latencies.length
        into.push(shares.map((share) => percentile(latencies, share)))
      }
      // Not counted: the engine's compiling of our code.
      await measure([])
      for (let round = 0; round < rounds; round++) {
        await measure(quiet)
        const changes = beginChanges(cluster, size)
        await measure(busy)
        made += await changes.stop()
      }
      const at = (rounds: number[][], share: number) =>
        percentile(
          rounds.map((each) => each[share]!),
          0.5,
        )
      const row = (what: string, from: number[][]) => [kind, what, ...shares.map((_, share) => millis(at(from, share)))]
      rows.push([...row('no changes', quiet), '', ''])
      const longer = ratio(at(busy, 1) / at(quiet, 1))
      rows.push([...row(`${thousands(made / (rounds * seconds))} changes/s`, busy), longer, thousands(lost)])
    } finally {
      await server.stop()
    }
  }
  print(
    `${thousands(perSecond)} queries/s by dnsperf, the control plane writes beside; medians of ${rounds} runs in turns`,
  )
  print(table(['server', 'meanwhile', 'p50 ms', 'p99 ms', 'p99.9 ms', 'p99, of quiet', 'unanswered'], rows))
}

/** Turns endpoints unready and ready again at the pace wanted, or as fast as the API server takes it. `stop` gives how many. */
function beginChanges(cluster: World, size: Context['size']): { stop(): Promise<number> } {
  const writes = changesPerSecond / endpointsPerWrite
  const begun = performance.now()
  let over = false
  let next = 0
  let made = 0
  const write = async (turn: number): Promise<void> => {
    const at = turn % Math.min(changing, size.services)
    const ready = Math.floor(turn / changing) % 2 === 1
    const { endpoints } = sliceObject(at, size) as { endpoints: object[] }
    const changed = endpoints.slice(0, endpointsPerWrite).map((each) => ({ ...each, conditions: { ready } }))
    const slices = `/apis/discovery.k8s.io/v1/namespaces/${namespaceOf(at)}/endpointslices`
    await cluster.request('PATCH', `${slices}/${serviceName(at)}-slice`, {
      endpoints: [...changed, ...endpoints.slice(endpointsPerWrite)],
    })
    made += changed.length
  }
  const work = async (): Promise<void> => {
    while (!over) {
      const turn = next++
      const due = begun + (turn * 1000) / writes
      const early = due - performance.now()
      if (early > 0) await new Promise((resolve) => setTimeout(resolve, early))
      await write(turn)
    }
  }
  const workers = Promise.all(Array.from({ length: 8 }, work))
  return {
    async stop() {
      over = true
      await workers
      return made
    },
  }
}
