/** Claim: the cluster model is filled within a second, keeps little, and a re-list costs neither memory nor events. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { openCluster } from '../src/k8s/open.ts'
import { systemClock } from '../src/scheduling/clock.ts'
import type { Logger } from '../src/telemetry/log.ts'
import { createMetrics } from '../src/telemetry/registry.ts'
import { startApiServer } from '../test/support/api-server/index.ts'
import { createFakeCluster } from '../test/support/fake-cluster.ts'
import { until } from '../test/support/until.ts'
import type { ProbeMessage } from './lib/cluster-probe.ts'
import type { Context } from './lib/context.ts'
import { mebibytes, millis, percentile, table, thousands } from './lib/numbers.ts'
import { sliceObject } from './lib/objects.ts'
import { peakMemory, resetPeak } from './lib/process.ts'
import type { World } from './lib/world.ts'

const mebi = 1024 * 1024
const changes = 2000

export async function run({ world, size, print }: Context): Promise<void> {
  const cluster = await world()
  print(`${thousands(size.services)} services, ${thousands(size.endpoints)} endpoints, real kube-apiserver`)
  print(table(['situation', 'ms', 'MiB above start', 'peak', 'events', 'longest turn, ms'], await lists(cluster)))
  print('')
  const latencies = await eventLatency()
  print(`event written by the test API server to listener called, ${changes} changes, ms:`)
  print(`p50 ${millis(percentile(latencies, 0.5))}  p99 ${millis(percentile(latencies, 0.99))}`)
  print(`the same change put into the model by hand: ${millis(await modelLatency())} ms`)
}

/** The first list, and the one after the API server was killed and lost its history. */
async function lists(cluster: World): Promise<string[][]> {
  const child = fork(join(import.meta.dirname, 'lib/cluster-probe.ts'), [cluster.kubeconfig], {
    execArgv: ['--max-semi-space-size=2', '--expose-gc'],
  })
  try {
    const synced = await message(child, 'synced')
    const peak = peakMemory(child.pid!)
    const memory = await ask(child)
    const above = (bytes: number) => mebibytes((bytes - synced.baseline) / mebi)
    const row = (what: string, time: number, resident: number, most: number, events: number, turn: number) => [
      what,
      thousands(time),
      above(resident),
      above(most * mebi),
      thousands(events),
      millis(turn),
    ]
    const first = row('first list', synced.milliseconds, memory.resident, peak, memory.events, synced.longestTurn)
    resetPeak(child.pid!)
    await cluster.restart()
    const returnedAt = performance.timeOrigin + performance.now()
    const changed = message(child, 'event')
    await cluster.request('PATCH', '/api/v1/namespaces/default/services/kubernetes', {
      spec: { publishNotReadyAddresses: true },
    })
    const { at } = await changed
    const after = await ask(child)
    await cluster.request('PATCH', '/api/v1/namespaces/default/services/kubernetes', {
      spec: { publishNotReadyAddresses: false },
    })
    const most = peakMemory(child.pid!)
    const second = row(
      'killed, compacted, back',
      at - returnedAt,
      after.resident,
      most,
      after.events,
      after.longestTurn,
    )
    return [first, second]
  } finally {
    child.kill('SIGKILL')
  }
}

async function ask(child: ChildProcess) {
  const answer = message(child, 'memory')
  child.send('memory')
  return answer
}

async function message<Kind extends ProbeMessage['kind']>(
  child: ChildProcess,
  kind: Kind,
): Promise<Extract<ProbeMessage, { kind: Kind }>> {
  for (;;) {
    const [received] = (await once(child, 'message')) as [ProbeMessage]
    if (received.kind === kind) return received as Extract<ProbeMessage, { kind: Kind }>
  }
}

/** Milliseconds from the write of an event to the listener, both in this process: network, TLS, HTTP/2 and decoder. */
async function eventLatency(): Promise<number[]> {
  const api = await startApiServer()
  const log: Logger = { debug() {}, info() {}, warning() {}, error: (text) => console.error(text), plugin: () => log }
  const cluster = openCluster(
    {
      source: { kind: 'kubeconfig', file: api.kubeconfig(), context: '' },
      labels: '',
      namespaceLabels: '',
      endpointSlices: true,
      pods: false,
      serviceImports: false,
      podNames: false,
      podLabels: false,
      zones: false,
      sliceUids: false,
      annotationPrefixes: [],
    },
    { log, metrics: createMetrics(), clock: systemClock },
  )
  try {
    cluster.start()
    await until(() => {
      if (!cluster.view.synced) throw new Error('not synced')
    })
    const found: number[] = []
    for (let change = 1; change <= changes; change++) {
      const seen = new Promise<number>((resolve) => {
        const subscription = cluster.subscribe('observers', {
          service() {
            subscription.unsubscribe()
            resolve(performance.now())
          },
        })
      })
      const object = sliceObject(0, { services: 1, endpoints: 19 + (change % 2) }) as { kind: string; metadata: object }
      const writtenAt = performance.now()
      api.put(object)
      found.push((await seen) - writtenAt)
    }
    return found
  } finally {
    await cluster.stop()
    await api.stop()
  }
}

async function modelLatency(): Promise<number> {
  const model = createFakeCluster()
  const objects = [19, 20].map((endpoints) => sliceObject(0, { services: 1, endpoints }))
  const startedAt = performance.now()
  for (let change = 0; change < changes; change++) model.apply(objects[change % 2]!)
  return (performance.now() - startedAt) / changes
}
