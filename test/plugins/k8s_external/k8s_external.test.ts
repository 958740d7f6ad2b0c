import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { diskSources } from '../../../src/corefile/load.ts'
import { parseCorefile } from '../../../src/corefile/parser.ts'
import { readSettings } from '../../../src/corefile/read.ts'
import { rcodeName } from '../../../src/dns/codes.ts'
import type { ResourceRecord } from '../../../src/dns/message.ts'
import { recordText } from '../../../src/dns/rdata.ts'
import { parseRecord } from '../../../src/dns/record-text.ts'
import { replyTo } from '../../../src/dns/reply.ts'
import { transparency } from '../../../src/plugin/capabilities/transparency.ts'
import { capabilityOf } from '../../../src/plugin/capability.ts'
import type { Outcome, Query } from '../../../src/plugin/query.ts'
import { k8sExternal } from '../../../src/plugins/k8s_external/index.ts'
import { kubernetes } from '../../../src/plugins/kubernetes/index.ts'
import { transferSource } from '../../../src/plugins/transfer/capability.ts'
import { ask, createPluginHarness, failing, handle, setUp } from '../../support/plugin-harness.ts'
import { type SharedClusterOptions, shareCluster } from '../../support/shared-cluster.ts'

interface Given extends SharedClusterOptions {
  readonly text?: string
}

const passedOn = 99

const service = (name: string, spec: object, ingress: readonly object[] = []) => ({
  kind: 'Service',
  metadata: { namespace: 'shop', name },
  spec: { clusterIP: '10.96.0.1', ports: [{ name: 'http', port: 80 }], ...spec },
  status: { loadBalancer: { ingress } },
})

/** A shop: services with external addresses of every kind, one without, a headless one. */
function createExternalHarness({ text = 'k8s_external example.org 2.0.192.in-addr.arpa', ...given }: Given = {}) {
  const harness = shareCluster(given)
  const ports = [
    { name: 'http', port: 80 },
    { name: 'https', port: 443 },
  ]
  harness.cluster.apply(
    service('web', { externalIPs: ['192.0.2.1'], ports }),
    service('both', {}, [{ ip: '192.0.2.2' }, { ip: '2001:db8::2' }, { ip: '192.0.2.2' }]),
    service('named', { type: 'LoadBalancer', ports }, [{ hostname: 'lb.example.com' }]),
    service('partly', { type: 'LoadBalancer' }, [{ hostname: 'lb.example.com' }, { ip: '192.0.2.3' }]),
    service('pending', { type: 'LoadBalancer' }, []),
    service('inside', {}),
  )
  harness.apply(`service db shop headless ports pg:TCP:5432
             endpoint db shop 10.0.0.1 ready hostname db-0
             endpoint db shop 10.0.0.2 ready`)
  const instance = setUp(k8sExternal, text, createPluginHarness(), { others: { kubernetes: harness.kubernetes } })
  instance.start?.()
  async function reply(question: string): Promise<string[] | 'next'> {
    const query: Query = { ...ask(question), lookup }
    return linesOf(await handle(instance, query, failing(passedOn)))
  }
  return { instance, reply }
}

/** What other zones answer. */
async function lookup(name: string, type: number): Promise<Outcome> {
  const known = ['lb.example.com. 60 IN A 198.51.100.1'].map(parseRecord)
  const answer = known.filter((record) => record.name === name && record.type === type)
  return { kind: 'reply', plugin: 'forward', message: replyTo(ask(`${name} A`).request, { answer }) }
}

/** The rcode where it is not NOERROR, then each record with its section's letter; the SOA in short. */
function linesOf(outcome: Outcome): string[] | 'next' {
  if (outcome.kind === 'rcode' && outcome.rcode === passedOn) return 'next'
  assert.ok(outcome.kind === 'reply')
  const { rcode, answer, authority, additional, authoritative } = outcome.message
  assert.equal(authoritative, true)
  const lines = (letter: string, records: readonly ResourceRecord[]) =>
    records.map(
      (record) => `${letter} ${record.type === 6 ? `${record.name} SOA` : recordText(record).replaceAll(/\s+/g, ' ')}`,
    )
  return [
    ...(rcode === 0 ? [] : [rcodeName(rcode)]),
    ...lines('an', answer),
    ...lines('ns', authority),
    ...lines('ad', additional),
  ]
}

