/** What `slicedns explain` says of names that annotations and dns_sd add, and what is wrong with such annotations. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { serviceProblems } from '../../../src/cluster-dns/annotations/problems.ts'
import type { ClusterDnsSettings } from '../../../src/cluster-dns/settings.ts'
import { explain } from '../../../src/plugins/kubernetes/explain/explain.ts'
import { createNotation } from '../../support/cluster-notation.ts'
import { knowledgeOf } from '../../support/context.ts'
import { createFakeCluster } from '../../support/fake-cluster.ts'
import { ask } from '../../support/plugin-harness.ts'
import { dnsSettings } from '../../support/shared-cluster.ts'

const zone = 'svc.cluster.local.'
const opened = { aliasZones: ['apps.example.'] }
const services = `service web shop 10.0.0.1 created 2024
                  endpoint web shop 10.1.0.9 ready
                  service api shop external api.example.org`
const annotated = (key: string, value: string, name = 'web'): string => `annotate service ${name} shop ${key} ${value}`

function createExplanationHarness(lines: string, settings: Partial<ClusterDnsSettings> = {}) {
  const cluster = createFakeCluster({ availability: 'synced' })
  createNotation(cluster).apply(`${services}\n${lines}`)
  return knowledgeOf(cluster.view, dnsSettings({ zones: ['cluster.local.', 'in-addr.arpa.'], ...settings }))
}

describe('slicedns explain of names', () => {
  const cases: readonly {
    name: string
    lines?: string
    settings?: Partial<ClusterDnsSettings>
    ask: string
    says: readonly string[]
  }[] = [
    {
      name: 'a service with metadata and a gRPC service config',
      lines: `${annotated('txt.slicedns.io/model', 'llama-3')}\n${annotated('slicedns.io/grpc-config', '{}')}`,
      ask: `web.shop.${zone} TXT`,
      says: ['TXT records from annotations: 2, including the gRPC service config', 'ttl 5 (option ttl)'],
    },
    {
      name: 'the gRPC service config',
      lines: annotated('slicedns.io/grpc-config', '{}'),
      ask: `_grpc_config.web.shop.${zone} TXT`,
      says: ['gRPC service config (annotation grpc-config)'],
    },
    {
      name: 'the list of endpoints',
      lines: annotated('slicedns.io/endpoints', 'true'),
      ask: `_http._tcp._endpoints.web.shop.${zone} SRV`,
      says: ['lists all ready endpoints (annotation endpoints)'],
    },
    {
      name: 'one that no annotation asks for',
      ask: `_endpoints.web.shop.${zone} A`,
      says: ['the Service has no annotation endpoints', 'missing: NXDOMAIN'],
    },
    {
      name: 'an alias, and who wants it too',
      lines: `${annotated('slicedns.io/alias', 'web.apps.example')}
              service new shop 10.0.0.2 created 2025
              ${annotated('slicedns.io/alias', 'web.apps.example', 'new')}`,
      settings: opened,
      ask: '_http._tcp.web.apps.example. SRV',
      says: [
        `web.apps.example. is an alias of Service shop/web (alias zone apps.example.): answers as _http._tcp.web.shop.${zone}`,
        'Service shop/new claims this alias too, but is younger',
        'Service shop/web: ClusterIP 10.0.0.1; ports http/tcp 80',
        'ttl 5 (option ttl)',
      ],
    },
    {
      name: 'a name that no service has as its alias',
      settings: opened,
      ask: 'web.apps.example. A',
      says: ['apps.example. is an alias zone, and no Service has this alias: goes to the next plugin'],
    },
    {
      name: 'a name outside',
      settings: opened,
      ask: 'web.example. A',
      says: ['not in its zones (cluster.local. in-addr.arpa.): goes to the next plugin'],
    },
    {
      name: 'a type of service',
      settings: { dnsSd: true },
      ask: `_http._tcp.shop.${zone} PTR`,
      says: ['dns_sd: Services of Namespace shop with a port _http._tcp: 1', 'ttl 5 (option ttl)'],
    },
    {
      name: 'an instance',
      settings: { dnsSd: true },
      ask: `web._http._tcp.shop.${zone} TXT`,
      says: ['dns_sd: an instance of _http._tcp; SRV of the port, TXT of the metadata'],
    },
    {
      name: 'the types of a namespace',
      settings: { dnsSd: true },
      ask: `_services._dns-sd._udp.shop.${zone} PTR`,
      says: ['dns_sd: the service types in Namespace shop'],
    },
  ]
  for (const { name, lines = '', settings, ask: question, says } of cases) {
    test(`slicedns explain says of a name: ${name}`, () => {
      const said = explain(createExplanationHarness(lines, settings), ask(question))
      for (const line of says) assert.ok(said.includes(line), `${line}\nis not among\n${said.join('\n')}`)
    })
  }
})

describe('problems beyond the text of an annotation', () => {
  const cases: readonly {
    name: string
    lines: string
    settings?: Partial<ClusterDnsSettings>
    service?: string
    problems: readonly [string, string, RegExp][]
  }[] = [
    {
      name: 'an alias where the Corefile opens no zone',
      lines: annotated('slicedns.io/alias', 'web.example'),
      problems: [
        [
          'slicedns.io/alias',
          'refused',
          /^web\.example\. cannot be an alias: alias_zones in the Corefile opens only apps\.example\.$/,
        ],
      ],
    },
    {
      name: 'aliases that are what Kubernetes says, or the zone itself',
      lines: annotated(
        'slicedns.io/alias',
        'google.com.svc.cluster.local,dns-version.cluster.local,cluster.local,1.0.0.10.in-addr.arpa,apps.example',
      ),
      problems: [
        ['slicedns.io/alias', 'refused', /svc\.cluster\.local\. belong to Kubernetes/],
        ['slicedns.io/alias', 'refused', /dns-version\.cluster\.local\. belong to Kubernetes/],
        ['slicedns.io/alias', 'refused', /the cluster's own zone cluster\.local\./],
        ['slicedns.io/alias', 'refused', /it is a reverse name/],
        ['slicedns.io/alias', 'refused', /it is the alias zone itself/],
      ],
    },
    {
      name: 'an alias of two labels where the search paths of pods lead',
      settings: { aliasZones: ['cluster.local.', 'in.cluster.local.'] },
      lines: annotated('slicedns.io/alias', 'web.cluster.local,api.stripe.com.cluster.local,a.b.in.cluster.local'),
      problems: [
        ['slicedns.io/alias', 'refused', /^api\.stripe\.com\.cluster\.local\. .*one label below cluster\.local\./],
        ['slicedns.io/alias', 'refused', /^a\.b\.in\.cluster\.local\. .*one label below in\.cluster\.local\./],
      ],
    },
    {
      name: 'an alias that an older service has',
      lines: `${annotated('slicedns.io/alias', 'web.apps.example')}
              service new shop 10.0.0.2 created 2025
              ${annotated('slicedns.io/alias', 'web.apps.example,new.apps.example', 'new')}`,
      service: 'new',
      problems: [
        [
          'slicedns.io/alias',
          'refused',
          /^web\.apps\.example\. is an alias of Service shop\/web already, which is older$/,
        ],
      ],
    },
    {
      name: 'and none for that one',
      lines: `${annotated('slicedns.io/alias', 'web.apps.example')}
              service new shop 10.0.0.2 created 2025
              ${annotated('slicedns.io/alias', 'web.apps.example', 'new')}`,
      problems: [],
    },
    {
      name: 'what an ExternalName cannot have beside its CNAME',
      lines: [
        annotated('txt.slicedns.io/a', '1', 'api'),
        annotated('slicedns.io/grpc-config', '{}', 'api'),
        annotated('slicedns.io/endpoints', 'true', 'api'),
      ].join('\n'),
      service: 'api',
      problems: [
        ['slicedns.io/endpoints', 'refused', /no endpoints/],
        ['slicedns.io/grpc-config', 'advice', /_grpc_config/],
        ['txt.slicedns.io/a', 'refused', /RFC 1034/],
      ],
    },
  ]
  for (const { name, lines, settings = opened, service = 'web', problems } of cases) {
    test(`the problems of an annotation: ${name}`, () => {
      const found = serviceProblems(createExplanationHarness(lines, settings), 'shop', service).map(
        ({ problem }) => problem,
      )
      assert.deepEqual(
        found.map(({ key, reason }) => [key, reason]),
        problems.map(([key, reason]) => [key, reason]),
      )
      for (const [i, [, , rule]] of problems.entries()) assert.match(found[i]!.rule, rule)
    })
  }
})
