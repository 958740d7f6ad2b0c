/** What is allowed and rarely done: the corners where two servers are likely to disagree. */
import {
  type EndpointEntry,
  http,
  type KubernetesObject,
  namespace,
  type Port,
  type ServiceOptions,
  service,
  slice,
} from './objects.ts'

export function edgeCases(): KubernetesObject[] {
  return [
    ...readinessMatrix(),
    ...awkwardNames(),
    ...longNames(),
    ...sharedAddresses(),
    ...severalSlices(),
    ...spellings(),
    ...undeclaredPorts(),
    ...namesAsAddresses(),
    ...selected(),
  ]
}

const headless = (namespaceName: string, name: string, ports: readonly Port[], more: ServiceOptions = {}) =>
  service(namespaceName, name, { clusterIP: 'None', ports, ...more })

/** Every combination of ready, serving and terminating, each true, false or absent, in one service each. */
function readinessMatrix(): KubernetesObject[] {
  const values = [true, false, null]
  const letters = new Map<boolean | null, string>([
    [true, 't'],
    [false, 'f'],
    [null, 'n'],
  ])
  const objects: KubernetesObject[] = []
  const every: EndpointEntry[] = []
  let host = 0
  for (const ready of values)
    for (const serving of values)
      for (const terminating of values) {
        every.push([`10.21.2.${host + 1}`, { ready, serving, terminating }])
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
    ...['every-state', 'every-state-published', 'vip-every-state'].flatMap((name, at) => [
      service('data', name, {
        clusterIP: name.startsWith('vip') ? '10.96.5.2' : 'None',
        ports: [http],
        publishNotReadyAddresses: name.endsWith('published'),
      }),
      slice(
        'data',
        `${name}-1`,
        name,
        'IPv4',
        [http],
        every.map(([address, state = {}]): EndpointEntry => [String(address).replace('21.2', `21.${2 + at}`), state]),
      ),
    ]),
  )
  return objects
}

function awkwardNames(): KubernetesObject[] {
  return [
    // Names that search paths and pod spellings run into.
    service('net', 'com', { clusterIP: '10.96.7.2', ports: [http] }),
    service('net', 'svc', { clusterIP: '10.96.7.3', ports: [http] }),
    service('net', 'tcp', { clusterIP: '10.96.7.4', ports: [{ name: 'tcp', port: 5 }] }),
    ...['svc', 'pod', 'dns', '10-20-0-1'].map((name) => namespace(name, { exposed: 'yes' })),
    service('svc', 'svc', { clusterIP: '10.96.7.5', ports: [{ name: 'svc', port: 5 }] }),
    service('pod', 'pod', { clusterIP: '10.96.7.6', ports: [http] }),
    service('dns', 'ns', { clusterIP: '10.96.7.7', ports: [http] }),
    service('10-20-0-1', 'web', { clusterIP: '10.96.7.8', ports: [http] }),
    headless('net', 'hosts', [http]),
    slice(
      'net',
      'hosts-1',
      'hosts',
      'IPv4',
      [http],
      [
        ['10.22.1.1', { hostname: 'svc' }],
        ['10.22.1.2', { hostname: '10-22-1-1' }],
        ['10.22.1.3', { hostname: 'tcp' }],
      ],
    ),
    // With endpoint_pod_names: too long for a label, just short enough, two labels, in capitals.
    headless('net', 'pods', [http]),
    slice(
      'net',
      'pods-1',
      'pods',
      'IPv4',
      [http],
      [
        ['10.22.2.1', { pod: 'p'.repeat(64) }],
        ['10.22.2.2', { pod: 'q'.repeat(63) }],
        ['10.22.2.3', { pod: 'dotted.name' }],
        ['10.22.2.4', { pod: 'Capital' }],
      ],
    ),
  ]
}

/** The namespace of a port whose name leaves no room for the underscore: CoreDNS cannot transfer a zone with it. */
export const untransferable = 'untransferable'