const nodata = ['ns example.org. SOA']
const nxdomain = ['NXDOMAIN', ...nodata]

const cases: readonly (readonly [string, string, readonly string[]])[] = [
  ['the external address of a service', 'web.shop.example.org. A', ['an web.shop.example.org. 5 IN A 192.0.2.1']],
  ['its name in the case of the question', 'Web.Shop.Example.org. A', ['an Web.Shop.Example.org. 5 IN A 192.0.2.1']],
  ['no address of another family', 'web.shop.example.org. AAAA', nodata],
  ['an address of the load balancer once', 'both.shop.example.org. A', ['an both.shop.example.org. 5 IN A 192.0.2.2']],
  ['both families', 'both.shop.example.org. AAAA', ['an both.shop.example.org. 5 IN AAAA 2001:db8::2']],
  [
    'the host name of a load balancer and what it leads to; the alias with the TTL of kubernetes',
    'named.shop.example.org. A',
    ['an named.shop.example.org. 30 IN CNAME lb.example.com.', 'an lb.example.com. 60 IN A 198.51.100.1'],
  ],
  [
    'the host name alone where it leads to nothing',
    'named.shop.example.org. AAAA',
    ['an named.shop.example.org. 30 IN CNAME lb.example.com.'],
  ],
  ['NXDOMAIN for a load balancer that is not there yet', 'pending.shop.example.org. A', nxdomain],
  ['NXDOMAIN for a service without external addresses', 'inside.shop.example.org. A', nxdomain],
  ['NXDOMAIN for a headless service, unless told otherwise', 'db.shop.example.org. A', nxdomain],
  ['NXDOMAIN for a service that is not there', 'nosuch.shop.example.org. A', nxdomain],
  ['NODATA for a namespace', 'shop.example.org. A', nodata],
  ['NXDOMAIN for a namespace that is not there', 'web.nosuch.example.org. A', nxdomain],
  ['NXDOMAIN for too many labels', 'a.b.c.web.shop.example.org. A', nxdomain],
  [
    'the service, whatever one label stands left of it',
    'x.web.shop.example.org. A',
    ['an x.web.shop.example.org. 5 IN A 192.0.2.1'],
  ],
  [
    'the service for one of its ports',
    '_http._tcp.web.shop.example.org. A',
    ['an _http._tcp.web.shop.example.org. 5 IN A 192.0.2.1'],
  ],
  ['NXDOMAIN for a port that it does not have', '_ftp._tcp.web.shop.example.org. A', nxdomain],
  [
    'SRV for every port',
    'web.shop.example.org. SRV',
    [
      'an web.shop.example.org. 30 IN SRV 0 50 80 web.shop.example.org.',
      'an web.shop.example.org. 30 IN SRV 0 50 443 web.shop.example.org.',
      'ad web.shop.example.org. 5 IN A 192.0.2.1',
    ],
  ],
  [
    'SRV for one port',
    '_https._tcp.web.shop.example.org. SRV',
    [
      'an _https._tcp.web.shop.example.org. 30 IN SRV 0 100 443 web.shop.example.org.',
      'ad web.shop.example.org. 5 IN A 192.0.2.1',
    ],
  ],
  [
    'SRV whose target is the name of a load balancer',
    '_http._tcp.named.shop.example.org. SRV',
    [
      'an _http._tcp.named.shop.example.org. 30 IN SRV 0 100 80 lb.example.com.',
      'ad lb.example.com. 60 IN A 198.51.100.1',
    ],
  ],
  ['NODATA for other types', 'web.shop.example.org. TXT', nodata],
  ['NODATA for CNAME, even where an alias is', 'named.shop.example.org. CNAME', nodata],
  [
    'the names of an address, below its first zone',
    '1.2.0.192.in-addr.arpa. PTR',
    ['an 1.2.0.192.in-addr.arpa. 5 IN PTR web.shop.example.org.'],
  ],
  ['NXDOMAIN for an address of nobody', '9.2.0.192.in-addr.arpa. PTR', ['NXDOMAIN', 'ns 2.0.192.in-addr.arpa. SOA']],
  ['NXDOMAIN for other types of an address', '1.2.0.192.in-addr.arpa. A', ['NXDOMAIN', 'ns 2.0.192.in-addr.arpa. SOA']],
  ['its SOA', 'example.org. SOA', ['an example.org. SOA']],
  ['NODATA for other types at the apex', 'example.org. A', nodata],
  ['NODATA for the label of its name servers', 'dns.example.org. A', nodata],
  ['NXDOMAIN for what else is below that label', 'ns2.dns.example.org. A', nxdomain],
  ['NXDOMAIN below the name server', 'x.ns1.dns.example.org. A', nxdomain],
]

