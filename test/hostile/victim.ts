/** The server that the hostile tests work on: names of every kind, on whichever path UDP takes. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Ports, type RunningServer, type ServerOptions, startServer } from '../support/server.ts'

export const examples = join(import.meta.dirname, '../../examples')

export interface Upstreams {
  readonly good: string
  readonly bad: string
}

/** Table names, chain names, forwarded names, cached names, and names of an upstream that answers garbage. */
export const everyKindOfName =
  ({ good, bad }: Upstreams) =>
  ({ dns, health, ready, metrics }: Ports): string =>
    `.:${dns} {
    bind 127.0.0.1
    errors
    health localhost:${health}
    ready localhost:${ready}
    prometheus localhost:${metrics}
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        manifests ${examples}
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
    }
    forward . ${good}
    cache 30
    loadbalance
}
garbage.test:${dns} {
    bind 127.0.0.1
    errors
    prometheus localhost:${metrics}
    forward . ${bad} {
        prefer_udp
    }
    cache 30
}
whoami.test:${dns} {
    bind 127.0.0.1
    prometheus localhost:${metrics}
    whoami
}
`

/** A block that answers cluster names, all from the table, and little else. */
export const clusterOnly =
  (directives = '', body = '') =>
  ({ dns, health, ready, metrics }: Ports): string =>
    `.:${dns} {
    bind 127.0.0.1
    errors
    health localhost:${health} {
        lameduck 1s
    }
    ready localhost:${ready}
    prometheus localhost:${metrics}
    kubernetes cluster.local {
        manifests ${examples}
        pods insecure
    }
    ${directives}
}
${body}`

export const ways = ['threads', 'dgram'] as const
export type WayOfUdp = (typeof ways)[number]

export async function startVictim(way: WayOfUdp, options: ServerOptions): Promise<RunningServer> {
  const server = await startServer({
    ...options,
    waitFor: 'ready',
    env: { ...options.env, ...(way === 'dgram' ? { SLICEDNS_UDP: 'dgram' } : {}) },
  })
  try {
    assert.match(server.output(), new RegExp(`udp by ${way}`))
    return server
  } catch (error) {
    await server.stop('SIGKILL')
    throw error
  }
}

/** The sum of a metric over its labels; 0 for one that is not there. */
export async function metric(server: RunningServer, name: string): Promise<number> {
  const { body } = await server.http('metrics', '/metrics')
  return sumOf(body, name)
}

export function sumOf(exposition: string, name: string): number {
  let sum = 0
  for (const line of exposition.split('\n'))
    if (line.startsWith(`${name} `) || line.startsWith(`${name}{`)) sum += Number(line.slice(line.lastIndexOf(' ') + 1))
  return sum
}

/** Resident memory of the serving process. */
export function residentMebibytes(server: RunningServer): number {
  const status = readFileSync(`/proc/${server.pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024
}

/** Open file descriptors of the serving process. */
export function openDescriptors(server: RunningServer): number {
  return readdirSync(`/proc/${server.pid}/fd`).length
}

/** Nothing has gone wrong inside: each of these would be a bug, whatever was sent. */
export async function assertUnharmed(server: RunningServer, pid: number): Promise<void> {
  assert.equal(server.process.exitCode, null, server.output())
  assert.equal(server.pid, pid)
  const { body } = await server.http('metrics', '/metrics')
  for (const name of ['coredns_panics_total', 'slicedns_answer_failures_total', 'slicedns_udp_thread_restarts_total'])
    assert.equal(sumOf(body, name), 0, `${name}\n${server.output().slice(-4000)}`)
  for (const path of ['health', 'ready'] as const) assert.equal((await server.http(path, `/${path}`)).status, 200)
}
