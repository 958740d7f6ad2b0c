/** Claim: memory stays inside the pod's limit of 170 MiB: idle, with a large cluster, and while the API server restarts. */
import { dig } from '../test/support/dig.ts'
import { until } from '../test/support/until.ts'
import type { Context } from './lib/context.ts'
import { kubeadmCorefile } from './lib/corefile.ts'
import { mebibytes, table, thousands } from './lib/numbers.ts'
import { hostOf } from './lib/objects.ts'
import { peakMemory, resetPeak, residentMemory } from './lib/process.ts'
import { installed, type Server, type ServerKind, startServer, untilAnswering } from './lib/servers.ts'
import { openWorld, type World } from './lib/world.ts'

const kinds = ['slicedns threads', 'coredns'] as const satisfies ServerKind[]

export async function run({ world, size, print }: Context): Promise<void> {
  const rows: string[][] = []
  const empty = await openWorld({ services: 0, endpoints: 0 })
  try {
    for (const kind of kinds.filter(installed)) {
      await withServer(kind, empty, async (server) => {
        await untilAnswering(server, 'kubernetes.default.svc.cluster.local', 'A')
        rows.push([kind, 'idle, no services', mebibytes(await settled(server)), mebibytes(peakMemory(server.pid)), ''])
      })
    }
  } finally {
    await empty.stop()
  }
  const cluster = await world()
  const what = `${thousands(size.services)} services, ${thousands(size.endpoints)} endpoints`
  for (const kind of kinds.filter(installed)) {
    await withServer(kind, cluster, async (server) => {
      await untilAnswering(server, hostOf(size.services - 1), 'A')
      rows.push([kind, what, mebibytes(await settled(server)), mebibytes(peakMemory(server.pid)), ''])
      resetPeak(server.pid)
      const failed = await restartUnder(server, cluster, hostOf(0))
      rows.push([
        kind,
        'API server killed and back',
        mebibytes(await settled(server)),
        mebibytes(peakMemory(server.pid)),
        String(failed),
      ])
    })
  }
  print('resident memory, MiB; peak since the line before; queries that failed meanwhile')
  print(table(['server', 'situation', 'resident', 'peak', 'failed'], rows))
}

async function withServer(kind: ServerKind, cluster: World, work: (server: Server) => Promise<void>): Promise<void> {
  const corefile = kubeadmCorefile({ kubeconfig: cluster.kubeconfig, upstream: '127.0.0.1:9' })
  const server = await startServer(kind, { corefile })
  try {
    await work(server)
  } finally {
    await server.stop()
  }
}

/** Resident memory once two looks a second apart agree within 1 MiB: collectors finish their work after the load. */
async function settled(server: Server): Promise<number> {
  let last = Number.NaN
  return until(
    () => {
      const now = residentMemory(server.pid)
      const difference = Math.abs(now - last)
      last = now
      if (!(difference < 1)) throw new Error(`resident memory still moves by ${difference.toFixed(1)} MiB`)
      return now
    },
    { every: 1000 },
  )
}

/** Kills the API server, brings it back with its history compacted; gives the number of queries that failed until the server has seen something new. */
async function restartUnder(server: Server, cluster: World, known: string): Promise<number> {
  let failed = 0
  let over = false
  const asking = (async () => {
    while (!over) {
      const reply = await dig(known, 'A', { port: server.ports.dns }).catch(() => undefined)
      if (reply === undefined || reply.answer.length === 0) failed++
    }
  })()
  const name = `after-restart-${server.pid}`
  await cluster.restartWith(name)
  await untilAnswering(server, `${name}.default.svc.cluster.local`, 'A')
  over = true
  await asking
  return failed
}
