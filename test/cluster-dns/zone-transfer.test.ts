/** What a transfer of a zone says. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isTransferable, zoneRecords } from '../../src/cluster-dns/records/zone-transfer.ts'
import type { ClusterDnsSettings } from '../../src/cluster-dns/settings.ts'
import { recordText } from '../../src/dns/rdata.ts'
import { createNotation } from '../support/cluster-notation.ts'
import { knowledgeOf } from '../support/context.ts'
import { createFakeCluster } from '../support/fake-cluster.ts'
import { dnsSettings } from '../support/shared-cluster.ts'

const settings = dnsSettings({ zones: ['cluster.local.', '10.in-addr.arpa.'] })

function zoneOf(lines: string, changes: Partial<ClusterDnsSettings> = {}, zone = 'cluster.local.') {
  const cluster = createFakeCluster()
  const notation = createNotation(cluster)
  notation.apply(lines)
  const context = knowledgeOf(cluster.view, { ...settings, ...changes }, ['192.0.2.53'])
  const text = (records: Iterator<unknown>) =>
    [...(records as IterableIterator<Parameters<typeof recordText>[0]>)].map((record) =>
      recordText(record).replaceAll(/\s+/g, ' '),
    )
  return { cluster, notation, context, records: () => text(zoneRecords(context, zone)) }
}

const servers = ['cluster.local. 5 IN NS ns.dns.cluster.local.', 'ns.dns.cluster.local. 0 IN A 192.0.2.53']

interface Case {
  readonly name: string
  readonly cluster: string
  readonly settings?: Partial<ClusterDnsSettings>
  /** After those of the name servers. */
  readonly records: readonly string[]
}

