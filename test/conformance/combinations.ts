/** A cluster together with plugins that change what is asked of it, or what it answers. */
import { type as rrType } from '../../src/dns/codes.ts'
import { type Configuration, configuration, type Parts } from './configuration.ts'
import type { KubernetesObject } from './objects.ts'
import { type Ask, ask, edns } from './queries.ts'
import { externalQuestions, searchQuestions } from './zone-names.ts'

const { A, AAAA, SRV, TXT, CNAME, MX, ANY, HTTPS } = rrType
const asked = [A, AAAA, SRV, TXT, CNAME, MX, ANY, HTTPS]

/** The names in every common way of asking. */
const questionsFor = (names: readonly string[]): Ask[] =>
  names.flatMap((name) => [
    ...asked.map((type) => ask(name, type)),
    ...[A, AAAA].flatMap((type) => [
      ask(name, type, { over: 'tcp' }),
      ask(name.toUpperCase(), type),
      ask(name, type, { edns: edns(1232) }),
      ask(name, type, { edns: edns(4096, { dnssecOk: true }) }),
    ]),
  ])

/** The services of the cluster, as if they were below another zone. */
const servicesBelow = (zone: string) => (objects: readonly KubernetesObject[]) =>
  questionsFor(
    objects
      .filter(({ kind }) => kind === 'Service')
      .flatMap(({ metadata: { name, namespace } }) => [
        `${name}.${namespace}.${zone}`,
        `x.${name}.${namespace}.${zone}`,
      ]),
  )

const combination = (name: string, parts: Parts, more: NonNullable<Configuration['more']>): Configuration => ({
  ...configuration(name, parts),
  combined: true,
  more,
})

const servicesOfCluster = servicesBelow('svc.cluster.local.')

export const combinations: readonly Configuration[] = [
  combination(
    'with-acl',
    {
      options: ['pods insecure', 'fallthrough in-addr.arpa ip6.arpa'],
      plugins: [
        'acl hidden.svc.cluster.local apps.svc.cluster.local {',
        '  allow type A AAAA net 127.0.0.0/8',
        '  filter type SRV',
        '  block',
        '}',
        'acl {',
        '  block type TXT HTTPS net 127.0.0.1',
        '}',
        'cache 30',
      ],
    },
    servicesOfCluster,
  ),
  combination(
    'with-rewrite',
    {
      options: ['pods insecure'],
      plugins: [
        'rewrite name suffix .corp.test .svc.cluster.local answer auto',
        'rewrite name exact front.test web.apps.svc.cluster.local',
        'rewrite stop name regex ^([a-z0-9-]+)\\.([a-z]+)\\.old\\.test\\.$ {1}.{2}.svc.cluster.local answer auto',
        'rewrite type MX A',
        'rewrite ttl suffix apps.svc.cluster.local 60',
      ],
    },
    (objects) => [
      ...servicesBelow('corp.test.')(objects),
      ...servicesBelow('old.test.')(objects),
      ...questionsFor(['front.test.', 'x.front.test.', 'corp.test.']),
    ],
  ),
  combination(
    'with-template',
    {
      options: ['fallthrough in-addr.arpa ip6.arpa', 'ttl 30'],
      plugins: [
        'template IN AAAA cluster.local {',
        '  authority "cluster.local. 30 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. 1 2 3 4 30"',
        '}',
        'template IN A data.svc.cluster.local {',
        '  match ^([a-z]+)-0\\.',
        '  answer "{{ .Name }} 7 IN A 192.0.2.7"',
        '  fallthrough',
        '}',
        'template ANY ANY invalid.cluster.local {',
        '  rcode NXDOMAIN',
        '}',
        'cache 30 {',
        '  disable success cluster.local',
        '  disable denial cluster.local',
        '}',
      ],
    },
    servicesOfCluster,
  ),
  combination(
    'with-hosts',
    {
      options: ['fallthrough'],
      plugins: [
        'hosts /dev/null cluster.local test 10.in-addr.arpa {',
        '  10.9.9.9 web.apps.svc.cluster.local new.apps.svc.cluster.local host.test',
        '  2001:db8::9 new.apps.svc.cluster.local',
        '  fallthrough',
        '}',
      ],
    },
    () => questionsFor(['web.apps.svc.cluster.local.', 'new.apps.svc.cluster.local.', 'host.test.', 'x.host.test.']),
  ),
  combination('with-dns64', { plugins: ['dns64 {', '  allow_ipv4', '}'] }, servicesOfCluster),
  combination('with-siit', { plugins: ['siit {', '  ipv6_prefix fd00::/96', '}', 'any'] }, servicesOfCluster),
  combination(
    'with-minimal',
    {
      plugins: [
        'minimal',
        'loadbalance',
        'bufsize 600',
        'nsid here',
        'chaos v1 us',
        'header {',
        '  response set ra',
        '  response clear aa',
        '}',
        'metadata',
        'log',
      ],
    },
    servicesOfCluster,
  ),
  combination(
    'with-search',
    {
      options: ['pods verified', 'ttl 30'],
      plugins: ['autopath @kubernetes', 'cache 30', 'acl hidden.svc.cluster.local {', '  block', '}', 'loadbalance'],
    },
    searchQuestions,
  ),
  combination(
    'with-external',
    {
      plugins: [
        'k8s_external example.net {',
        '  fallthrough',
        '}',
        'rewrite name suffix .example.com .example.net answer auto',
        'template IN TXT example.net {',
        '  answer "{{ .Name }} 7 IN TXT {{ .Type }}"',
        '}',
      ],
    },
    (objects) => [...externalQuestions(objects), ...servicesBelow('example.com.')(objects)],
  ),
  {
    ...combination('with-view', {}, servicesOfCluster),
    corefile: ({ port, kubeconfig, upstream }) =>
      [
        `view v6 {\n expr type() in ['AAAA', 'HTTPS']\n}\nkubernetes cluster.local {\n kubeconfig ${kubeconfig}\n ttl 7\n}`,
        `view tcp {\n expr proto() == 'tcp' && name() contains '.apps.'\n}\ntemplate IN ANY {\n answer "{{ .Name }} 3 IN A 192.0.2.3"\n}`,
        `kubernetes cluster.local in-addr.arpa ip6.arpa {\n kubeconfig ${kubeconfig}\n ttl 11\n}\nforward . ${upstream}`,
      ]
        .map((plugins) => `.:${port} {\nerrors\n${plugins}\n}\n`)
        .join(''),
  },
]
