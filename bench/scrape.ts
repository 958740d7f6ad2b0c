/** Claim: a scrape of a large cluster's server is small, and its size does not depend on clients or names. */

import { dig } from '../test/support/dig.ts'
import type { Context } from './lib/context.ts'
import { kubeadmCorefile } from './lib/corefile.ts'
import { millis, percentile, table, thousands } from './lib/numbers.ts'
import { hostOf } from './lib/objects.ts'
import { cpuTime } from './lib/process.ts'
import {
  installed,
  type Server,
  type ServerKind,
  startServer,
  startUpstream,
  untilIdle,
  untilReady,
} from './lib/servers.ts'

const kinds = ['slicedns threads', 'coredns'] as const satisfies ServerKind[]
const scrapes = 200
/** Names that are asked for first, each with two types over two transports, and as many that do not exist. */
const names = 200

export async function run({ world, size, print }: Context): Promise<void> {
  const cluster = await world()
  const upstream = await startUpstream()
  const rows: string[][] = []
  try {
    for (const kind of kinds.filter(installed)) {
      const corefile = kubeadmCorefile({ kubeconfig: cluster.kubeconfig, upstream: `127.0.0.1:${upstream.port}` })
      const server = await startServer(kind, { corefile })
      try {
        await untilReady(server)
        await untilIdle(server)
        rows.push([kind, 'after the start', ...(await measure(server))])
        await ask(server, size.services)
        await untilIdle(server)
        rows.push([kind, `${thousands(names * 5)} queries later`, ...(await measure(server))])
      } finally {
        await server.stop()
      }
    }
  } finally {
    await upstream.stop()
  }
  print(
    `${thousands(size.services)} services, ${thousands(size.endpoints)} endpoints; ${scrapes} scrapes, one after the other, with gzip`,
  )
  print(table(['server', 'situation', 'series', 'octets', 'CPU ms a scrape', 'p50 ms', 'p99 ms'], rows))
}

async function ask({ ports }: Server, services: number): Promise<void> {
  for (let at = 0; at < names; at++) {
    const name = hostOf((at * 37) % services)
    await Promise.all([
      ...['A', 'AAAA', 'SRV'].map((type) => dig(name, type, { port: ports.dns })),
      dig(name, 'A', { port: ports.dns, tcp: true }),
      dig(`no-${at}.${name}`, 'A', { port: ports.dns }),
    ])
  }
}

async function measure({ pid, ports }: Server): Promise<string[]> {
  const scrape = async (): Promise<string> => (await fetch(`http://127.0.0.1:${ports.metrics}/metrics`)).text()
  const text = await scrape()
  const waits: number[] = []
  const before = cpuTime(pid)
  for (let n = 0; n < scrapes; n++) {
    const startedAt = performance.now()
    await scrape()
    waits.push(performance.now() - startedAt)
  }
  const after = cpuTime(pid)
  const used = ((after.user + after.system - before.user - before.system) * 1_000) / scrapes
  const series = text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length
  return [
    thousands(series),
    thousands(text.length),
    millis(used),
    millis(percentile(waits, 0.5)),
    millis(percentile(waits, 0.99)),
  ]
}