const cases: readonly Case[] = [
  { name: 'an empty zone has its name servers', cluster: '', records: [] },
  {
    name: 'a ClusterIP service has its addresses, and each port at its own name and at that of the port',
    cluster: 'service web shop 10.96.0.1,fd00::1 ports http:TCP:80,UDP:53',
    records: [
      'web.shop.svc.cluster.local. 5 IN A 10.96.0.1',
      'web.shop.svc.cluster.local. 5 IN AAAA fd00::1',
      'web.shop.svc.cluster.local. 5 IN SRV 0 100 80 web.shop.svc.cluster.local.',
      '_http._tcp.web.shop.svc.cluster.local. 5 IN SRV 0 100 80 web.shop.svc.cluster.local.',
      'web.shop.svc.cluster.local. 5 IN SRV 0 100 53 web.shop.svc.cluster.local.',
    ],
  },
  {
    name: 'a service has its metadata and its gRPC service config, without a ready endpoint too',
    cluster: `service db shop headless
              annotate service db shop txt.slicedns.io/role primary
              annotate service db shop slicedns.io/grpc-config {}
              service ext shop external www.example.org
              annotate service ext shop txt.slicedns.io/role primary`,
    records: [
      'db.shop.svc.cluster.local. 5 IN TXT "role=primary"',
      'db.shop.svc.cluster.local. 5 IN TXT "grpc_config=[{\\"serviceConfig\\":{}}]"',
      '_grpc_config.db.shop.svc.cluster.local. 5 IN TXT "grpc_config=[{\\"serviceConfig\\":{}}]"',
      'ext.shop.svc.cluster.local. 5 IN CNAME www.example.org.',
    ],
  },
  {
    name: 'a split has the addresses of all backends that are drawn, and their weights',
    cluster: `service web shop 10.96.0.1 ports http:TCP:80
              service stable shop 10.96.0.2 ports http:TCP:8080
              endpoint stable shop 10.0.0.2 ready
              service wcanary shop headless ports http:TCP:9090
              endpoint wcanary shop 10.0.0.3 ready
              service xother shop external other.example.org ports none
              service zgone shop headless
              annotate service web shop slicedns.io/split stable=80,wcanary=10,xother=10,zgone=5`,
    records: [
      'stable.shop.svc.cluster.local. 5 IN A 10.96.0.2',
      'stable.shop.svc.cluster.local. 5 IN SRV 0 100 8080 stable.shop.svc.cluster.local.',
      '_http._tcp.stable.shop.svc.cluster.local. 5 IN SRV 0 100 8080 stable.shop.svc.cluster.local.',
      'wcanary.shop.svc.cluster.local. 5 IN A 10.0.0.3',
      '10-0-0-3.wcanary.shop.svc.cluster.local. 5 IN A 10.0.0.3',
      '_http._tcp.wcanary.shop.svc.cluster.local. 5 IN SRV 0 100 9090 10-0-0-3.wcanary.shop.svc.cluster.local.',
      'web.shop.svc.cluster.local. 5 IN A 10.96.0.2',
      'web.shop.svc.cluster.local. 5 IN A 10.0.0.3',
      'web.shop.svc.cluster.local. 5 IN SRV 0 80 8080 stable.shop.svc.cluster.local.',
      'web.shop.svc.cluster.local. 5 IN SRV 0 10 9090 10-0-0-3.wcanary.shop.svc.cluster.local.',
      'web.shop.svc.cluster.local. 5 IN SRV 0 10 80 other.example.org.',
      '_http._tcp.web.shop.svc.cluster.local. 5 IN SRV 0 80 8080 stable.shop.svc.cluster.local.',
      '_http._tcp.web.shop.svc.cluster.local. 5 IN SRV 0 10 9090 10-0-0-3.wcanary.shop.svc.cluster.local.',
      '_http._tcp.web.shop.svc.cluster.local. 5 IN SRV 0 10 80 other.example.org.',
      'xother.shop.svc.cluster.local. 5 IN CNAME other.example.org.',
    ],
  },
  {
    name: 'a split over nothing but another place is a CNAME alone; a headless one keeps the names of its endpoints',
    cluster: `service web shop headless ports http:TCP:80
              endpoint web shop 10.0.0.1 ready
              service xother shop external other.example.org ports none
              annotate service web shop slicedns.io/split xother=1`,
    records: [
      'web.shop.svc.cluster.local. 5 IN CNAME other.example.org.',
      '_http._tcp.web.shop.svc.cluster.local. 5 IN SRV 0 1 80 other.example.org.',
      '10-0-0-1.web.shop.svc.cluster.local. 5 IN A 10.0.0.1',
      'xother.shop.svc.cluster.local. 5 IN CNAME other.example.org.',
    ],
  },
  {
    name: 'a service without a ready endpoint has those that serve while they terminate, where that is the last resort',
    settings: { terminatingLastResort: true },
    cluster: `service db shop headless ports pg:TCP:5432
              endpoint db shop 10.0.0.1 notReady serving terminating
              endpoint db shop 10.0.0.2 notReady`,
    records: [
      'db.shop.svc.cluster.local. 2 IN A 10.0.0.1',
      '10-0-0-1.db.shop.svc.cluster.local. 2 IN A 10.0.0.1',
      '_pg._tcp.db.shop.svc.cluster.local. 2 IN SRV 0 100 5432 10-0-0-1.db.shop.svc.cluster.local.',
    ],
  },
  {
    name: 'a headless service has its ready endpoints, their names, and their named ports',
    cluster: `service db shop headless ports pg:TCP:5432,TCP:1
              endpoint db shop 10.0.0.1 ready hostname db-0
              endpoint db shop 10.0.0.2 ready
              endpoint db shop 10.0.0.3 notReady`,
    records: [
      'db.shop.svc.cluster.local. 5 IN A 10.0.0.1',
      'db-0.db.shop.svc.cluster.local. 5 IN A 10.0.0.1',
      '_pg._tcp.db.shop.svc.cluster.local. 5 IN SRV 0 50 5432 db-0.db.shop.svc.cluster.local.',
      'db.shop.svc.cluster.local. 5 IN A 10.0.0.2',
      '10-0-0-2.db.shop.svc.cluster.local. 5 IN A 10.0.0.2',
      '_pg._tcp.db.shop.svc.cluster.local. 5 IN SRV 0 50 5432 10-0-0-2.db.shop.svc.cluster.local.',
    ],
  },
  {
    name: 'an endpoint that two slices have is sent once',
    cluster: `service db shop headless ports pg:TCP:5432
              endpoint db shop 10.0.0.1 ready slice a
              endpoint db shop 10.0.0.1 ready slice b`,
    records: [
      'db.shop.svc.cluster.local. 5 IN A 10.0.0.1',
      '10-0-0-1.db.shop.svc.cluster.local. 5 IN A 10.0.0.1',
      '_pg._tcp.db.shop.svc.cluster.local. 5 IN SRV 0 100 5432 10-0-0-1.db.shop.svc.cluster.local.',
    ],
  },
  {
    name: 'an ExternalName service is an alias, unless it names an address',
    cluster: `service out shop external www.example.org
              service address shop external 192.0.2.1`,
    records: ['out.shop.svc.cluster.local. 5 IN CNAME www.example.org.'],
  },
  {
    name: 'names of endpoints (FQDN slices) are left out',
    cluster: `service vm shop headless
              endpoint vm shop vm.example.com ready`,
    records: [],
  },
  {
    name: 'services come in the order of their names, whatever their namespaces',
    cluster: `service b one 10.96.0.1 ports none
              service a two 10.96.0.2 ports none`,
    records: ['a.two.svc.cluster.local. 5 IN A 10.96.0.2', 'b.one.svc.cluster.local. 5 IN A 10.96.0.1'],
  },
  {
    name: 'namespaces that are not shown, or not there, are left out',
    cluster: `service a one 10.96.0.1 ports none
              service a two 10.96.0.2 ports none
              service a three 10.96.0.3 ports none
              remove namespace three`,
    settings: { namespaces: new Set(['one', 'three']) },
    records: ['a.one.svc.cluster.local. 5 IN A 10.96.0.1'],
  },
  {
    name: 'with ignore empty_service, services without a ready endpoint are left out',
    cluster: `service full shop 10.96.0.1 ports none
              endpoint full shop 10.0.0.1 ready
              service empty shop 10.96.0.2 ports none
              endpoint empty shop 10.0.0.2 notReady`,
    settings: { ignoreEmptyServices: true },
    records: ['full.shop.svc.cluster.local. 5 IN A 10.96.0.1'],
  },
  {
    name: 'records have the TTL and the rank that questions for them are answered with',
    cluster: `service web shop 10.96.0.1
              annotate service web shop slicedns.io/ttl 120
              annotate service web shop slicedns.io/srv-priority 3
              annotate service web shop slicedns.io/srv-weight 0
              service out shop external www.example.org
              annotate namespace shop slicedns.io/ttl 60
              service db other headless ports pg:TCP:5432
              endpoint db other 10.0.0.1 ready hostname db-0 slice a
              endpoint db other 10.0.0.2 ready hostname db-1 slice b
              annotate slice b other slicedns.io/srv-weight 9`,
    settings: { ttlHeadless: 7 },
    records: [
      'db.other.svc.cluster.local. 7 IN A 10.0.0.1',
      'db-0.db.other.svc.cluster.local. 7 IN A 10.0.0.1',
      '_pg._tcp.db.other.svc.cluster.local. 7 IN SRV 0 100 5432 db-0.db.other.svc.cluster.local.',
      'db.other.svc.cluster.local. 7 IN A 10.0.0.2',
      'db-1.db.other.svc.cluster.local. 7 IN A 10.0.0.2',
      '_pg._tcp.db.other.svc.cluster.local. 7 IN SRV 0 9 5432 db-1.db.other.svc.cluster.local.',
      'out.shop.svc.cluster.local. 60 IN CNAME www.example.org.',
      'web.shop.svc.cluster.local. 120 IN A 10.96.0.1',
      'web.shop.svc.cluster.local. 120 IN SRV 3 0 80 web.shop.svc.cluster.local.',
      '_http._tcp.web.shop.svc.cluster.local. 120 IN SRV 3 0 80 web.shop.svc.cluster.local.',
    ],
  },
]

