/** The cluster that both servers watch: one object of every kind and shape that DNS can tell apart. */
import {
  type EndpointEntry,
  http,
  type KubernetesObject,
  namespace,
  type Port,
  pod,
  type ServiceOptions,
  service,
  slice,
} from './objects.ts'

/** Namespaces `a` to `d` are exposed by every configuration; `hidden` is left out by `namespaces` and selectors. */
export function conformanceCluster(): KubernetesObject[] {
  return [
    ...['apps', 'data', 'net'].map((name) => namespace(name, { exposed: 'yes' })),
    namespace('hidden', { exposed: 'no' }),
    ...clusterIPServices(),
    ...headlessServices(),
    ...externalNames(),
    ...readinessMatrix(),
    ...awkwardServices(),
    service('hidden', 'secret', { clusterIP: '10.96.66.1', ports: [http] }),
    pod('apps', 'web-0', '10.20.0.1'),
    pod('apps', 'web-1', '10.20.0.2'),
    pod('data', 'db-0', '10.20.0.3'),
    // Whoever asks from this machine.
    pod('apps', 'client', '127.0.0.1'),
    ...balancers(),
  ]
}

function clusterIPServices(): KubernetesObject[] {
  const many: Port[] = [
    { name: 'http', port: 80, targetPort: 8080 },
    { name: 'https', port: 443, targetPort: 8443 },
    { name: 'dns', port: 53, protocol: 'UDP' },
    { name: 'dns-tcp', port: 53, protocol: 'TCP' },
    { name: 'sig', port: 9000, protocol: 'SCTP' },
  ]
  return [
    service('apps', 'web', { clusterIP: '10.96.1.1', ports: [http], labels: { tier: 'front' } }),
    slice(
      'apps',
      'web-1',
      'web',
      'IPv4',
      [{ name: 'http', port: 8080 }],
      [
        ['10.20.0.1', { pod: 'web-0' }],
        ['10.20.0.2', { pod: 'web-1' }],
      ],
      { tier: 'front' },
    ),
    service('apps', 'many', { clusterIP: '10.96.1.2', ports: many }),
    slice('apps', 'many-1', 'many', 'IPv4', many, [['10.20.1.1'], ['10.20.1.2', { hostname: 'second' }]]),
    service('apps', 'unnamed', { clusterIP: '10.96.1.3', ports: [{ port: 7000 }] }),
    slice('apps', 'unnamed-1', 'unnamed', 'IPv4', [{ port: 7000 }], [['10.20.1.3']]),
    service('apps', 'noendpoints', { clusterIP: '10.96.1.4', ports: [http] }),
    service('apps', 'nodeport', { type: 'NodePort', clusterIP: '10.96.1.5', ports: [http] }),
    service('apps', 'balancer', {
      type: 'LoadBalancer',
      clusterIP: '10.96.1.6',
      ports: [http],
      externalIPs: ['192.0.2.9'],
    }),
    service('net', 'dual', {
      ipFamilyPolicy: 'RequireDualStack',
      ipFamilies: ['IPv4', 'IPv6'],
      clusterIPs: ['10.96.2.1', 'fd00:96::21'],
      clusterIP: '10.96.2.1',
      ports: [http, { name: 'metrics', port: 9090 }],
    }),
    slice('net', 'dual-4', 'dual', 'IPv4', [http], [['10.20.2.1']]),
    slice('net', 'dual-6', 'dual', 'IPv6', [http], [['fd00:10:20::2:1']]),
    service('net', 'six', {
      ipFamilyPolicy: 'SingleStack',
      ipFamilies: ['IPv6'],
      clusterIPs: ['fd00:96::23'],
      clusterIP: 'fd00:96::23',
      ports: [http],
    }),
  ]
}

