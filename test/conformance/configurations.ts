/** The Corefiles that both servers run. */
import { conformanceCluster } from './cluster.ts'
import { combinations } from './combinations.ts'
import { type Configuration, configuration, type Places } from './configuration.ts'
import { untransferable } from './edge-cases.ts'
import { namespacesOf } from './objects.ts'
import { externalQuestions, searchQuestions } from './zone-names.ts'

/** A zone of the second cluster, beside those of the first. */
export const otherZone = 'other.example.'

/** One cluster in blocks that differ in TTL and options; a block of other things, and one of nothing. */
function serverBlocks({ port, kubeconfig, upstream }: Places): string {
  const server = (keys: readonly string[], ...plugins: string[]) =>
    `${keys.map((key) => `${key}:${port}`).join(' ')} {\n    errors\n    ${plugins.join('\n    ')}\n}\n`
  const cluster = (zones: string, ...options: string[]) =>
    [`kubernetes ${zones} {`, ...[`kubeconfig ${kubeconfig}`, ...options].map((line) => `    ${line}`), '}'].join(
      '\n    ',
    )
  return [
    server(['cluster.local'], cluster('', 'ttl 7', 'pods insecure')),
    server(['apps.svc.cluster.local', 'example.net'], cluster('cluster.local', 'ttl 11'), 'loadbalance'),
    server(['data.svc.cluster.local'], cluster('cluster.local', 'ttl 12', 'fallthrough'), `forward . ${upstream}`),
    server(['in-addr.arpa', 'ip6.arpa'], cluster('cluster.local in-addr.arpa ip6.arpa', 'ttl 13')),
    server(['96.10.in-addr.arpa'], `forward . ${upstream}`),
    server(['pod.cluster.local']),
    `hidden.svc.cluster.local:${port} {\n}\n`,
    server(['.'], `forward . ${upstream}`),
  ].join('')
}

function twoClusters({ port, kubeconfig, otherKubeconfig, upstream }: Places): string {
  const server = (zone: string, config = '') => `
${zone}:${port} {
    errors
    kubernetes ${zone} {
        kubeconfig ${config}
    }
}
`
  return `${server('cluster.local', kubeconfig)}${server(otherZone.slice(0, -1), otherKubeconfig)}
.:${port} {
    errors
    forward . ${upstream}
}
`
}

const reverse = 'fallthrough in-addr.arpa ip6.arpa'
/** All namespaces of the cluster but the one that CoreDNS cannot transfer. */
const transferable = `namespaces ${namespacesOf(conformanceCluster())
  .filter((name) => name !== untransferable)
  .join(' ')}`

export const configurations: readonly Configuration[] = [
  {
    ...configuration('kubeadm', {
      options: ['pods insecure', reverse, 'ttl 30'],
      plugins: [
        'cache 30 {',
        '  disable success cluster.local',
        '  disable denial cluster.local',
        '}',
        'loop',
        'loadbalance',
      ],
    }),
    fast: true,
    whole: true,
  },
  { ...configuration('plain', {}), whole: true },
  {
    ...configuration('cache', { options: ['pods insecure', reverse, 'ttl 30'], plugins: ['cache 30', 'loadbalance'] }),
    whole: true,
  },
  configuration('pods-verified', { options: ['pods verified'] }),
  configuration('endpoint-pod-names', { options: ['endpoint_pod_names'] }),
  configuration('ignore-empty-service', { options: ['ignore empty_service'] }),
  configuration('noendpoints', { options: ['noendpoints'] }),
  configuration('namespaces', { options: ['namespaces apps net'] }),
  configuration('namespace-labels', { options: ['namespace_labels exposed=yes'] }),
  configuration('labels', { options: ['labels tier=front'] }),
  configuration('fallthrough-all', { options: ['fallthrough'] }),
  configuration('fallthrough-zone', { options: ['fallthrough apps.svc.cluster.local'] }),
  configuration('reverse-cidr', { zones: 'cluster.local 10.96.0.0/14 fd00:96::/112' }),
  configuration('reverse-odd', { zones: 'cluster.local 10.96.0.0/15 10.20.3.0/25 10.20.4.0/30 fd00:96::/110' }),
  configuration('ttl-0', { options: ['ttl 0'] }),
  // More than the 300 seconds that a SOA record lives at most.
  configuration('ttl-3600', { options: ['ttl 3600'] }),
  configuration('alone', { alone: true }),
  configuration('alone-fallthrough', { options: ['fallthrough', 'pods insecure'], alone: true }),
  // Then CoreDNS knows no address of its own for NS.
  configuration('bind', { plugins: ['bind 127.0.0.1'] }),
  configuration('other-domain', { zones: 'corp.example in-addr.arpa' }, 'corp.example.'),
  configuration('two-zones', { zones: 'cluster.local other.example in-addr.arpa' }, 'other.example.'),
  configuration('zonal', { options: ['zonal'] }),
  configuration('zonal-pod-names', { options: ['zonal', 'endpoint_pod_names', 'fallthrough'] }),
  configuration(
    'multicluster',
    {
      zones: 'cluster.local clusterset.local in-addr.arpa ip6.arpa',
      options: ['multicluster clusterset.local', 'pods insecure', reverse],
    },
    'clusterset.local.',
  ),
  configuration(
    'multicluster-selected',
    {
      zones: 'cluster.local clusterset.local in-addr.arpa',
      options: [
        'multicluster clusterset.local',
        'zonal',
        'namespace_labels exposed=yes',
        'labels tier=front',
        'endpoint_pod_names',
        'ignore empty_service',
      ],
    },
    'clusterset.local.',
  ),
  {
    name: 'server-blocks',
    zone: 'cluster.local.',
    settledName: 'web.apps.svc.cluster.local.',
    corefile: serverBlocks,
  },
  {
    name: 'two-clusters',
    zone: 'cluster.local.',
    settledName: 'web.apps.svc.cluster.local.',
    corefile: twoClusters,
    clusters: 2,
  },
  {
    ...configuration('transfer', { options: [transferable], plugins: ['transfer {', '  to *', '}'] }),
    transfers: ['cluster.local.'],
  },
  {
    ...configuration('k8s_external', {
      options: [transferable, 'ttl 30'],
      plugins: [
        'k8s_external example.net 2.0.192.in-addr.arpa 8.b.d.0.1.0.0.2.ip6.arpa',
        'transfer {',
        '  to 127.0.0.1',
        '}',
      ],
    }),
    more: externalQuestions,
    transfers: ['cluster.local.', 'example.net.'],
  },
  {
    ...configuration('k8s_external-headless', {
      plugins: ['k8s_external example.net {', '  headless', '  ttl 60', '  apex k8s', '  fallthrough', '}'],
    }),
    more: externalQuestions,
  },
  {
    ...configuration('autopath', { options: ['pods verified'], plugins: ['autopath @kubernetes'] }),
    more: searchQuestions,
  },
  ...combinations,
]
