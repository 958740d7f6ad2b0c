/**
 * What the end-to-end tests stand on: a real API server with the objects of manifests/ applied to it, the token of their
 * service account, and the built server with their Corefile on free ports.
 */

import { startUpstream } from '../conformance/upstream.ts'
import { movedCorefile, objects } from '../manifests/objects.ts'
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts'
import { type RunningServer, type ServerOptions, startServer } from '../support/server.ts'
import { collectionPath, objectPath } from './paths.ts'

export const account = 'system:serviceaccount:kube-system:slicedns'
export const origin = 'cluster.local.'

export interface TestCluster extends ControlPlane {
  /** Kubeconfig of manifests' service account. */
  readonly accountConfig: string
  readonly upstream: string
  create(object: object): Promise<void>
  /** Merges `changes` into the object (lists are replaced). */
  change(kind: string, namespace: string, name: string, changes: object): Promise<void>
  remove(kind: string, namespace: string, name: string): Promise<void>
  /** The built server with manifests' Corefile, watching this cluster with exactly manifests' rights. */
  serve(options?: ServeOptions): Promise<RunningServer>
}

export interface ServeOptions extends Partial<Omit<ServerOptions, 'corefile'>> {
  /** Default: accountConfig. */
  readonly kubeconfig?: string
  /** Lines for the kubernetes block. */
  readonly kubernetes?: readonly string[]
  /** Last word on the Corefile. */
  readonly edit?: (corefile: string) => string
}

export async function startCluster(): Promise<TestCluster> {
  const plane = await startControlPlane()
  const upstream = await startUpstream()
  const create = async (object: object) => void (await plane.request('POST', collectionPath(object), object))
  for (const object of objects.filter(({ kind }) => /^(ServiceAccount|ClusterRole.*)$/.test(kind))) await create(object)
  const accountConfig = plane.kubeconfig(await plane.serviceAccountToken('kube-system', 'slicedns'))
  return {
    ...plane,
    accountConfig,
    upstream: `127.0.0.1:${upstream.port}`,
    create,
    async change(kind, namespace, name, changes) {
      await plane.request('PATCH', objectPath(kind, namespace, name), changes)
    },
    async remove(kind, namespace, name) {
      await plane.request('DELETE', objectPath(kind, namespace, name))
    },
    serve({ kubeconfig = accountConfig, kubernetes = [], edit = (text: string) => text, ...options } = {}) {
      // Every stop takes as long as lameduck says; only process.test.ts is about that.
      const corefile: ServerOptions['corefile'] = (ports) =>
        edit(
          movedCorefile(ports, `127.0.0.1:${upstream.port}`, [`kubeconfig ${kubeconfig}`, ...kubernetes]).replace(
            'lameduck 5s',
            'lameduck 0s',
          ),
        )
      return startServer({ waitFor: 'ready', ...options, corefile })
    },
    async stop() {
      upstream.close()
      await plane.stop()
    },
  }
}

export function service(namespace: string, name: string, spec: object): object {
  return { apiVersion: 'v1', kind: 'Service', metadata: { namespace, name }, spec }
}

export function namespaceObject(name: string): object {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }
}

export interface EndpointText {
  readonly address: string
  readonly hostname?: string
  readonly ready?: boolean
}

export interface SliceText {
  readonly namespace: string
  readonly name: string
  readonly service: string
  readonly ports?: readonly { readonly name: string; readonly port: number; readonly protocol?: string }[]
  readonly endpoints: readonly (string | EndpointText)[]
}

export function slice({ namespace, name, service, ports = [], endpoints }: SliceText): object {
  const ipv6 = endpoints.some((each) => addressOf(each).includes(':'))
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace, name, labels: { 'kubernetes.io/service-name': service } },
    addressType: ipv6 ? 'IPv6' : 'IPv4',
    ports: ports.map(({ protocol = 'TCP', ...port }) => ({ ...port, protocol })),
    endpoints: endpoints.map(endpoint),
  }
}

export function endpoint(text: string | EndpointText): object {
  const { address, hostname, ready = true } = typeof text === 'string' ? { address: text } : text
  return { addresses: [address], conditions: { ready }, ...(hostname === undefined ? {} : { hostname }) }
}

const addressOf = (each: string | EndpointText) => (typeof each === 'string' ? each : each.address)