/** Services that are reached from outside, in every way there is. */
function balancers(): KubernetesObject[] {
  const balancer = (name: string, clusterIP: string, ingress: readonly object[], more: ServiceOptions = {}) => ({
    ...service('apps', name, { type: 'LoadBalancer', clusterIP, ports: [http], ...more }),
    status: { loadBalancer: { ingress } },
  })
  return [
    balancer('lb-address', '10.96.88.1', [{ ip: '192.0.2.11' }]),
    balancer('lb-two', '10.96.88.2', [{ ip: '192.0.2.12' }, { ip: '2001:db8::12' }], { externalIPs: ['192.0.2.13'] }),
    balancer('lb-name', '10.96.88.3', [{ hostname: 'www.example.org' }]),
    balancer('lb-dead', '10.96.88.4', [{ hostname: 'nxdomain.example.org' }]),
    balancer('lb-mixed', '10.96.88.5', [{ ip: '192.0.2.15' }, { hostname: 'alias.example.org' }]),
    balancer('lb-pending', '10.96.88.6', []),
    service('net', 'external', {
      clusterIP: '10.96.88.7',
      externalIPs: ['192.0.2.11', '192.0.2.17'],
      ports: [http, { name: 'https', port: 443 }, { port: 7, protocol: 'UDP', name: 'echo' }],
    }),
    service('data', 'headless-external', { clusterIP: 'None', externalIPs: ['192.0.2.18'], ports: [http] }),
    slice('data', 'headless-external-1', 'headless-external', 'IPv4', [http], [['10.20.10.1']]),
  ]
}

function headlessServices(): KubernetesObject[] {
  const headless = (namespaceName: string, name: string, ports: readonly Port[], more: ServiceOptions = {}) =>
    service(namespaceName, name, { clusterIP: 'None', ports, ...more })
  const db: Port[] = [
    { name: 'pg', port: 5432 },
    { name: 'metrics', port: 9187 },
  ]
  return [
    headless('data', 'db', db),
    slice('data', 'db-a', 'db', 'IPv4', db, [
      ['10.20.3.1', { hostname: 'db-0', pod: 'db-0' }],
      ['10.20.3.2', { hostname: 'db-1', pod: 'db-1' }],
    ]),
    slice('data', 'db-b', 'db', 'IPv4', db, [['10.20.3.3', { hostname: 'db-2', pod: 'db-2' }]]),
    headless('data', 'plain', [http]),
    slice(
      'data',
      'plain-1',
      'plain',
      'IPv4',
      [http],
      [
        ['10.20.4.1', { pod: 'plain-x', zone: 'z1' }],
        ['10.20.4.2', { pod: 'plain-y', zone: 'z2' }],
        ['10.20.4.2', { pod: 'plain-y', zone: 'z2' }],
        [['10.20.4.3', '10.20.4.4'], {}],
      ],
    ),
    headless('data', 'portless', []),
    slice('data', 'portless-1', 'portless', 'IPv4', [], [['10.20.4.9']]),
    headless('data', 'empty', [http]),
    headless('net', 'twofamily', [http, { name: 'udp', port: 53, protocol: 'UDP' }], {
      ipFamilyPolicy: 'PreferDualStack',
    }),
    slice('net', 'twofamily-4', 'twofamily', 'IPv4', [http], [['10.20.5.1', { hostname: 'one' }], ['10.20.5.2']]),
    slice(
      'net',
      'twofamily-6',
      'twofamily',
      'IPv6',
      [http],
      [['fd00:10:20::5:1', { hostname: 'one' }], ['fd00:10:20::5:0'], ['fd00:10:20:5::']],
    ),
    headless('net', 'target', [{ name: 'http', port: 80, targetPort: 8081 }]),
    slice('net', 'target-1', 'target', 'IPv4', [{ name: 'http', port: 8081 }], [['10.20.5.9']]),
    headless('net', 'manual', [http]),
    slice('net', 'manual-fqdn', 'manual', 'FQDN', [http], [['vm.example.com'], ['vm2.example.com']]),
    headless('net', 'mixed', [http]),
    slice('net', 'mixed-fqdn', 'mixed', 'FQDN', [http], [['vm.example.com']]),
    slice('net', 'mixed-4', 'mixed', 'IPv4', [http], [['10.20.6.1']]),
    headless('data', 'big', [http]),
    slice(
      'data',
      'big-1',
      'big',
      'IPv4',
      [http],
      Array.from({ length: 100 }, (_, n): EndpointEntry => [`10.20.7.${n + 1}`]),
    ),
    headless('data', 'sixty', [http]),
    slice(
      'data',
      'sixty-1',
      'sixty',
      'IPv4',
      [http],
      Array.from({ length: 60 }, (_, n): EndpointEntry => [`10.20.8.${n + 1}`]),
    ),
    slice('data', 'orphan-1', 'orphan', 'IPv4', [http], [['10.20.9.1']]),
  ]
}

