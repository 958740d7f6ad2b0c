/** How long a change takes from the API server's event to the first answer that shows it. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { ApiObject, Watch } from './control-plane.ts'
import { question } from './question.ts'

interface Api {
  request(method: string, path: string, body?: object): Promise<ApiObject>
  watch(path: string): Promise<Watch>
}

const namespace = 'default'
const name = 'freshness'
const services = `/api/v1/namespaces/${namespace}/services`
const slices = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`
const standby = 'freshness-standby'
const failover = 'freshness-failover'
const staying = '192.0.2.1'
/** Comes and goes; its octets are what the poller looks for in replies. */
const moving = '192.0.2.77'
const movingOctets = Buffer.from([192, 0, 2, 77])

/** The name whose answer changes. */
export const freshHost = `${name}.${namespace}.svc.cluster.local`

/** A split that goes to the service above, and elsewhere only when that has no endpoint. */
export const failoverHost = `${failover}.${namespace}.svc.cluster.local`

/** Creates the service and the slice that `follow` changes. */
export async function createFreshService(api: Api): Promise<void> {
  await createHeadless(api, name, {})
  await createSlice(api, name)
}

/** Creates the split of `failoverHost`, and what it falls back on. */
export async function createFailover(api: Api): Promise<void> {
  await createHeadless(api, standby, {})
  await createSlice(api, standby)
  await createHeadless(api, failover, { 'slicedns.io/split': `${name}=100,${standby}=0` })
}

async function createHeadless(api: Api, name: string, annotations: Readonly<Record<string, string>>): Promise<void> {
  await api.request('POST', services, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace, annotations },
    spec: { clusterIP: 'None', ports: [{ name: 'http', port: 80 }] },
  })
}

async function createSlice(api: Api, name: string): Promise<void> {
  await api.request('POST', slices, {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    addressType: 'IPv4',
    metadata: { name, namespace, labels: { 'kubernetes.io/service-name': name } },
    ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
    endpoints: [{ addresses: [staying], conditions: { ready: true } }],
  })
}

export async function removeFreshService(api: Api): Promise<void> {
  await api.request('DELETE', `${slices}/${name}`)
  await api.request('DELETE', `${services}/${name}`)
}

export async function removeFailover(api: Api): Promise<void> {
  for (const each of [standby, failover]) await api.request('DELETE', `${services}/${each}`)
  await api.request('DELETE', `${slices}/${standby}`)
}

export interface Freshness {
  /** Milliseconds from each event, as another watcher gets it, to the first answer that shows it. */
  readonly latencies: readonly number[]
  /** Changes that no answer showed within `patience`. */
  readonly stale: number
}

export interface FollowOptions {
  readonly port: number
  /** Adding and removing the endpoint goes on until it says no. */
  readonly more: (changes: number) => boolean
  /** Milliseconds after which an old answer counts as stale and the next change is made. */
  readonly patience: number
  /** Whose answers are followed: the service's own (default), or a split's that loses it and gets it back. */
  readonly of?: 'service' | 'failover'
}

export async function follow(api: Api, { port, more, patience, of = 'service' }: FollowOptions): Promise<Freshness> {
  const host = of === 'failover' ? failoverHost : freshHost
  const others = of === 'failover' ? [] : [staying]
  const socket = createSocket('udp4')
  socket.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const watch = await api.watch(`${slices}?fieldSelector=metadata.name%3D${name}`)
  const latencies: number[] = []
  let stale = 0
  try {
    for (let changes = 0; more(changes); changes++) {
      const present = changes % 2 === 0
      const wanted = present ? [...others, moving] : others
      // The event often comes before the reply to the change: listen for it first.
      const event = watch.next(({ object }) => (object.endpoints?.length ?? 0) === wanted.length)
      const changed = api.request('PATCH', `${slices}/${name}`, {
        endpoints: wanted.map((address) => ({ addresses: [address], conditions: { ready: true } })),
      })
      const eventAt = await event
      const answerAt = await untilAnswerIs(socket, host, present, eventAt + patience)
      await changed
      if (answerAt === undefined) stale++
      else latencies.push(Math.max(0, answerAt - eventAt))
    }
  } finally {
    watch.close()
    socket.close()
  }
  return { latencies, stale }
}

/** Asks without a pause; resolves to the time of the first reply that has the address, or has it no more. */
async function untilAnswerIs(
  socket: Socket,
  host: string,
  present: boolean,
  deadline: number,
): Promise<number | undefined> {
  for (let id = 0; performance.now() < deadline; id = (id + 1) & 0xffff) {
    const reply = once(socket, 'message', { signal: AbortSignal.timeout(5000) })
    socket.send(question(`${host} A`, id))
    const [octets] = (await reply) as [Buffer]
    if (octets.includes(movingOctets) === present) return performance.now()
  }
  return undefined
}
