/** What a multi-cluster services controller leaves in a cluster, and headless services spread over topology zones. */
import type { ControlPlane } from '../support/control-plane.ts'
import { until } from '../support/until.ts'
import { type EndpointEntry, http, type KubernetesObject, type Port, service, slice } from './objects.ts'

const group = 'multicluster.x-k8s.io'

/** The custom resource: as much of the MCS API as DNS reads. The API server serves it a moment after it was created. */
export async function defineServiceImports(plane: ControlPlane): Promise<void> {
  await plane.request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `serviceimports.${group}`,
      annotations: { 'api-approved.kubernetes.io': 'unapproved, for a test' },
    },
    spec: {
      group,
      scope: 'Namespaced',
      names: {
        plural: 'serviceimports',
        singular: 'serviceimport',
        kind: 'ServiceImport',
        listKind: 'ServiceImportList',
      },
      versions: [
        {
          name: 'v1alpha1',
          served: true,
          storage: true,
          subresources: { status: {} },
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        },
      ],
    },
  })
  await until(() => plane.request('GET', `/apis/${group}/v1alpha1/serviceimports`))
}

export function serviceImport(
  namespaceName: string,
  name: string,
  spec: { readonly ips?: readonly string[]; readonly ports?: readonly Port[] },
): KubernetesObject {
  return {
    apiVersion: `${group}/v1alpha1`,
    kind: 'ServiceImport',
    // CoreDNS selects imports by `namespace_labels`.
    metadata: { name, namespace: namespaceName, labels: { exposed: 'yes' } },
    spec: {
      type: spec.ips ? 'ClusterSetIP' : 'Headless',
      ips: spec.ips,
      ports: (spec.ports ?? []).map((port) => ({ protocol: 'TCP', ...port })),
    },
  }
}

export function importedSlice(
  namespaceName: string,
  name: string,
  cluster: string,
  addressType: 'IPv4' | 'IPv6',
  ports: readonly Port[],
  endpoints: readonly EndpointEntry[],
): KubernetesObject {
  const family = addressType === 'IPv4' ? '4' : '6'
  const sliceName = `imported-${name}-${cluster.toLowerCase()}-${family}`
  const whole = slice(namespaceName, sliceName, '', addressType, ports, endpoints)
  const labels = {
    'multicluster.kubernetes.io/service-name': name,
    'multicluster.kubernetes.io/source-cluster': cluster,
    tier: 'front',
  }
  return { ...whole, metadata: { name: sliceName, namespace: namespaceName, labels } }
}

export function clusterSetObjects(): KubernetesObject[] {
  const db: Port[] = [
    { name: 'pg', port: 5432 },
    { name: 'metrics', port: 9187 },
  ]
  return [
    // Also a Service of this cluster, with other addresses and ports.
    serviceImport('apps', 'web', { ips: ['10.100.1.1'], ports: [http, { name: 'admin', port: 8443 }] }),
    importedSlice('apps', 'web', 'east', 'IPv4', [http], [['10.110.1.1'], ['10.110.1.2', { hostname: 'second' }]]),
    importedSlice('apps', 'web', 'west', 'IPv4', [http], [['10.110.1.1']]),
    serviceImport('net', 'dual', { ips: ['10.100.2.1', 'fd00:100::21'], ports: [http] }),
    serviceImport('net', 'unnamed', { ips: ['10.100.2.2'], ports: [{ port: 7000 }] }),
    serviceImport('net', 'portless', { ips: ['10.100.2.3'] }),
    serviceImport('net', 'addressless', { ips: [], ports: [http] }),
    serviceImport('data', 'db', { ports: db }),
    importedSlice('data', 'db', 'east', 'IPv4', db, [
      ['10.110.3.1', { hostname: 'db-0', pod: 'db-0' }],
      ['10.110.3.2', { hostname: 'db-1', pod: 'db-1' }],
      ['10.110.3.9', { hostname: 'db-9', ready: false }],
    ]),
    importedSlice('data', 'db', 'west', 'IPv4', db, [
      ['10.110.4.1', { hostname: 'db-0', pod: 'db-0' }],
      ['10.110.4.2', { pod: 'db-x' }],
    ]),
    importedSlice('data', 'db', 'west', 'IPv6', db, [['fd00:110::4:1', { hostname: 'db-0' }]]),
    serviceImport('data', 'empty', { ports: [http] }),
    serviceImport('data', 'portless', {}),
    importedSlice('data', 'portless', 'East.One', 'IPv4', [], [['10.110.5.1']]),
    serviceImport('data', 'upper', {}),
    importedSlice('data', 'upper', 'EAST', 'IPv4', [http], [['10.110.5.2']]),
    serviceImport('hidden', 'secret', { ips: ['10.100.9.1'], ports: [http] }),
    // No import has these.
    importedSlice('data', 'orphan', 'east', 'IPv4', [http], [['10.110.6.1']]),
  ]
}