/** Labels of 63 octets everywhere. */
function longNames(): KubernetesObject[] {
  const label = (letter: string) => letter.repeat(63)
  const ports: Port[] = [
    { name: 'q'.repeat(62), port: 2 },
    { name: 'r'.repeat(15), port: 3 },
  ]
  const longest = [label('e'), label('f'), label('g'), 'h'.repeat(61)].join('.')
  return [
    namespace(label('n'), { exposed: 'yes' }),
    service('net', label('l'), { clusterIP: '10.96.7.1', ports }),
    service(label('n'), label('l'), { clusterIP: '10.96.7.9', ports }),
    headless(label('n'), label('m'), ports),
    slice(label('n'), 'long-1', label('m'), 'IPv4', ports, [['10.22.3.1', { hostname: label('h') }], ['10.22.3.2']]),
    namespace(untransferable, { exposed: 'yes' }),
    service(untransferable, 'port', { clusterIP: '10.96.7.10', ports: [{ name: label('p'), port: 1 }] }),
    headless(untransferable, 'endpoint-port', [{ name: label('p'), port: 1 }]),
    slice(
      untransferable,
      'endpoint-port-1',
      'endpoint-port',
      'IPv4',
      [{ name: label('p'), port: 1 }],
      [['10.22.3.9', { hostname: 'host' }]],
    ),
    service('net', 'to-longest', { type: 'ExternalName', externalName: longest }),
    service('net', 'to-long', { type: 'ExternalName', externalName: `${label('l')}.${label('n')}.svc.cluster.local` }),
  ]
}

function sharedAddresses(): KubernetesObject[] {
  return [
    headless('net', 'shared-a', [http]),
    slice('net', 'shared-a-1', 'shared-a', 'IPv4', [http], [['10.22.0.1', { hostname: 'host' }]]),
    headless('net', 'shared-b', [http]),
    slice('net', 'shared-b-1', 'shared-b', 'IPv4', [http], [['10.22.0.1']]),
    // In several slices of one service: under one name, under another one, and one name for several addresses.
    headless('net', 'shared-c', [http]),
    slice('net', 'shared-c-1', 'shared-c', 'IPv4', [http], [['10.22.0.2', { hostname: 'one' }], ['10.22.0.3']]),
    slice('net', 'shared-c-2', 'shared-c', 'IPv4', [http], [['10.22.0.2', { hostname: 'one' }], ['10.22.0.3']]),
    slice(
      'net',
      'shared-c-3',
      'shared-c',
      'IPv4',
      [http],
      [
        ['10.22.0.2', { hostname: 'two' }],
        ['10.22.0.4', { hostname: 'one' }],
        ['10.22.0.5', { hostname: '10-22-0-4' }],
      ],
    ),
    // An endpoint has the address of a service; a slice of a namespace that is left out has one of another.
    headless('net', 'shared-vip', [http]),
    slice('net', 'shared-vip-1', 'shared-vip', 'IPv4', [http], [['10.96.1.1'], ['10.96.66.1']]),
    headless('hidden', 'shared', [http]),
    slice('hidden', 'shared-1', 'shared', 'IPv4', [http], [['10.22.0.1'], ['10.22.0.9']]),
  ]
}

