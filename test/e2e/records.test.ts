/** Every kind of record of the Kubernetes DNS specification 1.1.0, from a real API server, by dig over UDP and TCP. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { controlPlanePrograms } from '../support/control-plane.ts'
import { without } from '../support/peers.ts'
import type { RunningServer } from '../support/server.ts'
import { namespaceObject, service, slice, startCluster, type TestCluster } from './cluster.ts'

const skip = without(...controlPlanePrograms, 'dig')

let cluster: TestCluster
let server: RunningServer

before(async () => {
  if (skip) return
  cluster = await startCluster()
  for (const object of serving) await cluster.create(object)
  server = await cluster.serve()
})

after(async () => {
  await server?.stop()
  await cluster?.stop()
})

const ports = [
  { name: 'http', port: 80, protocol: 'TCP' },
  { name: 'rtp', port: 5004, protocol: 'UDP' },
]
const serving: readonly object[] = [
  namespaceObject('shop'),
  namespaceObject('models'),
  service('shop', 'web', {
    clusterIPs: ['10.96.1.1', 'fd00:96::11'],
    clusterIP: '10.96.1.1',
    ipFamilyPolicy: 'RequireDualStack',
    ports,
  }),
  slice({ namespace: 'shop', name: 'web-4', service: 'web', ports, endpoints: ['10.1.0.1', '10.1.0.2'] }),
  slice({ namespace: 'shop', name: 'web-6', service: 'web', ports, endpoints: ['fd00:1::1'] }),
  service('shop', 'old', { clusterIP: '10.96.1.2', ports: [{ port: 70 }] }),
  service('shop', 'partner', { type: 'ExternalName', externalName: 'www.example.org' }),
  service('shop', 'inside', { type: 'ExternalName', externalName: 'web.shop.svc.cluster.local' }),
  service('models', 'llama', {
    clusterIP: 'None',
    publishNotReadyAddresses: true,
    ports: [{ name: 'grpc', port: 9000 }],
  }),
  slice({
    namespace: 'models',
    name: 'llama-1',
    service: 'llama',
    ports: [{ name: 'grpc', port: 9000 }],
    endpoints: [
      { address: '10.2.0.1', hostname: 'llama-0' },
      { address: '10.2.0.2', hostname: 'llama-1' },
    ],
  }),
  service('models', 'plain', { clusterIP: 'None', ports: [{ name: 'http', port: 80 }] }),
  slice({
    namespace: 'models',
    name: 'plain-1',
    service: 'plain',
    ports: [{ name: 'http', port: 8080 }],
    endpoints: ['10.3.0.1', { address: '10.3.0.9', ready: false }],
  }),
  slice({
    namespace: 'models',
    name: 'plain-2',
    service: 'plain',
    ports: [{ name: 'http', port: 8080 }],
    endpoints: ['10.3.0.2'],
  }),
]

interface Case {
  readonly name: string
  /** `NAME TYPE`; names without a final dot are below svc.cluster.local. */
  readonly ask: string
  readonly rcode?: string
  /** Without owner's dot or class: `NAME TTL TYPE DATA`. */
  readonly answer?: readonly string[]
  readonly additional?: readonly string[]
  /** The authority section is the zone's SOA. */
  readonly denied?: boolean
}

const zone = 'cluster.local.'
const web = `web.shop.svc.${zone}`
const llama = `llama.models.svc.${zone}`