describe('the answers of k8s_external', () => {
  for (const [name, question, wanted] of cases)
    it(`k8s_external answers ${name}: ${question}`, async () =>
      assert.deepEqual(await createExternalHarness().reply(question), wanted))

  it('k8s_external answers nothing outside of its zones', async () => {
    assert.equal(await createExternalHarness().reply('web.shop.example.com. A'), 'next')
  })

  it('k8s_external answers REFUSED to transfers: they are for another plugin', async () => {
    const { instance } = createExternalHarness()
    const outcome = await handle(instance, ask('example.org. AXFR', { transport: 'tcp' }), failing(passedOn))
    assert.equal(outcome.kind === 'rcode' && outcome.rcode, 5)
  })

  it('k8s_external answers with the TTL and apex of its configuration', async () => {
    const { reply, instance } = createExternalHarness({ text: 'k8s_external example.org {\napex k8s\nttl 60\n}' })
    assert.deepEqual(await reply('web.shop.example.org. A'), ['an web.shop.example.org. 60 IN A 192.0.2.1'])
    assert.deepEqual(await reply('k8s.example.org. A'), nodata)
    const outcome = await handle(instance, ask('example.org. SOA'), failing(passedOn))
    assert.ok(outcome.kind === 'reply')
    assert.equal(
      recordText(outcome.message.answer[0]!).replaceAll(/\s+/g, ' '),
      'example.org. 60 IN SOA ns1.k8s.example.org. hostmaster.k8s.example.org. 0 7200 1800 86400 60',
    )
  })

  it('NXDOMAIN by the next plugin, where it falls through', async () => {
    const { reply } = createExternalHarness({ text: 'k8s_external example.org {\nfallthrough\n}' })
    assert.equal(await reply('nosuch.shop.example.org. A'), 'next')
    assert.deepEqual(await reply('web.shop.example.org. AAAA'), nodata)
    assert.deepEqual(await reply('ns2.dns.example.org. A'), nxdomain)
  })

  it('SERVFAIL for what may exist, until the cluster is known, and does not fall through', async () => {
    const { reply } = createExternalHarness({ unsynced: true, text: 'k8s_external example.org {\nfallthrough\n}' })
    assert.deepEqual(await reply('nosuch.shop.example.org. A'), ['SERVFAIL', ...nodata])
    assert.deepEqual(await reply('web.shop.example.org. A'), ['an web.shop.example.org. 5 IN A 192.0.2.1'])
  })

  it('k8s_external answers for the namespaces that kubernetes exposes', async () => {
    const { reply } = createExternalHarness({ settings: { namespaces: new Set(['other']) } })
    assert.deepEqual(await reply('web.shop.example.org. A'), nxdomain)
    assert.deepEqual(await reply('1.2.0.192.in-addr.arpa. PTR'), ['NXDOMAIN', 'ns 2.0.192.in-addr.arpa. SOA'])
  })
})

