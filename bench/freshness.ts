/** Claim: a change is in the answer within milliseconds of its event, and plain `cache 30` in front changes nothing. */
import { createFreshService, follow, freshHost, removeFreshService } from '../test/support/freshness.ts'
import type { Context } from './lib/context.ts'
import { kubeadmCorefile } from './lib/corefile.ts'
import { millis, percentile, table } from './lib/numbers.ts'
import { installed, type ServerKind, startServer, untilAnswering } from './lib/servers.ts'

/** After so many milliseconds an old answer is called stale, and the next change is made. */
const patience = 2000

export async function run({ world, seconds, print }: Context): Promise<void> {
  const cluster = await world()
  await createFreshService(cluster)
  const rows: string[][] = []
  for (const cache of ['kubeadm', 'plain'] as const) {
    for (const kind of ['slicedns threads', 'slicedns dgram', 'coredns'] as const satisfies ServerKind[]) {
      if (!installed(kind)) continue
      const corefile = kubeadmCorefile({ kubeconfig: cluster.kubeconfig, upstream: '127.0.0.1:9', cache })
      const server = await startServer(kind, { corefile })
      try {
        await untilAnswering(server, freshHost, 'A')
        const end = performance.now() + seconds * 1000
        const more = () => performance.now() < end
        const { latencies, stale } = await follow(cluster, { port: server.ports.dns, more, patience })
        rows.push([
          cache === 'plain' ? 'cache 30' : 'kubeadm Corefile',
          kind,
          String(latencies.length + stale),
          millis(percentile(latencies, 0.5)),
          millis(percentile(latencies, 0.99)),
          millis(Math.max(...latencies)),
          String(stale),
        ])
      } finally {
        await server.stop()
      }
    }
  }
  await removeFreshService(cluster)
  print(
    `from the event, as another watcher gets it, to the first answer that shows it; stale: not within ${patience} ms`,
  )
  print(table(['Corefile', 'server', 'changes', 'p50 ms', 'p99 ms', 'max ms', 'stale'], rows))
}
