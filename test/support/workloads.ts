/** Workloads as users write them, and what a test does to them: with the control plane of controllers.ts their pods really come and go. */
import assert from 'node:assert/strict'
import type { ApiObject } from './api-client.ts'
import { until } from './until.ts'

interface Api {
  request(method: string, path: string, body?: object): Promise<ApiObject>
}

type WorkloadKind = 'Deployment' | 'StatefulSet' | 'Job'

const collections: Readonly<Record<WorkloadKind, string>> = {
  Deployment: '/apis/apps/v1/namespaces/shop/deployments',
  StatefulSet: '/apis/apps/v1/namespaces/shop/statefulsets',
  Job: '/apis/batch/v1/namespaces/shop/jobs',
}

export interface Workload {
  /** Waits until every replica that is asked for is there, ready, and of the latest template. */
  settled(): Promise<void>
  scale(replicas: number): Promise<void>
  /** What `kubectl rollout restart` does. */
  restart(): Promise<void>
  remove(): Promise<void>
}

export const namespace = 'shop'

/** A namespace for all of them. */
export async function createNamespace(api: Api): Promise<void> {
  await api.request('POST', '/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: namespace },
  })
  // Pods are refused until their account is there.
  await until(() => api.request('GET', `/api/v1/namespaces/${namespace}/serviceaccounts/default`))
}

export interface ServiceOptions {
  readonly annotations?: Readonly<Record<string, string>>
  readonly publishNotReadyAddresses?: boolean
}

/** Headless, with a port `http`. */
export async function createHeadless(api: Api, name: string, options: ServiceOptions = {}): Promise<void> {
  const { annotations = {}, publishNotReadyAddresses = false } = options
  await api.request('POST', `/api/v1/namespaces/${namespace}/services`, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, annotations },
    spec: { clusterIP: 'None', selector: { app: name }, publishNotReadyAddresses, ports: [{ name: 'http', port: 80 }] },
  })
}

/** A workload `name` of pods that Service `name` selects. `spec`: beside selector and template. */
export async function createWorkload(api: Api, kind: WorkloadKind, name: string, spec: object): Promise<Workload> {
  const path = `${collections[kind]}/${name}`
  const isJob = kind === 'Job'
  await api.request('POST', collections[kind], {
    apiVersion: isJob ? 'batch/v1' : 'apps/v1',
    kind,
    metadata: { name },
    spec: {
      ...spec,
      ...(!isJob && { selector: { matchLabels: { app: name } } }),
      template: {
        metadata: { labels: { app: name } },
        spec: {
          terminationGracePeriodSeconds: 5,
          containers: [{ name: 'app', image: 'app', ports: [{ name: 'http', containerPort: 80 }] }],
          ...(isJob && { restartPolicy: 'Never', subdomain: name }),
        },
      },
    },
  })
  return {
    settled: () =>
      until(async () => {
        const { metadata, spec, status } = await api.request('GET', path)
        const found = {
          seen: status.observedGeneration,
          replicas: status.replicas ?? 0,
          updated: status.updatedReplicas ?? 0,
          ready: status.readyReplicas ?? 0,
        }
        const { replicas } = spec
        assert.deepEqual(found, { seen: metadata.generation, replicas, updated: replicas, ready: replicas })
      }),
    scale: async (replicas) => void (await api.request('PATCH', path, { spec: { replicas } })),
    async restart() {
      const annotations = { 'kubectl.kubernetes.io/restartedAt': new Date().toISOString() }
      await api.request('PATCH', path, { spec: { template: { metadata: { annotations } } } })
    },
    remove: async () => void (await api.request('DELETE', `${path}?propagationPolicy=Background`)),
  }
}

/** The pods of a workload that are not about to end. */
export async function podsOf(api: Api, name: string): Promise<ApiObject[]> {
  const { items } = await api.request('GET', `/api/v1/namespaces/${namespace}/pods?labelSelector=app%3D${name}`)
  return items.filter(({ metadata }: ApiObject) => metadata.deletionTimestamp === undefined)
}

/** Turns a pod ready or not, as its kubelet does when its probe says so. */
export async function setReady(api: Api, { metadata, status }: ApiObject, ready: boolean): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/pods/${metadata.name}/status`
  const conditions = status.conditions.map((each: ApiObject) =>
    each.type === 'Ready' ? { ...each, status: ready ? 'True' : 'False' } : each,
  )
  await api.request('PATCH', path, { status: { conditions } })
}
