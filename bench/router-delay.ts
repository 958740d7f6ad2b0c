/**
 * Claim: a router that knows Services by name and keeps an answer for its TTL never uses an address that left the slice
 * more than a TTL and one lookup ago. Measured: from the event that takes an address out of a headless Service's slice, as
 * another watcher gets it, to the last request that the router sends there.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { type Router, startRouter } from '../test/clients/router.ts'
import { type ControlPlane, startControlPlane } from '../test/support/control-plane.ts'
import type { Context } from './lib/context.ts'
import { kubeadmCorefile } from './lib/corefile.ts'
import { percentile, table } from './lib/numbers.ts'
import { otherCores } from './lib/process.ts'
import { installed, type Server, type ServerKind, startServer, untilAnswering } from './lib/servers.ts'

/** Each Service loses one of its addresses, and gets another, once in a while. */
const services = 100
const replicas = 3
/** Milliseconds. */
const requestEvery = 50
/** The longest TTL, and time enough for whatever comes after it. */
const watchFor = 33_000

const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices'
const nameOf = (at: number): string => `models-${at}`
const hostOf = (at: number): string => `${nameOf(at)}.default.svc.cluster.local`

interface Contender {
  readonly label: string
  readonly kind: ServerKind
  /** A line for the kubernetes block. */
  readonly line?: string
}

/** kubeadm's Corefile for both, which is the default of both; then what slicedns can be told besides. */
const contenders: readonly Contender[] = [
  { label: 'coredns, default Corefile', kind: 'coredns' },
  { label: 'slicedns, default Corefile', kind: 'slicedns threads' },
  { label: 'slicedns, ttl_headless 5', kind: 'slicedns threads', line: 'ttl_headless 5' },
  { label: 'slicedns, adaptive_ttl 2 30', kind: 'slicedns threads', line: 'adaptive_ttl 2 30' },
]

export async function run({ seconds, print }: Context): Promise<void> {
  const plane = await startControlPlane({ cores: otherCores })
  const running: { readonly label: string; readonly server: Server; readonly router: Router }[] = []
  try {
    const addresses = createAddresses()
    const pods = Array.from({ length: services }, () => addresses.take(replicas))
    await Promise.all(pods.map((list, at) => create(plane, at, list)))
    const names = pods.map((_, at) => hostOf(at))
    for (const { label, kind, line } of contenders) {
      if (!installed(kind)) continue
      const server = await startServer(kind, { corefile: corefileWith(plane, line) })
      await untilAnswering(server, names.at(-1)!, 'A')
      const router = await startRouter({ port: server.ports.dns, names, every: requestEvery })
      running.push({ label, server, router })
    }
    const left = await churn(plane, pods, addresses, seconds * 30_000)
    await delay(watchFor)
    print(
      `${services} Services of ${replicas} pods, a request each ${requestEvery} ms; ${left.length} addresses that left`,
    )
    print(
      table(
        header,
        running.map(({ label, router }) => row(label, router, left)),
      ),
    )
  } finally {
    for (const { router, server } of running) {
      router.stop()
      await server.stop()
    }
    await plane.stop()
  }
}

const header = ['server', 'TTL s', 'p50 s', 'p99 s', 'max s', 'later than TTL + one lookup']

interface Left {
  readonly address: string
  /** When its event came. */
  readonly at: number
}

function row(label: string, router: Router, left: readonly Left[]): string[] {
  const delays = left.map(({ address, at }) => Math.max(0, (router.lastUse(address) ?? at) - at))
  const bound = router.longestTtl * 1000 + router.slowestLookup
  const text = (milliseconds: number) => (milliseconds / 1000).toFixed(2)
  return [
    label,
    String(router.longestTtl),
    text(percentile(delays, 0.5)),
    text(percentile(delays, 0.99)),
    text(Math.max(...delays)),
    String(delays.filter((each) => each > bound).length),
  ]
}

/** Takes an address out of one Service after the other, so that each has its turn about once in a longest TTL. */
async function churn(
  plane: ControlPlane,
  pods: string[][],
  addresses: Addresses,
  milliseconds: number,
): Promise<readonly Left[]> {
  const left: Left[] = []
  const watch = await plane.watch(slices)
  const end = performance.now() + milliseconds
  for (let turn = 0; performance.now() < end; turn++) {
    const at = turn % pods.length
    const [gone, ...others] = pods[at]!
    const now = [...others, ...addresses.take(1)]
    pods[at] = now
    const event = watch.next(({ object }) => object.metadata.name === nameOf(at) && addressesIn(object) === now.join())
    await plane.request('PATCH', `${slices}/${nameOf(at)}`, { endpoints: endpointsOf(now) })
    left.push({ address: gone!, at: await event })
    await delay(watchFor / pods.length)
  }
  watch.close()
  return left
}

// biome-ignore lint/suspicious/noExplicitAny: a slice as JSON has it
const addressesIn = (slice: Record<string, any>): string =>
  slice.endpoints?.map(({ addresses }: { addresses: string[] }) => addresses[0]).join() ?? ''

const endpointsOf = (pods: readonly string[]): object[] =>
  pods.map((address) => ({ addresses: [address], conditions: { ready: true } }))

async function create(plane: ControlPlane, at: number, pods: readonly string[]): Promise<void> {
  const ports = [{ name: 'http', port: 8000, protocol: 'TCP' }]
  await plane.request('POST', '/api/v1/namespaces/default/services', {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: nameOf(at) },
    spec: { clusterIP: 'None', ports },
  })
  await plane.request('POST', slices, {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: nameOf(at), labels: { 'kubernetes.io/service-name': nameOf(at) } },
    addressType: 'IPv4',
    ports,
    endpoints: endpointsOf(pods),
  })
}

interface Addresses {
  take(count: number): string[]
}

/** No address is given twice: its last use is that of one pod. */
function createAddresses(): Addresses {
  let given = 0
  const next = () => {
    given++
    return `10.${given >> 16}.${(given >> 8) & 255}.${given & 255}`
  }
  return { take: (count) => Array.from({ length: count }, next) }
}

function corefileWith(plane: ControlPlane, line: string | undefined) {
  const corefile = kubeadmCorefile({ kubeconfig: plane.kubeconfig(plane.adminToken), upstream: '127.0.0.1:9' })
  return (ports: Parameters<typeof corefile>[0]): string =>
    line === undefined
      ? corefile(ports)
      : corefile(ports).replace('        ttl 30\n', `        ttl 30\n        ${line}\n`)
}
