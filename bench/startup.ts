/** Claim: from the start of the process to the first right answer no longer than CoreDNS takes. */

import { until } from '../test/support/until.ts'
import type { Context } from './lib/context.ts'
import { kubeadmCorefile } from './lib/corefile.ts'
import { millis, percentile, ratio, table } from './lib/numbers.ts'
import { hostOf } from './lib/objects.ts'
import { installed, type ServerKind, startServer } from './lib/servers.ts'

const runs = 5

export async function run({ world, size, print }: Context): Promise<void> {
  const { kubeconfig } = await world()
  const corefile = kubeadmCorefile({ kubeconfig, upstream: '127.0.0.1:9' })
  const medians = new Map<ServerKind, number>()
  const rows: string[][] = []
  for (const kind of ['coredns', 'slicedns threads'] as const satisfies ServerKind[]) {
    if (!installed(kind)) continue
    const times: number[] = []
    for (let run = 0; run < runs; run++) times.push(await timeToReady(kind, corefile))
    const median = percentile(times, 0.5)
    medians.set(kind, median)
    const base = medians.get('coredns')
    const beside = base === undefined || kind === 'coredns' ? '' : ratio(median / base)
    rows.push([kind, millis(Math.min(...times)), millis(median), millis(Math.max(...times)), beside])
  }
  print(
    `milliseconds from the start of the process to 200 on /ready, ${size.services} services, ${size.endpoints} endpoints (last: ${hostOf(size.services - 1)})`,
  )
  print(table(['server', 'min', 'median', 'max', 'of CoreDNS'], rows))
}

async function timeToReady(kind: ServerKind, corefile: Parameters<typeof startServer>[1]['corefile']): Promise<number> {
  const begin = performance.now()
  const server = await startServer(kind, { corefile })
  try {
    await until(
      async () => {
        const url = `http://127.0.0.1:${server.ports.ready}/ready`
        const status = await fetch(url, { headers: { connection: 'close' } }).then((reply) => reply.status, String)
        if (status !== 200) throw new Error(`/ready says ${status}; ${kind} printed:\n${server.output()}`)
      },
      { every: 5, within: 60_000, unless: () => (server.running() ? undefined : `${kind} has ended`) },
    )
    return performance.now() - begin
  } finally {
    await server.stop()
  }
}