const cases: readonly Case[] = [
  { name: '2.3.1 A of a ClusterIP service', ask: `${web} A`, answer: [`${web} 30 IN A 10.96.1.1`] },
  { name: '2.3.1 AAAA of a dual-stack service', ask: `${web} AAAA`, answer: [`${web} 30 IN AAAA fd00:96::11`] },
  { name: 'NODATA for AAAA of an IPv4 service', ask: `old.shop.svc.${zone} AAAA`, denied: true },
  {
    name: '2.3.2 SRV of a named port, with the service’s addresses',
    ask: `_http._tcp.${web} SRV`,
    answer: [`_http._tcp.${web} 30 IN SRV 0 50 80 ${web}`],
    additional: [`${web} 30 IN A 10.96.1.1`, `${web} 30 IN AAAA fd00:96::11`],
  },
  {
    name: 'SRV of a service lists every port',
    ask: `${web} SRV`,
    answer: [`${web} 30 IN SRV 0 25 5004 ${web}`, `${web} 30 IN SRV 0 25 80 ${web}`],
    additional: [`${web} 30 IN A 10.96.1.1`, `${web} 30 IN AAAA fd00:96::11`],
  },
  { name: 'a port that the service does not have', ask: `_ftp._tcp.${web} SRV`, rcode: 'NXDOMAIN', denied: true },
  {
    name: '2.3.3 PTR of a ClusterIP',
    ask: '1.1.96.10.in-addr.arpa. PTR',
    answer: [`1.1.96.10.in-addr.arpa. 30 IN PTR ${web}`],
  },
  {
    name: '2.3.3 PTR of an IPv6 ClusterIP',
    ask: '1.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.0.d.f.ip6.arpa. PTR',
    answer: [`1.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.0.d.f.ip6.arpa. 30 IN PTR ${web}`],
  },
  {
    name: '2.4.1 A of a headless service: each ready endpoint of every slice and no other',
    ask: `plain.models.svc.${zone} A`,
    answer: [`plain.models.svc.${zone} 30 IN A 10.3.0.1`, `plain.models.svc.${zone} 30 IN A 10.3.0.2`],
  },
  {
    name: '2.4.1 A of a host name',
    ask: `llama-1.${llama} A`,
    answer: [`llama-1.${llama} 30 IN A 10.2.0.2`],
  },
  {
    name: '2.4.1 A of an endpoint without a host name',
    ask: `10-3-0-1.plain.models.svc.${zone} A`,
    answer: [`10-3-0-1.plain.models.svc.${zone} 30 IN A 10.3.0.1`],
  },
  {
    name: '2.4.2 SRV of a headless service: an endpoint each, with its address',
    ask: `_grpc._tcp.${llama} SRV`,
    answer: [
      `_grpc._tcp.${llama} 30 IN SRV 0 50 9000 llama-0.${llama}`,
      `_grpc._tcp.${llama} 30 IN SRV 0 50 9000 llama-1.${llama}`,
    ],
    additional: [`llama-0.${llama} 30 IN A 10.2.0.1`, `llama-1.${llama} 30 IN A 10.2.0.2`],
  },
  {
    name: '2.4.3 PTR of an endpoint',
    ask: '1.0.2.10.in-addr.arpa. PTR',
    answer: [`1.0.2.10.in-addr.arpa. 30 IN PTR llama-0.${llama}`],
  },
  {
    name: '2.5.1 CNAME of an ExternalName service, with the target’s addresses from upstream',
    ask: `partner.shop.svc.${zone} A`,
    answer: [`partner.shop.svc.${zone} 30 IN CNAME www.example.org.`, 'www.example.org. 30 IN A 192.0.2.1'],
  },
  {
    name: 'an ExternalName that points into the cluster',
    ask: `inside.shop.svc.${zone} A`,
    answer: [`inside.shop.svc.${zone} 30 IN CNAME ${web}`, `${web} 30 IN A 10.96.1.1`],
  },
  {
    name: '2.2 the schema version',
    ask: `dns-version.${zone} TXT`,
    answer: [`dns-version.${zone} 28800 IN TXT "1.1.0"`],
  },
  {
    name: 'a pod’s A record (pods insecure)',
    ask: `10-9-8-7.shop.pod.${zone} A`,
    answer: [`10-9-8-7.shop.pod.${zone} 30 IN A 10.9.8.7`],
  },
  { name: 'a name that does not exist', ask: `nope.shop.svc.${zone} A`, rcode: 'NXDOMAIN', denied: true },
  { name: 'a name of the search path', ask: `www.example.org.shop.svc.${zone} A`, rcode: 'NXDOMAIN', denied: true },
  { name: 'an empty non-terminal', ask: `shop.svc.${zone} A`, denied: true },
  {
    name: 'other names are forwarded',
    ask: 'www.example.org. AAAA',
    answer: ['www.example.org. 30 IN AAAA 2001:db8::1'],
  },
]

/** What the cache has of the upstream ages: any TTL up to 30 stands for the 30 that it began with. */
const asStored = (lines: readonly string[]): string[] =>
  lines.map((line) => line.replace(/^(www\.example\.org\.) (?:[1-9]|[12]\d) /, '$1 30 '))

for (const tcp of [false, true]) {
  for (const { name, ask, rcode = 'NOERROR', answer = [], additional = [], denied = false } of cases) {
    test(`${name} (${tcp ? 'TCP' : 'UDP'})`, { skip }, async () => {
      const [qname, type] = ask.split(' ') as [string, string]
      const reply = await server.dig(qname, type, { tcp })
      assert.equal(reply.rcode, rcode)
      assert.deepEqual(asStored(reply.answer), [...answer].sort())
      assert.deepEqual(reply.additional, [...additional].sort())
      if (denied)
        assert.match(reply.authority.join(), /^(\S*) 30 IN SOA ns\.dns\.\S+ hostmaster\.\S+ \d+ 7200 1800 86400 30$/)
      else assert.deepEqual(reply.authority, [])
      if (!qname.endsWith('example.org.')) assert.ok(reply.flags.includes('aa'))
    })
  }
}

test('SOA and NS of the zone', { skip }, async () => {
  const soa = await server.dig(zone, 'SOA')
  assert.match(
    soa.answer.join(),
    /^cluster\.local\. 30 IN SOA ns\.dns\.cluster\.local\. hostmaster\.cluster\.local\. \d+ 7200 1800 86400 30$/,
  )
  const ns = await server.dig(zone, 'NS')
  assert.equal(ns.rcode, 'NOERROR')
  assert.match(ns.answer.join(), /^cluster\.local\. 30 IN NS ns\.dns\.cluster\.local\.$/)
})

test('the server says that it is ready and healthy, and its metrics count what the table answered', {
  skip,
}, async () => {
  assert.deepEqual(await server.http('ready', '/ready'), { status: 200, body: 'OK' })
  assert.deepEqual(await server.http('health', '/health'), { status: 200, body: 'OK' })
  await server.dig(web, 'A')
  const { body } = await server.http('metrics', '/metrics')
  assert.match(body, /^coredns_dns_requests_total\{[^}]*proto="udp"[^}]*type="A"[^}]*\} [1-9]/m)
  assert.match(body, /^slicedns_responses_total\{[^}]*plugin="kubernetes"[^}]*rcode="NXDOMAIN"[^}]*\} [1-9]/m)
})
