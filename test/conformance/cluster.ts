/** The cluster that both servers watch: one object of every kind and shape that DNS can tell apart. */
import { edgeCases } from './edge-cases.ts'
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

/** Namespaces `apps`, `data` and `net` are exposed by every configuration; `hidden` is left out by `namespaces` and selectors. */
export function conformanceCluster(): KubernetesObject[] {
  return [
    ...['apps', 'data', 'net'].map((name) => namespace(name, { exposed: 'yes' })),
    namespace('hidden', { exposed: 'no' }),
    ...clusterIPServices(),
    ...headlessServices(),
    ...externalNames(),
    ...edgeCases(),
    service('hidden', 'secret', { clusterIP: '10.96.66.1', ports: [http] }),
    ...pods(),
    ...balancers(),
  ]
}

function pods(): KubernetesObject[] {
  return [
    pod('apps', 'web-0', '10.20.0.1'),
    pod('apps', 'web-1', '10.20.0.2'),
    pod('data', 'db-0', '10.20.0.3'),
    // Whoever asks from this machine.
    pod('apps', 'client', '127.0.0.1'),
    pod('net', 'six', 'fd00:10:20::9', 'Pending'),
    pod('net', 'zeros', 'fd00:10:20:0:0:9::', 'Running'),
    // An address in two namespaces, and in two pods of one.
    pod('net', 'host-a', '10.20.0.4'),
    pod('net', 'host-b', '10.20.0.4'),
    pod('data', 'host-c', '10.20.0.4'),
    pod('apps', 'done', '10.20.0.5', 'Succeeded'),
    pod('apps', 'dead', '10.20.0.6', 'Failed'),
    pod('apps', 'lost', '10.20.0.7', 'Unknown'),
    pod('hidden', 'secret', '10.20.0.8'),
    pod('apps', 'labelled', '10.20.0.10', 'Running', { tier: 'front' }),
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
    // Its endpoints listen on other ports (targetPort), which no question about the service shows.
    slice(
      'apps',
      'many-1',
      'many',
      'IPv4',
      many.map((port) => ({ ...port, port: port.targetPort ?? port.port })),
      [['10.20.1.1'], ['10.20.1.2', { hostname: 'second' }]],
    ),
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
    service('net', 'dual-six-first', {
      ipFamilyPolicy: 'RequireDualStack',
      ipFamilies: ['IPv6', 'IPv4'],
      clusterIPs: ['fd00:96::22', '10.96.2.2'],
      clusterIP: 'fd00:96::22',
      ports: [http, { name: 'dns', port: 53, protocol: 'UDP' }],
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
    external('out-alias', 'alias.example.org'),
    external('out-many', 'many.example.org'),
    external('out-refused', 'refused.example.org'),
    external('out-broken', 'servfail.example.org'),
    external('out-dot', 'www.example.org.'),
    external('to-address', '192.0.2.1'),
    external('to-digits', '10.1'),
    external('to-apex', 'cluster.local'),
    external('to-namespace', 'apps.svc.cluster.local'),
    external('to-nameserver', 'ns.dns.cluster.local'),
    external('to-pod', '10-20-0-1.apps.pod.cluster.local'),
    external('to-endpoint', 'db-0.db.data.svc.cluster.local'),
    external('to-version', 'dns-version.cluster.local'),
    external('to-reverse', '1.1.96.10.in-addr.arpa'),
    external('to-mixed', 'mixed.net.svc.cluster.local'),
    external('to-clusterset', 'web.apps.svc.clusterset.local'),
    // One more than CoreDNS follows.
    ...Array.from({ length: 12 }, (_, at) => external(`step-${at}`, `step-${at + 1}.net.svc.cluster.local`)),
    external('step-12', 'web.apps.svc.cluster.local'),
    external('chain', 'in-service.net.svc.cluster.local'),
    external('self', 'self.net.svc.cluster.local'),
    external('below-self', 'x.below-self.net.svc.cluster.local'),
    external('loop-a', 'loop-b.net.svc.cluster.local'),
    external('loop-b', 'loop-a.net.svc.cluster.local'),
  ]
}
