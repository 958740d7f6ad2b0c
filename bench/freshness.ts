/** Claim: a change is in the answer within milliseconds of its event, and plain `cache 30` in front changes nothing. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { Context } from './lib/context.ts'
import { kubeadmCorefile } from './lib/corefile.ts'
import { millis, percentile, table } from './lib/numbers.ts'
import { question } from './lib/question.ts'
import { installed, type ServerKind, startServer, untilAnswering } from './lib/servers.ts'
import type { World } from './lib/world.ts'

const namespace = 'default'
const name = 'bench-freshness'
const path = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices/${name}`
const host = `${name}.${namespace}.svc.cluster.local`
/** Comes and goes; 192.0.2.77 in network order is what the poller looks for in replies. */
const moving = '192.0.2.77'
const movingOctets = Buffer.from([192, 0, 2, 77])
/** After so many milliseconds an old answer is called stale, and the next change is made. */
const patience = 2000

export async function run({ world, seconds, print }: Context): Promise<void> {
  const cluster = await world()
  await createService(cluster)
  const rows: string[][] = []
  for (const cache of ['kubeadm', 'plain'] as const) {
    for (const kind of ['slicedns threads', 'coredns'] as const satisfies ServerKind[]) {
      if (!installed(kind)) continue
      const corefile = kubeadmCorefile({ kubeconfig: cluster.kubeconfig, upstream: '127.0.0.1:9', cache })
      const server = await startServer(kind, { corefile })
      try {
        await untilAnswering(server, host, 'A')
        const { latencies, stale } = await follow(cluster, server.ports.dns, seconds * 2)
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
  await cluster.request('DELETE', path)
  print(
    `from the event, as another watcher gets it, to the first answer that shows it; stale: not within ${patience} ms`,
  )
  print(table(['Corefile', 'server', 'changes', 'p50 ms', 'p99 ms', 'max ms', 'stale'], rows))
}

async function createService(cluster: World): Promise<void> {
  await cluster.request('POST', `/api/v1/namespaces/${namespace}/services`, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { clusterIP: 'None', ports: [{ name: 'http', port: 80 }] },
  })
  await cluster.request('POST', path.replace(/\/[^/]*$/, ''), {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    addressType: 'IPv4',
    metadata: { name, namespace, labels: { 'kubernetes.io/service-name': name } },
    ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
    endpoints: [{ addresses: ['192.0.2.1'], conditions: { ready: true } }],
  })
}

/** Adds and removes an endpoint for `seconds`, and gives the milliseconds from each event to the answer. */
async function follow(cluster: World, port: number, seconds: number) {
  const socket = createSocket('udp4')
  socket.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const watch = await cluster.watch(`${path.replace(/\/[^/]*$/, '')}?fieldSelector=metadata.name%3D${name}`)
  const latencies: number[] = []
  let stale = 0
  const end = performance.now() + seconds * 1000
  for (let present = true; performance.now() < end; present = !present) {
    const wanted = ['192.0.2.1', ...(present ? [moving] : [])]
    // The event comes before the reply to the patch more often than not: ask for it first.
    const event = watch.next(({ object }) => object.endpoints?.length === wanted.length)
    const patched = cluster.request('PATCH', path, {
      endpoints: wanted.map((address) => ({ addresses: [address], conditions: { ready: true } })),
    })
    const eventAt = await event
    const answerAt = await untilAnswerIs(socket, present, eventAt + patience)
    await patched
    if (answerAt === undefined) stale++
    else latencies.push(Math.max(0, answerAt - eventAt))
  }
  watch.close()
  socket.close()
  return { latencies, stale }
}

/** Asks without a pause; resolves to the time of the first reply that has the address (or has it no more). */
async function untilAnswerIs(socket: Socket, present: boolean, deadline: number): Promise<number | undefined> {
  for (let id = 0; performance.now() < deadline; id = (id + 1) & 0xffff) {
    socket.send(question(`${host} A`, id))
    const [reply] = (await once(socket, 'message')) as [Buffer]
    if (reply.includes(movingOctets) === present) return performance.now()
  }
  return undefined
}