/** Slices of one service that differ in ports, families and readiness. */
function severalSlices(): KubernetesObject[] {
  const other: Port[] = [
    { name: 'http', port: 8080 },
    { name: 'extra', port: 81, protocol: 'UDP' },
  ]
  return [
    headless('net', 'several', [http]),
    slice('net', 'several-1', 'several', 'IPv4', [http], [['10.22.4.1'], ['10.22.4.2', { ready: false }]]),
    slice('net', 'several-2', 'several', 'IPv4', other, [['10.22.4.3'], ['10.22.4.1', { hostname: 'first' }]]),
    slice('net', 'several-3', 'several', 'IPv6', [http], [['fd00:10:22::4:1', { hostname: 'first' }]]),
    slice('net', 'several-4', 'several', 'IPv6', other, [['fd00:10:22::4:2'], ['fd00:10:22::4:3', { ready: false }]]),
    slice('net', 'several-5', 'several', 'IPv4', [http], []),
    headless('net', 'only-unready', [http]),
    slice('net', 'only-unready-1', 'only-unready', 'IPv4', [http], [['10.22.4.9', { ready: false }]]),
    // A headless service with clusterIPs of two families has endpoints of one.
    headless('net', 'half', [http], { ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv6', 'IPv4'] }),
    slice('net', 'half-1', 'half', 'IPv6', [http], [['fd00:10:22::4:9']]),
    service('net', 'vip-several', { clusterIP: '10.96.7.20', ports: [http] }),
    slice('net', 'vip-several-1', 'vip-several', 'IPv4', [http], [['10.22.4.21', { hostname: 'one' }]]),
    slice('net', 'vip-several-2', 'vip-several', 'IPv4', other, [['10.22.4.22', { hostname: 'one' }]]),
  ]
}

/** IPv6 addresses whose dashed forms begin, end or are full of dashes. */
function spellings(): KubernetesObject[] {
  const addresses = ['fd00:10:24::a', 'fd00:10:24:0:1::d', 'fd00:10:24::', 'fd00:1:2:3:4:5:6:7', '64:ff9b::a18:1']
  return [
    headless('net', 'spelled', [http]),
    slice(
      'net',
      'spelled-1',
      'spelled',
      'IPv6',
      [http],
      addresses.map((address): EndpointEntry => [address]),
    ),
  ]
}

function undeclaredPorts(): KubernetesObject[] {
  const withPorts = (name: string, address: string, ports: readonly object[]): KubernetesObject => ({
    ...slice('net', `${name}-1`, name, 'IPv4', [], [[address]]),
    ports,
  })
  return [
    headless('net', 'any-port', [http]),
    withPorts('any-port', '10.22.5.1', [{ protocol: 'TCP' }]),
    headless('net', 'numberless', [http]),
    withPorts('numberless', '10.22.5.2', [
      { name: 'http', protocol: 'TCP' },
      { name: 'known', port: 80 },
    ]),
    headless('net', 'nameless', [http]),
    withPorts('nameless', '10.22.5.3', [{ port: 80, protocol: 'UDP' }]),
    headless('net', 'more-ports', []),
    withPorts('more-ports', '10.22.5.4', [{ name: 'http', port: 80 }]),
    headless('net', 'fewer-ports', [http]),
    withPorts('fewer-ports', '10.22.5.5', []),
  ]
}

/** Slices whose addresses are names: outside, of this zone, of themselves, and with a dot at the end. */
function namesAsAddresses(): KubernetesObject[] {
  const named = (name: string, addresses: readonly string[], more: object = {}): KubernetesObject[] => [
    headless('net', name, [http]),
    slice(
      'net',
      `${name}-names`,
      name,
      'FQDN',
      [http],
      addresses.map((address): EndpointEntry => [address, more]),
    ),
  ]
  return [
    ...named('names-inside', ['web.apps.svc.cluster.local']),
    ...named('names-self', ['names-self.net.svc.cluster.local']),
    ...named('names-dot', ['vm.example.com.']),
    ...named('names-host', ['vm.example.com'], { hostname: 'host' }),
    ...named('names-unready', ['vm.example.com'], { ready: false }),
    service('net', 'vip-names', { clusterIP: '10.96.7.30', ports: [http] }),
    slice('net', 'vip-names-1', 'vip-names', 'FQDN', [http], [['vm.example.com']]),
  ]
}

/** Services and slices of which `labels` shows one half. */
function selected(): KubernetesObject[] {
  const front = { tier: 'front' }
  return [
    headless('apps', 'front', [http], { labels: front }),
    slice('apps', 'front-1', 'front', 'IPv4', [http], [['10.22.6.1']], front),
    slice('apps', 'front-2', 'front', 'IPv4', [http], [['10.22.6.2']]),
    headless('apps', 'front-bare', [http], { labels: front }),
    slice('apps', 'front-bare-1', 'front-bare', 'IPv4', [http], [['10.22.6.3']]),
    headless('apps', 'back', [http]),
    slice('apps', 'back-1', 'back', 'IPv4', [http], [['10.22.6.4']], front),
  ]
}
