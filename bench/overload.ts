/**
 * Claim: ten times as many outside names as the server forwards take neither its memory nor its cluster names: these are
 * answered at full speed, the others are shed. In a memory cgroup of 170 MiB, each server on a core of its own; `--seconds 60` is
 * the minute of the claim. Wants root for the cgroup.
 */
import { createMemoryCgroup } from '../test/attacks/memory-cgroup.ts'
import { service } from '../test/attacks/objects.ts'
import { type OverloadReport, overload } from '../test/attacks/overload.ts'
import { type ApiServer, startApiServer } from '../test/support/api-server/index.ts'
import { startLoadUpstream } from '../test/support/load/upstream.ts'
import { peer } from '../test/support/peers.ts'
import { type RunningServer, startServer, untilReady } from '../test/support/server.ts'
import { until } from '../test/support/until.ts'
import type { Context } from './lib/context.ts'
import { mebibytes, millis, table, thousands } from './lib/numbers.ts'
import { peakMemory, serverCore, serverPriority } from './lib/process.ts'
import { installed } from './lib/servers.ts'

const mebibyte = 2 ** 20
const limit = 170 * mebibyte
/** Ten times what the chain forwards on one core; the relay takes 80,000. */
const floodPerSecond = 300_000
const steadyPerSecond = 2000

interface Situation {
  readonly name: string
  /** Milliseconds of the upstream. */
  readonly delay: number
  /** Lines of `forward`. */
  readonly forward: string
}

const situations: readonly Situation[] = [
  { name: 'relay, fast upstream', delay: 0, forward: '' },
  { name: 'relay, slow upstream', delay: 1000, forward: '' },
  { name: 'chain, fast upstream', delay: 0, forward: 'failover NXDOMAIN' },
  { name: 'chain, slow upstream', delay: 1000, forward: 'failover NXDOMAIN' },
]
const kinds = (['slicedns threads', 'coredns'] as const).filter(installed)

export async function run({ seconds, print }: Context): Promise<void> {
  const rows: string[][] = []
  for (const situation of situations)
    for (const kind of kinds) rows.push([situation.name, kind, ...(await measure(kind, situation, seconds))])
  print(
    `${thousands(floodPerSecond)} random names a second for ${seconds} s, a cluster name ${thousands(steadyPerSecond)} times a second meanwhile; ` +
      `forward and cache 30, limit ${limit / mebibyte} MiB`,
  )
  print(
    table(
      [
        ...['situation', 'server', 'outcome', 'peak MiB', 'cluster asked', 'dropped by the kernel', 'unanswered'],
        ...['p50 ms', 'p99 ms', 'outside asked', 'answered', 'SERVFAIL', 'with EDE', 'other', 'normal after ms'],
      ],
      rows,
    ),
  )
}

async function measure(kind: (typeof kinds)[number], situation: Situation, seconds: number): Promise<string[]> {
  const cgroup = createMemoryCgroup(limit)
  if ('refused' in cgroup) throw new Error(`no memory cgroup can be made: ${cgroup.refused}`)
  const api = await startApiServer({ protobuf: kind !== 'coredns' })
  api.put({ kind: 'Namespace', metadata: { name: 'shop' } }, service('shop', 'web', { clusterIP: '10.96.0.10' }))
  const upstream = await startLoadUpstream(situation)
  let server: RunningServer | undefined
  try {
    server = await startServer({
      corefile: corefileOf(situation, api, upstream.to),
      under: ['taskset', '-c', serverCore, ...serverPriority, ...cgroup.under],
      waitFor: 'nothing',
      ...(kind === 'coredns' && { command: [peer('coredns')!] }),
    })
    await untilReady(server)
    const report = await Promise.race([
      overload(server, {
        steadyName: '_http._tcp.web.shop.svc.cluster.local',
        steadyPerSecond,
        below: 'example',
        floodPerSecond,
        seconds,
      }),
      server.exited,
    ])
    if (cgroup.kills() > 0 || !('steady' in report)) return ['killed for memory', mebibytes(cgroup.peak() / mebibyte)]
    return ['survived', mebibytes(peakMemory(server.pid)), ...figures(report)]
  } finally {
    await server?.stop('SIGKILL')
    await upstream.stop()
    await api.stop()
    await until(() => cgroup.remove(), { within: 5000 })
  }
}

function figures({ steady, flood, recovery }: OverloadReport): string[] {
  return [
    thousands(steady.sent),
    thousands(steady.sent - steady.received),
    thousands(steady.received - steady.answered),
    millis(steady.median),
    millis(steady.p99),
    ...[flood.sent, flood.answered, flood.servfail, flood.explained, flood.refused, recovery].map(thousands),
  ]
}

const corefileOf =
  ({ forward }: Situation, api: ApiServer, upstream: string): Parameters<typeof startServer>[0]['corefile'] =>
  ({ dns, ready, metrics }) =>
    `.:${dns} {
    bind 127.0.0.1
    errors
    ready 127.0.0.1:${ready}
    prometheus 127.0.0.1:${metrics}
    kubernetes cluster.local {
        kubeconfig ${api.kubeconfig()} test
    }
    forward . ${upstream} {
        ${forward}
    }
    cache 30
    loadbalance
}
`