const imports = `import web shop 10.42.0.1,fd00:42::1 ports http:TCP:80
                 import portless shop 10.42.0.2 ports none
                 import web gone 10.42.0.3
                 remove namespace gone
                 import db shop headless
                 endpoint db shop 10.7.0.1 ready hostname db-0 cluster east
                 endpoint db shop 10.8.0.1 ready hostname db-0 cluster west
                 service own shop 10.96.0.1`

describe('a transferred zone of a cluster set', () => {
  const zone = 'clusterset.local.'
  const multicluster = { zones: ['cluster.local.', zone], multicluster: [zone] }

  test('a transferred zone of a cluster set has the imported services, and the endpoints of headless ones under their clusters', () => {
    const { records } = zoneOf(imports, multicluster, zone)
    const endpoint = (address: string, cluster: string) => [
      `db.shop.svc.${zone} 5 IN A ${address}`,
      `db-0.${cluster}.db.shop.svc.${zone} 5 IN A ${address}`,
      `_http._tcp.db.shop.svc.${zone} 5 IN SRV 0 100 80 db-0.${cluster}.db.shop.svc.${zone}`,
    ]
    assert.deepEqual(records(), [
      `${zone} 5 IN NS ns.dns.${zone}`,
      `ns.dns.${zone} 0 IN A 192.0.2.53`,
      ...endpoint('10.7.0.1', 'east'),
      ...endpoint('10.8.0.1', 'west'),
      `web.shop.svc.${zone} 5 IN A 10.42.0.1`,
      `web.shop.svc.${zone} 5 IN AAAA fd00:42::1`,
      `web.shop.svc.${zone} 5 IN SRV 0 100 80 web.shop.svc.${zone}`,
      `_http._tcp.web.shop.svc.${zone} 5 IN SRV 0 100 80 web.shop.svc.${zone}`,
    ])
  })

  test("a transferred zone of a cluster set leaves the cluster's own zone to its own services", () => {
    const names = zoneOf(imports, multicluster)
      .records()
      .map((text) => text.split(' ')[0])
    assert.deepEqual(
      new Set(names.filter((name) => name.includes('.svc.'))),
      new Set(['own.shop.svc.cluster.local.', '_http._tcp.own.shop.svc.cluster.local.']),
    )
  })

  for (const resource of ['serviceimports', 'importedslices'] as const)
    test(`a transferred zone of a cluster set waits for ${resource}, and the cluster's own zone does not`, () => {
      const { cluster, context } = zoneOf(imports, multicluster, zone)
      assert.equal(isTransferable(context, zone), true)
      cluster.setAvailability(resource, 'forbidden')
      assert.equal(isTransferable(context, zone), false)
      assert.equal(isTransferable(context, 'cluster.local.'), true)
    })
})

