/**
 * Claim: pods that start together find each other within milliseconds of their event. One headless service gets 10 to 5,000 pods
 * within 10 s; each pod is asked for by its own name (a StatefulSet's, or a Job's with a subdomain) from the moment in which
 * another watcher has its event, until the server answers.
 */

import { firstAnswer } from '../test/support/first-answer.ts'
import type { Context } from './lib/context.ts'
import { kubeadmCorefile } from './lib/corefile.ts'
import { millis, percentile, table, thousands } from './lib/numbers.ts'
import { installed, type Server, type ServerKind, startServer, untilAnswering, untilIdle } from './lib/servers.ts'
import type { World } from './lib/world.ts'

const pods = [10, 100, 1000, 5000] as const
const kinds = ['slicedns threads', 'coredns'] as const satisfies ServerKind[]
/** Milliseconds in which all pods arrive, and in how many steps at most: a kubelet reports each, a controller gathers them. */
const arrival = 10_000
const mostSteps = 100
/** Endpoints of a slice, as the controller writes them. */
const sliceSize = 100
/** Milliseconds after which a pod counts as not found. */
const patience = 5000

const namespace = 'default'
const name = 'gang'
const services = `/api/v1/namespaces/${namespace}/services`
const slices = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`
const hostOf = (pod: number): string => `${name}-${pod}.${name}.${namespace}.svc.cluster.local`

export async function run({ world, print }: Context): Promise<void> {
  const cluster = await world()
  const rows: string[][] = []
  for (const count of pods) {
    for (const kind of kinds.filter(installed)) {
      const corefile = kubeadmCorefile({ kubeconfig: cluster.kubeconfig, upstream: '127.0.0.1:9' })
      const server = await startServer(kind, { corefile })
      try {
        await untilAnswering(server, 'kubernetes.default.svc.cluster.local', 'A')
        await untilIdle(server)
        const { latencies, missed } = await arrive(cluster, server, count)
        const at = (share: number) => millis(percentile(latencies, share))
        rows.push([
          thousands(count),
          kind,
          thousands(latencies.length + missed),
          at(0.5),
          at(0.99),
          at(1),
          String(missed),
        ])
      } finally {
        await server.stop()
      }
    }
  }
  print(`pods of one headless service that arrive in ${arrival / 1000} s, the last of each step asked for by its name`)
  print(`from its event, as another watcher gets it, to the first answer; missed: not within ${patience} ms`)
  print(table(['pods', 'server', 'asked', 'p50 ms', 'p99 ms', 'max ms', 'missed'], rows))
}

async function arrive(cluster: World, server: Server, count: number) {
  await cluster.request('POST', services, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { clusterIP: 'None', ports: [{ name: 'http', port: 80 }] },
  })
  const watch = await cluster.watch(`${slices}?labelSelector=kubernetes.io%2Fservice-name%3D${name}`)
  const steps = Math.min(count, mostSteps)
  const latencies: number[] = []
  let missed = 0
  const begun = performance.now()
  try {
    for (let step = 1; step <= steps; step++) {
      const early = begun + (step * arrival) / steps - performance.now()
      if (early > 0) await new Promise((resolve) => setTimeout(resolve, early))
      const from = Math.round(((step - 1) * count) / steps)
      const last = Math.round((step * count) / steps) - 1
      // The event often comes before the reply to the change: listen for it first.
      const event = watch.next(({ object }) => hasPod(object.endpoints ?? [], last))
      const written = write(cluster, from, last)
      const eventAt = await event
      const answerAt = await firstAnswer(server.ports.dns, hostOf(last), eventAt + patience, 1)
      await written
      if (answerAt === undefined) missed++
      else latencies.push(Math.max(0, answerAt - eventAt))
    }
  } finally {
    watch.close()
    for (let slice = 0; slice * sliceSize < count; slice++)
      await cluster.request('DELETE', `${slices}/${name}-${slice}`).catch(() => undefined)
    await cluster.request('DELETE', `${services}/${name}`)
  }
  return { latencies, missed }
}

/** Writes the slices that have the pods from `from` to `last`, as they are when all pods up to `last` are there. */
async function write(cluster: World, from: number, last: number): Promise<void> {
  for (let slice = Math.floor(from / sliceSize); slice * sliceSize <= last; slice++) {
    const first = slice * sliceSize
    const end = Math.min(last + 1, first + sliceSize)
    const endpoints = Array.from({ length: end - first }, (_, at) => endpoint(first + at))
    if (from > first) await cluster.request('PATCH', `${slices}/${name}-${slice}`, { endpoints })
    else
      await cluster.request('POST', slices, {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        addressType: 'IPv4',
        metadata: { name: `${name}-${slice}`, namespace, labels: { 'kubernetes.io/service-name': name } },
        ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
        endpoints,
      })
  }
}

const endpoint = (pod: number) => ({
  addresses: [`10.250.${pod >> 8}.${pod & 255}`],
  conditions: { ready: true, serving: true, terminating: false },
  hostname: `${name}-${pod}`,
})

function hasPod(endpoints: readonly object[], pod: number): boolean {
  return endpoints.some((each) => 'hostname' in each && each.hostname === `${name}-${pod}`)
}
