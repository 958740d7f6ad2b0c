/**
 * A pod's network with slicedns on port 53, a headless Service whose endpoints are backends that really answer, and
 * clients that find them by `dns:///`. The test plays the cluster: it starts and stops backends, and writes the slice.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { openPod, type Pod, withoutPods } from '../resolvers/pod.ts'
import { peer, without } from '../support/peers.ts'
import { type RunningServer, runtime, startServer } from '../support/server.ts'
import { tied } from '../support/tied.ts'
import { until } from '../support/until.ts'

/** For `test(…, { skip })`. */
export const withoutClients = (): string | false => withoutPods() || without('grpc-go-client', 'dig')

export const port = 50_051
/** What a client is given: an absolute name, so that no search list is in the way. */
export const target = `dns:///backend.shop.svc.cluster.local.:${port}`
export const roundRobin = JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] })

/** Loopback addresses: a pod of ours has no other network. */
export const address = (pod: number): string => `127.1.0.${pod}`

export interface DiscoveryHarness {
  readonly pod: Pod
  readonly server: RunningServer
  /** Starts the backends of these pods, and stops those of the others. */
  run(pods: readonly number[]): Promise<void>
  /** The slice has exactly these pods, all ready. */
  publish(pods: readonly number[]): Promise<void>
  annotate(annotations: Readonly<Record<string, string>>): Promise<void>
  client(kind: ClientKind, options: ClientOptions): RunningClient
  /** `dig +short`: the data of each record. */
  dig(name: string, type: string): Promise<string[]>
  stop(): Promise<void>
}

export const clientKinds = ['grpc-js', 'grpc-go'] as const
export type ClientKind = (typeof clientKinds)[number]

export interface ClientOptions {
  readonly serviceConfig?: string
  /** Milliseconds between two lookups at least; the libraries' own is 30 s. */
  readonly minResolution?: number
}

export interface RunningClient {
  /** Who answered each call: an address, or ! and the reason. */
  readonly answers: readonly string[]
  /** Waits until the backends that answered the last calls are exactly these, each of them. */
  uses(pods: readonly number[], within?: number): Promise<void>
  stop(): void
}

export interface HarnessOptions {
  /** Milliseconds after which backends end a connection. */
  readonly maxConnectionAge?: number
  readonly ports?: readonly { readonly name: string; readonly port: number }[]
}

export async function createDiscoveryHarness(options: HarnessOptions = {}): Promise<DiscoveryHarness> {
  const pod = await openPod()
  const manifests = join(pod.folder, 'manifests')
  mkdirSync(manifests)
  const ports = options.ports ?? [{ name: 'grpc', port }]
  const state = { pods: [] as readonly number[], annotations: {} as Readonly<Record<string, string>> }

  /** A file is replaced whole: the server never reads half of one. */
  function write(): void {
    const draft = join(pod.folder, 'draft')
    writeFileSync(
      draft,
      objects(state, ports)
        .map((object) => JSON.stringify(object))
        .join('\n---\n'),
    )
    renameSync(draft, join(manifests, 'all.yaml'))
  }

  write()
  pod.configure('nameserver 127.0.0.1\n')
  const server = await startServer({
    under: pod.inside,
    ports: { dns: 53, health: 8080, ready: 8181, metrics: 9153, other: 9999 },
    corefile: () => `.:53 {
    bind 127.0.0.1
    errors
    kubernetes cluster.local in-addr.arpa {
        manifests ${manifests}
        ttl 1
    }
}
`,
  })
  const backends = startBackends(pod, options.maxConnectionAge ?? 0)
  const clients = new Set<RunningClient>()
  const dig = async (name: string, type: string) =>
    (await pod.run(['dig', '+short', '+tries=1', '@127.0.0.1', name, type])).split('\n').filter((line) => line !== '')

  return {
    pod,
    server,
    dig,
    run: backends.run,
    async publish(pods) {
      state.pods = pods
      write()
      const wanted = pods.map(address).sort()
      await until(async () => {
        const found = (await dig('backend.shop.svc.cluster.local', 'A')).sort()
        if (found.join() !== wanted.join()) throw new Error(`the name has ${found.join()}, not yet ${wanted.join()}`)
      })
    },
    async annotate(annotations) {
      state.annotations = annotations
      write()
    },
    client(kind, clientOptions) {
      const client = startClient(pod, kind, clientOptions)
      clients.add(client)
      return client
    },
    async stop() {
      for (const client of clients) client.stop()
      backends.stop()
      await server.stop('SIGKILL')
      await pod.stop()
    },
  }
}

