/** A cluster read by its reflectors, with what it logs and counts. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { formatAddress } from '../../src/k8s/model/address.ts'
import type { Cluster } from '../../src/k8s/model/cluster.ts'
import type { ClusterConfig, SnapshotConfig } from '../../src/k8s/model/config.ts'
import { openCluster } from '../../src/k8s/open.ts'
import { type Clock, systemClock } from '../../src/scheduling/clock.ts'
import type { Logger } from '../../src/telemetry/log.ts'
import type { MetricsRegistry } from '../../src/telemetry/metrics.ts'
import { createMetrics } from '../../src/telemetry/registry.ts'
import type { KubeObject } from '../support/api-server/index.ts'
import { until } from '../support/until.ts'

export interface ClusterHarness extends Cluster {
  /** `[LEVEL] text` each; debug is left out. */
  readonly lines: string[]
  readonly metrics: MetricsRegistry
  /** The lines of a metric's cells, without its name. */
  counted(name: string): Promise<Record<string, number>>
  synced(): Promise<void>
}

export const config: Omit<ClusterConfig, 'source'> = {
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
}

/** Opens and starts it; it is stopped when the test ends. */
export function createClusterHarness(
  t: Pick<TestContext, 'after'>,
  source: ClusterConfig['source'],
  options: Partial<ClusterConfig> & { clock?: Clock; snapshot?: SnapshotConfig; proveEvery?: number } = {},
): ClusterHarness {
  const { clock = systemClock, snapshot, proveEvery, ...rest } = options
  const lines: string[] = []
  const metrics = createMetrics()
  const cluster = openCluster({ ...config, ...rest, source }, { log: logInto(lines), metrics, clock })
  const upkeep = [
    ...(snapshot ? [cluster.keepSnapshot(snapshot)] : []),
    ...(proveEvery ? [cluster.proveFreshness(proveEvery)] : []),
  ]
  async function stop(): Promise<void> {
    await Promise.all(upkeep.splice(0).map((part) => part.stop()))
    await cluster.stop()
  }
  t.after(stop)
  cluster.start()
  return {
    ...cluster,
    stop,
    view: cluster.view,
    lines,
    metrics,
    async counted(name) {
      const cells = (await metrics.text()).matchAll(new RegExp(`^${name}\\{(.*)\\} (.*)$`, 'gm'))
      return Object.fromEntries([...cells].map(([, labels, value]) => [labels.replaceAll('"', ''), Number(value)]))
    },
    synced: () =>
      until(() => {
        assert.equal(cluster.view.synced, true, lines.join('\n'))
        // `synced` does not wait for these.
        for (const resource of ['serviceimports', 'importedslices'] as const)
          assert.notEqual(cluster.view.availability(resource), 'pending', lines.join('\n'))
      }),
  }
}

export function logInto(lines: string[]): Logger {
  const at = (level: string) => (text: string) => void lines.push(`[${level}] ${text}`)
  const log: Logger = {
    debug() {},
    info: at('INFO'),
    warning: at('WARNING'),
    error: at('ERROR'),
    plugin: () => log,
  }
  return log
}

export const namespace = (name: string): KubeObject => ({ kind: 'Namespace', metadata: { name } })

export const service = (name: string, spec: KubeObject = {}): KubeObject => ({
  kind: 'Service',
  metadata: { namespace: 'shop', name },
  spec: { clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.9'], type: 'ClusterIP', ports: [{ port: 80 }], ...spec },
})

export const slice = (name: string, of: string, addresses: readonly string[]): KubeObject => ({
  kind: 'EndpointSlice',
  metadata: { namespace: 'shop', name, labels: { 'kubernetes.io/service-name': of } },
  addressType: 'IPv4',
  endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
  ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
})

/** Addresses of a service's endpoints, in order. */
export function addressesOf({ view }: Cluster, name: string): string[] {
  return view
    .slices('shop', name)
    .flatMap(({ addresses, count }) => Array.from({ length: count }, (_, i) => formatAddress(addresses, i * 4, 4)))
}

/** Names of the services in the namespace of the tests. */
export function serviceNames({ view }: Cluster): string[] {
  return [...view.servicesIn('shop')].map(({ name }) => name).sort()
}
