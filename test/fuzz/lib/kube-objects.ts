/** Objects that the targets of API events begin with. */
import type { Resource } from '../../../src/k8s/model/types.ts'
import type { KubeObject } from '../../support/api-server/encode.ts'

const metadata = (name: string, more: object = {}) => ({
  namespace: 'shop',
  name,
  uid: 'u-1',
  resourceVersion: '7',
  creationTimestamp: '2026-01-01T00:00:00Z',
  annotations: { 'slicedns.io/ttl': '5', 'other/key': 'x' },
  ...more,
})

const endpoints = [
  {
    addresses: ['10.0.0.1'],
    conditions: { ready: true, serving: true, terminating: false },
    hostname: 'web-0',
    zone: 'z1',
    nodeName: 'n1',
    targetRef: { kind: 'Pod', name: 'web-0' },
  },
  { addresses: ['10.0.0.2', '10.0.0.3'], conditions: { ready: false } },
]

export const kubeObjects: readonly (readonly [Resource, KubeObject])[] = [
  [
    'services',
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: metadata('web'),
      spec: {
        type: 'ClusterIP',
        clusterIP: '10.96.0.1',
        clusterIPs: ['10.96.0.1', 'fd00::1'],
        externalIPs: ['192.0.2.1'],
        selector: { app: 'web' },
        ports: [{ name: 'http', protocol: 'TCP', port: 80 }],
      },
      status: { loadBalancer: { ingress: [{ ip: '192.0.2.7', hostname: 'lb' }] } },
    },
  ],
  [
    'services',
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: metadata('ext', { resourceVersion: '9' }),
      spec: { type: 'ExternalName', externalName: 'www.example.com', ports: [] },
    },
  ],
  [
    'endpointslices',
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: metadata('web-a', { labels: { 'kubernetes.io/service-name': 'web' } }),
      addressType: 'IPv4',
      endpoints,
      ports: [{ name: 'http', protocol: 'TCP', port: 80 }, {}],
    },
  ],
  [
    'endpointslices',
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: metadata('web-6', { resourceVersion: '8', labels: { 'kubernetes.io/service-name': 'web' } }),
      addressType: 'IPv6',
      endpoints: [{ addresses: ['fd00::1'] }],
      ports: [],
    },
  ],
  [
    'importedslices',
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: metadata('imp', {
        labels: {
          'multicluster.kubernetes.io/service-name': 'web',
          'multicluster.kubernetes.io/source-cluster': 'east',
        },
      }),
      addressType: 'FQDN',
      endpoints: [{ addresses: ['a.example'] }],
      ports: [],
    },
  ],
  ['namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: metadata('shop', { namespace: undefined }) }],
  [
    'pods',
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: metadata('web-0', { labels: { app: 'web' }, deletionTimestamp: '2026-01-01T00:00:00Z' }),
      status: { phase: 'Running', podIP: '10.0.0.1', podIPs: [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }] },
    },
  ],
]

export const statusObject: KubeObject = {
  apiVersion: 'v1',
  kind: 'Status',
  code: 410,
  reason: 'Expired',
  message: 'too old resource version',
  details: { causes: [{ reason: 'ResourceVersionTooLarge' }], retryAfterSeconds: 3 },
}