export function zonalObjects(): KubernetesObject[] {
  const headless = (name: string) => service('data', name, { clusterIP: 'None', ports: [http] })
  return [
    headless('spread'),
    slice(
      'data',
      'spread-4',
      'spread',
      'IPv4',
      [http],
      [
        ['10.23.0.1', { zone: 'z1', hostname: 'one' }],
        ['10.23.0.2', { zone: 'z2' }],
        ['10.23.0.3', { zone: 'z3', ready: false }],
        ['10.23.0.4', { zone: 'dc.one.example' }],
        ['10.23.0.5', {}],
      ],
    ),
    slice('data', 'spread-6', 'spread', 'IPv6', [http], [['fd00:10:23::1', { zone: 'z1', hostname: 'one' }]]),
    headless('upper-zone'),
    slice('data', 'upper-zone-1', 'upper-zone', 'IPv4', [http], [['10.23.1.1', { zone: 'Z1' }]]),
    headless('unready-zone'),
    slice('data', 'unready-zone-1', 'unready-zone', 'IPv4', [http], [['10.23.2.1', { zone: 'z1', ready: false }]]),
    service('data', 'vip-zone', { clusterIP: '10.96.8.1', ports: [http] }),
    slice('data', 'vip-zone-1', 'vip-zone', 'IPv4', [http], [['10.23.3.1', { zone: 'z1' }]]),
  ]
}

/** Names that exist or nearly exist left of what the object stands for: `LEFT.SERVICE.NAMESPACE.svc`, without zone. */
export function namesLikeThose({ kind, metadata, ...object }: KubernetesObject): string[] {
  const { name, namespace = '' } = metadata
  if (kind === 'ServiceImport') {
    const ports = (object.spec as { ports: { name?: string }[] }).ports.map((port) => port.name ?? '')
    const left = ['x', 'x.y', 'x.y.z', 'x.east', '_x._y', '_', '_._', '_tcp', 'tcp', 'east', '*']
    const portNames = ports.flatMap((port) => [
      `_${port}._tcp`,
      `${port || 'x'}.tcp`,
      `_${port}.tcp`,
      `${port || 'x'}._tcp`,
      `_${port}._udp`,
      `a._${port}._tcp`,
    ])
    return ['', ...left, ...portNames].map((labels) => `${labels && `${labels}.`}${name}.${namespace}.svc`)
  }
  if (kind === 'Service') return [`z1.pin._zone.${name}.${namespace}.svc`, `z1.prefer._zone.${name}.${namespace}.svc`]
  if (kind !== 'EndpointSlice') return []
  const labels = metadata.labels as Record<string, string>
  const imported = labels['multicluster.kubernetes.io/service-name']
  const endpoints = object.endpoints as { addresses: string[]; hostname?: string; zone?: string }[]
  if (imported !== undefined) {
    const cluster = labels['multicluster.kubernetes.io/source-cluster'] ?? ''
    return endpoints.flatMap(({ addresses, hostname }) =>
      [...addresses.map((address) => address.replaceAll(/[.:]/g, '-')), ...(hostname ? [hostname] : [])].flatMap(
        (label) =>
          [label, `${label}.${cluster}`, `${label}.nosuch`, `x.${label}.${cluster}`].map(
            (left) => `${left}.${imported}.${namespace}.svc`,
          ),
      ),
    )
  }
  const own = `${labels['kubernetes.io/service-name']}.${namespace}.svc`
  const zones = new Set(endpoints.flatMap(({ zone }) => zone ?? []))
  if (zones.size === 0) return []
  const modes = ['pin', 'prefer', 'only'].map((mode) => `${mode}._zone`)
  return [
    ...modes.flatMap((mode) => [...zones, 'nosuch', 'a.b.nosuch'].map((zone) => `${zone}.${mode}.${own}`)),
    ...[
      'pin._zone',
      '_zone',
      'z1.pin.zone',
      'z1._pin._zone',
      'z1.pin._zone.x',
      '_.pin._zone',
      '_http._tcp.pin._zone',
    ].map((left) => `${left}.${own}`),
  ]
}