describe('k8s_external with headless', () => {
  const text = 'k8s_external example.org {\nheadless\n}'
  const headless: readonly (readonly [string, string, readonly string[]])[] = [
    [
      'every ready endpoint',
      'db.shop.example.org. A',
      ['an db.shop.example.org. 5 IN A 10.0.0.1', 'an db.shop.example.org. 5 IN A 10.0.0.2'],
    ],
    ['an endpoint by its name', 'db-0.db.shop.example.org. A', ['an db-0.db.shop.example.org. 5 IN A 10.0.0.1']],
    ['NXDOMAIN for an endpoint that is not there', 'db-9.db.shop.example.org. A', nxdomain],
    [
      'SRV to endpoints',
      '_pg._tcp.db.shop.example.org. SRV',
      [
        'an _pg._tcp.db.shop.example.org. 30 IN SRV 0 50 5432 db-0.db.shop.example.org.',
        'an _pg._tcp.db.shop.example.org. 30 IN SRV 0 50 5432 10-0-0-2.db.shop.example.org.',
        'ad db-0.db.shop.example.org. 5 IN A 10.0.0.1',
        'ad 10-0-0-2.db.shop.example.org. 5 IN A 10.0.0.2',
      ],
    ],
    ['NXDOMAIN for a ClusterIP service without external addresses', 'inside.shop.example.org. A', nxdomain],
  ]
  for (const [name, question, wanted] of headless)
    it(`k8s_external with headless answers ${name}: ${question}`, async () =>
      assert.deepEqual(await createExternalHarness({ text }).reply(question), wanted))
})

describe("k8s_external's name server", () => {
  it('the name server of k8s_external has the addresses of this machine where no service leads to it', async () => {
    const { reply } = createExternalHarness({ localAddresses: ['192.0.2.53', '2001:db8::53'] })
    assert.deepEqual(await reply('example.org. NS'), [
      'an example.org. 5 IN NS ns1.dns.example.org.',
      'ad ns1.dns.example.org. 5 IN A 192.0.2.53',
      'ad ns1.dns.example.org. 5 IN AAAA 2001:db8::53',
    ])
    assert.deepEqual(await reply('ns1.dns.example.org. AAAA'), ['an ns1.dns.example.org. 5 IN AAAA 2001:db8::53'])
    assert.deepEqual(await reply('ns1.dns.example.org. TXT'), nodata)
  })

  it('the name server of k8s_external has the external addresses of the service that this machine is an endpoint of', async () => {
    const harness = shareCluster({ localAddresses: ['10.0.0.53'] })
    harness.cluster.apply(service('dns', { externalIPs: ['192.0.2.99'] }))
    harness.apply('endpoint dns shop 10.0.0.53 ready')
    const instance = setUp(k8sExternal, 'k8s_external example.org', createPluginHarness(), {
      others: { kubernetes: harness.kubernetes },
    })
    assert.deepEqual(linesOf(await handle(instance, ask('ns1.dns.example.org. A'), failing(passedOn))), [
      'an ns1.dns.example.org. 5 IN A 192.0.2.99',
    ])
  })
})