describe('a transferred zone', () => {
  test('a transferred zone has no names of topology zones', () => {
    const { records } = zoneOf(
      `service db shop headless ports none
       endpoint db shop 10.0.0.1 ready hostname db-0 zone a`,
      { zonal: true },
    )
    assert.deepEqual(records(), [
      ...servers,
      'db.shop.svc.cluster.local. 5 IN A 10.0.0.1',
      'db-0.db.shop.svc.cluster.local. 5 IN A 10.0.0.1',
    ])
  })

  for (const { name, cluster, settings: changes, records } of cases)
    test(`a transferred zone: ${name}`, () =>
      assert.deepEqual(zoneOf(cluster, changes).records(), [...servers, ...records]))

  test('a transferred zone names the service that we are an endpoint of as its server, with its addresses once', () => {
    const { records } = zoneOf(`service kube-dns kube-system 10.96.0.10 ports none
                                endpoint kube-dns kube-system 192.0.2.53 ready`)
    assert.deepEqual(records(), [
      'cluster.local. 5 IN NS kube-dns.kube-system.svc.cluster.local.',
      'kube-dns.kube-system.svc.cluster.local. 5 IN A 10.96.0.10',
    ])
  })

  test('a transferred zone has the addresses of a name server whose service is not exposed', () => {
    const { records } = zoneOf(
      `service kube-dns kube-system 10.96.0.10 ports none
       endpoint kube-dns kube-system 192.0.2.53 ready`,
      { namespaces: new Set(['shop']) },
    )
    assert.deepEqual(records(), [
      'cluster.local. 5 IN NS kube-dns.kube-system.svc.cluster.local.',
      'kube-dns.kube-system.svc.cluster.local. 0 IN A 10.96.0.10',
    ])
  })

  test('a transferred zone is the zone at one moment, whatever changes during the transfer', () => {
    const { notation, context } = zoneOf(`service a shop 10.96.0.1 ports none
                                            service b shop headless
                                            endpoint b shop 10.0.0.1 ready`)
    const records = zoneRecords(context, 'cluster.local.') as IterableIterator<Parameters<typeof recordText>[0]>
    records.next()
    notation.apply(`remove service a shop
                    service c shop 10.96.0.3
                    endpoint b shop 10.0.0.2 ready`)
    const names = new Set([...records].map(({ name }) => name))
    assert.deepEqual(
      [...names],
      [
        'ns.dns.cluster.local.',
        'a.shop.svc.cluster.local.',
        'b.shop.svc.cluster.local.',
        '10-0-0-1.b.shop.svc.cluster.local.',
        '_http._tcp.b.shop.svc.cluster.local.',
      ],
    )
  })

  test('a transferred reverse zone has the names of its addresses, each once', () => {
    const { records } = zoneOf(
      `service web shop 10.96.0.1,fd00::1
       endpoint web shop 10.0.0.1 ready hostname one
       service db shop headless
       endpoint db shop 10.0.0.1 ready hostname two
       endpoint db shop 10.0.0.2 notReady
       endpoint db shop 172.16.0.1 ready`,
      {},
      '10.in-addr.arpa.',
    )
    assert.deepEqual(records().slice(2), [
      '1.0.96.10.in-addr.arpa. 5 IN PTR web.shop.svc.cluster.local.',
      '1.0.0.10.in-addr.arpa. 5 IN PTR two.db.shop.svc.cluster.local.',
      '1.0.0.10.in-addr.arpa. 5 IN PTR one.web.shop.svc.cluster.local.',
    ])
  })

  test('a zone is transferred only when all of it has been read', () => {
    const { context, cluster } = zoneOf('')
    assert.equal(isTransferable(context), true)
    for (const state of ['forbidden', 'pending'] as const) {
      cluster.setAvailability('endpointslices', state)
      assert.equal(isTransferable(context), false, state)
    }
  })
})
