/** Random Kubernetes objects, as the API server's JSON has them. */
import fc from 'fast-check'
import type { Resource } from '../../../src/k8s/model/types.ts'
import type { KubeObject } from '../../support/api-server/encode.ts'

const name = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,10}[a-z0-9])?$/)
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
const text = fc.oneof(fc.string({ maxLength: 20 }), fc.string({ unit: 'grapheme', maxLength: 90 }))
const ip4 = fc.ipV4()
const ip6 = fc.ipV6().filter((ip) => !ip.includes('.'))
const protocol = fc.constantFrom('TCP', 'UDP', 'SCTP')

const metadata = fc.record({
  name,
  namespace: name,
  uid: fc.uuid(),
  resourceVersion: fc.nat().map(String),
  creationTimestamp: fc
    .date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })
    .map((date) => `${date.toISOString().slice(0, 19)}Z`),
  deletionTimestamp: fc.constantFrom(undefined, '2026-01-01T00:00:00Z'),
  labels: fc.dictionary(fc.constantFrom('app', 'kubernetes.io/service-name'), name).map((labels) => ({
    'kubernetes.io/service-name': 'web',
    ...labels,
  })),
  annotations: fc.dictionary(fc.constantFrom('slicedns.io/ttl', 'slicedns.io/split', 'other/key'), text),
})

const ports = fc.array(fc.record({ name: fc.oneof(name, fc.constant('')), protocol, port: fc.nat({ max: 65_535 }) }), {
  maxLength: 4,
})

export const kubeObjects: Readonly<Record<string, { resource: Resource; object: fc.Arbitrary<KubeObject> }>> = {
  Service: {
    resource: 'services',
    object: fc.record({
      kind: fc.constant('Service'),
      metadata,
      spec: fc.record({
        type: fc.constantFrom('ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName', 'Novelty'),
        clusterIP: fc.oneof(ip4, fc.constantFrom('None', '')),
        clusterIPs: fc.oneof(fc.array(fc.oneof(ip4, ip6), { maxLength: 2 }), fc.constant(['None'])),
        externalName: maybe(fc.domain()),
        externalIPs: fc.array(ip4, { maxLength: 3 }),
        publishNotReadyAddresses: maybe(fc.boolean()),
        selector: fc.dictionary(name, name),
        ports,
      }),
      status: fc.record({
        loadBalancer: fc.record({ ingress: fc.array(fc.record({ ip: ip4, hostname: fc.domain() }), { maxLength: 2 }) }),
      }),
    }),
  },
  EndpointSlice: {
    resource: 'endpointslices',
    object: fc.constantFrom('IPv4', 'IPv6', 'FQDN').chain((addressType) =>
      fc.record({
        kind: fc.constant('EndpointSlice'),
        metadata,
        addressType: fc.constant(addressType),
        endpoints: fc.array(
          fc.record(
            {
              addresses: fc.array(addressType === 'IPv4' ? ip4 : addressType === 'IPv6' ? ip6 : fc.domain(), {
                maxLength: 3,
              }),
              conditions: fc.record(
                { ready: maybe(fc.boolean()), serving: maybe(fc.boolean()), terminating: maybe(fc.boolean()) },
                { requiredKeys: [] },
              ),
              hostname: name,
              targetRef: fc.record({ kind: fc.constant('Pod'), name }),
              zone: name,
              nodeName: name,
            },
            { requiredKeys: ['addresses'] },
          ),
          { maxLength: 5 },
        ),
        ports: fc.array(fc.record({ name, protocol, port: fc.nat({ max: 65_535 }) }, { requiredKeys: [] }), {
          maxLength: 3,
        }),
      }),
    ),
  },
  Namespace: { resource: 'namespaces', object: fc.record({ kind: fc.constant('Namespace'), metadata }) },
  Pod: {
    resource: 'pods',
    object: fc.record({
      kind: fc.constant('Pod'),
      metadata,
      status: fc.record(
        {
          phase: fc.constant('Running'),
          podIP: fc.oneof(ip4, fc.constant('')),
          podIPs: fc.array(fc.record({ ip: fc.oneof(ip4, ip6) }), { maxLength: 2 }),
        },
        { requiredKeys: ['phase'] },
      ),
    }),
  },
}