describe('k8s_external beside kubernetes', () => {
  it('k8s_external beside kubernetes leaves the names of the cluster to the table', () => {
    const opaque = capabilityOf(createExternalHarness().instance, transparency)!
    assert.equal(opaque.claims('web.shop.svc.cluster.local.'), undefined)
    assert.equal(opaque.claimsBelow('cluster.local.'), undefined)
    assert.equal(opaque.claims('web.shop.example.org.')?.answers, 'all')
    assert.deepEqual(
      opaque.questions?.map(({ zone }) => zone),
      ['example.org.', '2.0.192.in-addr.arpa.'],
    )
  })

  it('k8s_external needs kubernetes in its block', () => {
    const { blocks } = parseCorefile('. {\nk8s_external example.org\n}\n', 'Corefile', diskSources)
    const settings = readSettings(k8sExternal.schema, blocks[0].directives, ['.'])
    assert.equal(k8sExternal.unmetRequirement?.(settings, [kubernetes]), undefined)
    assert.match(k8sExternal.unmetRequirement?.(settings, [k8sExternal]) ?? '', /requires the plugin 'kubernetes'/)
  })

  it('the zone of k8s_external can be transferred, and its questions are explained', () => {
    const { instance } = createExternalHarness({ text: 'k8s_external example.org 2.0.192.in-addr.arpa {\nheadless\n}' })
    const records = (zone: string) => {
      const { records } = capabilityOf(instance, transferSource)!.snapshot(zone)!
      const lines: string[] = []
      for (let next = records.next(); !next.done; next = records.next()) {
        lines.push(recordText(next.value).replaceAll(/\s+/g, ' '))
      }
      return lines
    }
    assert.deepEqual(records('example.org.'), [
      'example.org. 5 IN NS ns1.dns.example.org.',
      'both.shop.example.org. 5 IN A 192.0.2.2',
      'both.shop.example.org. 5 IN AAAA 2001:db8::2',
      'both.shop.example.org. 30 IN SRV 0 100 80 both.shop.example.org.',
      '_http._tcp.both.shop.example.org. 30 IN SRV 0 100 80 both.shop.example.org.',
      'db.shop.example.org. 5 IN A 10.0.0.1',
      'db.shop.example.org. 5 IN A 10.0.0.2',
      'db.shop.example.org. 30 IN SRV 0 50 5432 db-0.db.shop.example.org.',
      'db.shop.example.org. 30 IN SRV 0 50 5432 10-0-0-2.db.shop.example.org.',
      '_pg._tcp.db.shop.example.org. 30 IN SRV 0 50 5432 db-0.db.shop.example.org.',
      '_pg._tcp.db.shop.example.org. 30 IN SRV 0 50 5432 10-0-0-2.db.shop.example.org.',
      'db-0.db.shop.example.org. 5 IN A 10.0.0.1',
      'db-0.db.shop.example.org. 30 IN SRV 0 100 5432 db-0.db.shop.example.org.',
      '10-0-0-2.db.shop.example.org. 5 IN A 10.0.0.2',
      '10-0-0-2.db.shop.example.org. 30 IN SRV 0 100 5432 10-0-0-2.db.shop.example.org.',
      'named.shop.example.org. 30 IN CNAME lb.example.com.',
      '_http._tcp.named.shop.example.org. 30 IN SRV 0 100 80 lb.example.com.',
      '_https._tcp.named.shop.example.org. 30 IN SRV 0 100 443 lb.example.com.',
      'partly.shop.example.org. 5 IN A 192.0.2.3',
      'partly.shop.example.org. 30 IN SRV 0 100 80 lb.example.com.',
      'partly.shop.example.org. 30 IN SRV 0 100 80 partly.shop.example.org.',
      '_http._tcp.partly.shop.example.org. 30 IN SRV 0 100 80 lb.example.com.',
      '_http._tcp.partly.shop.example.org. 30 IN SRV 0 100 80 partly.shop.example.org.',
      'web.shop.example.org. 5 IN A 192.0.2.1',
      'web.shop.example.org. 30 IN SRV 0 100 80 web.shop.example.org.',
      'web.shop.example.org. 30 IN SRV 0 100 443 web.shop.example.org.',
      '_http._tcp.web.shop.example.org. 30 IN SRV 0 100 80 web.shop.example.org.',
      '_https._tcp.web.shop.example.org. 30 IN SRV 0 100 443 web.shop.example.org.',
    ])
    assert.deepEqual(records('2.0.192.in-addr.arpa.').slice(1), [
      '2.2.0.192.in-addr.arpa. 5 IN PTR both.shop.example.org.',
      '3.2.0.192.in-addr.arpa. 5 IN PTR partly.shop.example.org.',
      '1.2.0.192.in-addr.arpa. 5 IN PTR web.shop.example.org.',
    ])
  })
})