function externalNames(): KubernetesObject[] {
  const external = (name: string, externalName: string, ports?: readonly Port[]) =>
    service('net', name, { type: 'ExternalName', externalName, ...(ports ? { ports } : {}) })
  return [
    external('out', 'www.example.org'),
    external('out-ports', 'www.example.org', [http]),
    external('out-dead', 'nxdomain.example.org'),
    external('in-service', 'web.apps.svc.cluster.local'),
    external('in-headless', 'db.data.svc.cluster.local'),
    external('in-missing', 'nothing.apps.svc.cluster.local'),
    external('chain', 'in-service.net.svc.cluster.local'),
    external('self', 'self.net.svc.cluster.local'),
    external('below-self', 'x.below-self.net.svc.cluster.local'),
    external('loop-a', 'loop-b.net.svc.cluster.local'),
    external('loop-b', 'loop-a.net.svc.cluster.local'),
  ]
}

/** Every combination of ready, serving and terminating, each true, false or absent, in one service each. */
function readinessMatrix(): KubernetesObject[] {
  const values = [true, false, null]
  const letters = new Map<boolean | null, string>([
    [true, 't'],
    [false, 'f'],
    [null, 'n'],
  ])
  const objects: KubernetesObject[] = []
  let host = 0
  for (const ready of values)
    for (const serving of values)
      for (const terminating of values) {
        const name = `c-${letters.get(ready)}${letters.get(serving)}${letters.get(terminating)}`
        host++
        objects.push(
          service('data', name, { clusterIP: 'None', ports: [http] }),
          slice('data', `${name}-1`, name, 'IPv4', [http], [[`10.21.0.${host}`, { ready, serving, terminating }]]),
        )
      }
  objects.push(
    service('data', 'unready', { clusterIP: 'None', ports: [http], publishNotReadyAddresses: true }),
    slice('data', 'unready-1', 'unready', 'IPv4', [http], [['10.21.1.1', { ready: true, serving: false }]]),
    service('data', 'vip-unready', { clusterIP: '10.96.5.1', ports: [http] }),
    slice('data', 'vip-unready-1', 'vip-unready', 'IPv4', [http], [['10.21.1.2', { ready: false }]]),
  )
  return objects
}

function awkwardServices(): KubernetesObject[] {
  const long = 'l'.repeat(63)
  return [
    service('net', long, { clusterIP: '10.96.7.1', ports: [{ name: 'a-very-long-port-name'.slice(0, 15), port: 1 }] }),
    // Names that search paths and pod spellings run into.
    service('net', 'com', { clusterIP: '10.96.7.2', ports: [http] }),
    service('net', 'svc', { clusterIP: '10.96.7.3', ports: [http] }),
    service('net', 'tcp', { clusterIP: '10.96.7.4', ports: [{ name: 'tcp', port: 5 }] }),
    // One address behind two services.
    service('net', 'shared-a', { clusterIP: 'None', ports: [http] }),
    slice('net', 'shared-a-1', 'shared-a', 'IPv4', [http], [['10.22.0.1', { hostname: 'host' }]]),
    service('net', 'shared-b', { clusterIP: 'None', ports: [http] }),
    slice('net', 'shared-b-1', 'shared-b', 'IPv4', [http], [['10.22.0.1']]),
  ]
}