function objects(
  { pods, annotations }: { pods: readonly number[]; annotations: Readonly<Record<string, string>> },
  ports: NonNullable<HarnessOptions['ports']>,
): readonly object[] {
  const metadata = { namespace: 'shop', name: 'backend' }
  return [
    { apiVersion: 'v1', kind: 'Service', metadata: { ...metadata, annotations }, spec: { clusterIP: 'None', ports } },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { ...metadata, labels: { 'kubernetes.io/service-name': 'backend' } },
      addressType: 'IPv4',
      ports: ports.map((each) => ({ ...each, protocol: 'TCP' })),
      endpoints: pods.map((each) => ({ addresses: [address(each)], conditions: { ready: true } })),
    },
  ]
}

function startInside(pod: Pod, command: readonly string[]): ChildProcess {
  const [program, ...words] = tied([...pod.inside, ...command])
  return spawn(program!, words, { stdio: ['pipe', 'pipe', 'inherit'] })
}

const program = (name: string): readonly string[] => [runtime, join(import.meta.dirname, 'programs', `${name}.ts`)]

function startBackends(pod: Pod, maxConnectionAge: number) {
  const child = startInside(pod, [...program('backends'), String(port), String(maxConnectionAge)])
  const done = new Set<string>()
  createInterface(child.stdout!).on('line', (line) => done.add(line))
  let running: readonly number[] = []
  async function order(line: string): Promise<void> {
    done.delete(line)
    child.stdin!.write(`${line}\n`)
    await until(() => {
      if (!done.has(line)) throw new Error(`not yet done: ${line}`)
    })
  }
  return {
    async run(pods: readonly number[]): Promise<void> {
      const [before, after] = [running, pods]
      running = pods
      for (const each of after) if (!before.includes(each)) await order(`start ${address(each)}`)
      for (const each of before) if (!after.includes(each)) await order(`stop ${address(each)}`)
    },
    stop: () => void child.kill('SIGKILL'),
  }
}

/** As many calls as tell which backends a client uses: it goes round all of them several times. */
const lastCalls = 30

function startClient(pod: Pod, kind: ClientKind, { serviceConfig, minResolution }: ClientOptions): RunningClient {
  const command = kind === 'grpc-js' ? program('grpc-js') : [peer('grpc-go-client')!]
  const unit = kind === 'grpc-js' ? '' : 'ms'
  const child = startInside(pod, [
    ...command,
    ...(serviceConfig === undefined ? [] : [`--service-config=${serviceConfig}`]),
    ...(minResolution === undefined ? [] : [`--min-resolution=${minResolution}${unit}`]),
    target,
  ])
  const answers: string[] = []
  createInterface(child.stdout!).on('line', (line) => answers.push(line))
  return {
    answers,
    async uses(pods, within) {
      const wanted = pods.map((each) => `${address(each)}:${port}`).sort()
      const look = () => {
        const last = answers.slice(-lastCalls)
        const found = [...new Set(last)].sort()
        if (last.length < lastCalls || found.join() !== wanted.join()) {
          throw new Error(`${kind} was answered by ${found.join()}, not yet by ${wanted.join()}`)
        }
      }
      await until(look, within === undefined ? {} : { within })
    },
    stop: () => void child.kill('SIGKILL'),
  }
}
