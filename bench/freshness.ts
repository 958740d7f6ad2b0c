/** Claim: a change is in the answer within milliseconds of its event, and plain `cache 30` in front changes nothing. */
import {
  createFailover,
  createFreshService,
  type Freshness,
  failoverHost,
  follow,
  freshHost,
  removeFailover,
  removeFreshService,
} from '../test/support/freshness.ts'
import type { Context } from './lib/context.ts'
import { kubeadmCorefile } from './lib/corefile.ts'
import { millis, percentile, table } from './lib/numbers.ts'
import { installed, type ServerKind, startServer, untilAnswering } from './lib/servers.ts'
import type { World } from './lib/world.ts'

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
        const found = await follow(cluster, { port: server.ports.dns, more, patience })
        rows.push(row(cache === 'plain' ? 'cache 30' : 'kubeadm Corefile', kind, found))
      } finally {
        await server.stop()
      }
    }
  }
  await createFailover(cluster)
  rows.push(await failovers(cluster, seconds))
  await removeFailover(cluster)
  await removeFreshService(cluster)
  print(
    `from the event, as another watcher gets it, to the first answer that shows it; stale: not within ${patience} ms`,
  )
  print(table(['situation', 'server', 'changes', 'p50 ms', 'p99 ms', 'max ms', 'stale'], rows))
}

/** `primary=100,fallback=0`: primary loses its last ready endpoint, and gets it back. */
async function failovers(cluster: World, seconds: number): Promise<string[]> {
  const corefile = kubeadmCorefile({ kubeconfig: cluster.kubeconfig, upstream: '127.0.0.1:9' })
  const server = await startServer('slicedns threads', { corefile })
  try {
    await untilAnswering(server, failoverHost, 'A')
    const end = performance.now() + seconds * 1000
    const options = { port: server.ports.dns, more: () => performance.now() < end, patience, of: 'failover' as const }
    return row('failover of a split', 'slicedns threads', await follow(cluster, options))
  } finally {
    await server.stop()
  }
}

function row(what: string, kind: ServerKind, { latencies, stale }: Freshness): string[] {
  const at = (share: number): string => millis(percentile(latencies, share))
  const most = millis(Math.max(...latencies))
  return [what, kind, String(latencies.length + stale), at(0.5), at(0.99), most, String(stale)]
}
