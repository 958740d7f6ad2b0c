/**
 * A process with nothing in it but a cluster model: `node cluster-probe.ts KUBECONFIG`. Tells its parent what it has, and
 * when; asked anything, it collects garbage where it may and answers with its memory.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { openCluster } from '../../src/k8s/open.ts'
import { systemClock } from '../../src/scheduling/clock.ts'
import type { Logger } from '../../src/telemetry/log.ts'
import { createMetrics } from '../../src/telemetry/registry.ts'

export type ProbeMessage =
  | { readonly kind: 'synced'; readonly milliseconds: number; readonly baseline: number; readonly longestTurn: number }
  /** The first change of anything, after synced. Milliseconds of the clock that all processes share. */
  | { readonly kind: 'event'; readonly at: number; readonly service: string }
  | { readonly kind: 'memory'; readonly resident: number; readonly events: number; readonly longestTurn: number }

const send = (message: ProbeMessage): void => void process.send?.(message)
const now = (): number => performance.timeOrigin + performance.now()
const log: Logger = { debug() {}, info() {}, warning() {}, error: (text) => console.error(text), plugin: () => log }

// What reads the kubeconfig is a matter of the build, which ships a tenth of it: not counted.
await import('../../src/k8s/api/kubeconfig.ts')
globalThis.gc?.()
const baseline = process.memoryUsage.rss()

const cluster = openCluster(
  {
    source: { kind: 'kubeconfig', file: process.argv[2]!, context: '' },
    labels: '',
    namespaceLabels: '',
    endpointSlices: true,
    pods: false,
    serviceImports: false,
    podNames: false,
    podLabels: false,
    zones: false,
    sliceUids: false,
    annotationPrefixes: ['slicedns.io/'],
  },
  { log, metrics: createMetrics(), clock: systemClock },
)

// How long the event loop did not turn, for DNS is answered on it.
const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()
const longestTurn = (): number => delay.max / 1e6

let synced = false
let events = 0
const startedAt = performance.now()
cluster.subscribe('observers', {
  service(_, service) {
    events++
    if (synced) send({ kind: 'event', at: now(), service })
  },
  sync() {
    if (synced || !cluster.view.synced) return
    synced = true
    send({ kind: 'synced', milliseconds: performance.now() - startedAt, baseline, longestTurn: longestTurn() })
  },
})
cluster.start()

process.on('message', () => {
  const turn = longestTurn()
  globalThis.gc?.()
  send({ kind: 'memory', resident: process.memoryUsage.rss(), events, longestTurn: turn })
  events = 0
  delay.reset()
})
process.on('disconnect', () => process.exit())
