/** Which zone answers, which names fall through, in which case names are sent back. */
import { soa, spec } from '../../support/cases.ts'

const cluster = `
  service web testns 10.3.0.1
  service hdls testns headless
  endpoint hdls testns 172.0.0.2 ready`

spec('two zones in one block', {
  zones: 'cluster.local corp.example',
  cluster,
  cases: [
    {
      name: 'each of two zones answers all services',
      ask: 'web.testns.svc.corp.example. A',
      answer: ['web.testns.svc.corp.example. 5 IN A 10.3.0.1'],
      by: 'table',
    },
    {
      name: 'each of two zones has its own SOA',
      ask: 'missing.testns.svc.corp.example. A',
      rcode: 'NXDOMAIN',
      authority: [soa(5, 'corp.example.')],
      by: 'table',
    },
    {
      name: 'SRV targets are in the zone that was asked',
      ask: 'web.testns.svc.corp.example. SRV',
      answer: ['web.testns.svc.corp.example. 5 IN SRV 0 100 80 web.testns.svc.corp.example.'],
      additional: ['web.testns.svc.corp.example. 5 IN A 10.3.0.1'],
    },
    { name: 'names in neither of two zones go on', ask: 'www.example.com. A', fallsThrough: true },
    { name: 'reverse names whose zone is not listed go on', ask: '1.0.3.10.in-addr.arpa. PTR', fallsThrough: true },
  ],
})

spec('a zone inside another', {
  zones: 'cluster.local svc.cluster.local',
  cluster,
  cases: [
    {
      name: 'the longer of two zones that hold a name answers',
      ask: 'web.testns.svc.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa(5, 'svc.cluster.local.')],
      by: 'table',
    },
    {
      name: 'the longer of two zones answers by its own grammar',
      ask: 'web.testns.svc.svc.cluster.local. A',
      answer: ['web.testns.svc.svc.cluster.local. 5 IN A 10.3.0.1'],
      by: 'table',
    },
  ],
})

spec('the root zone', {
  zones: '.',
  cluster,
  cases: [
    {
      name: 'the root zone answers services right below it',
      ask: 'web.testns.svc. A',
      answer: ['web.testns.svc. 5 IN A 10.3.0.1'],
    },
    { name: 'the root zone has an apex', ask: '. A', authority: [soa(5, '.').replaceAll('..', '.')] },
    {
      name: 'the root zone answers reverse names',
      ask: '1.0.3.10.in-addr.arpa. PTR',
      answer: ['1.0.3.10.in-addr.arpa. 5 IN PTR web.testns.svc.'],
    },
  ],
})

spec('reverse zones in CIDR notation', {
  zones: 'cluster.local 10.3.0.0/24 172.0.0.0/9',
  cluster,
  cases: [
    {
      name: 'a ClusterIP inside a network in CIDR notation has its name',
      ask: '1.0.3.10.in-addr.arpa. PTR',
      answer: ['1.0.3.10.in-addr.arpa. 5 IN PTR web.testns.svc.cluster.local.'],
      by: 'table',
    },
    {
      name: 'an address inside a network that nobody has is denied',
      ask: '2.0.3.10.in-addr.arpa. PTR',
      rcode: 'NXDOMAIN',
      authority: [soa(5, '0.3.10.in-addr.arpa.')],
    },
    {
      name: 'an address outside a network in CIDR notation goes on',
      ask: '1.1.3.10.in-addr.arpa. PTR',
      fallsThrough: true,
    },
    {
      name: 'an endpoint in one of the zones of a mask between octets',
      ask: '2.0.0.172.in-addr.arpa. PTR',
      answer: ['2.0.0.172.in-addr.arpa. 5 IN PTR 172-0-0-2.hdls.testns.svc.cluster.local.'],
    },
  ],
})

const addresses = `
  service web testns 10.3.0.1
  service hdls testns headless
  endpoint hdls testns 172.0.0.1 ready
  endpoint hdls testns 2001:db8::1 ready`

spec('reverse zones of a mask so long that each is one address', {
  zones: 'cluster.local 10.3.0.0/30 172.0.0.0/31 2001:db8::/127',
  cluster: addresses,
  cases: [
    {
      name: 'a ClusterIP has its name at the apex',
      ask: '1.0.3.10.in-addr.arpa. PTR',
      answer: ['1.0.3.10.in-addr.arpa. 5 IN PTR web.testns.svc.cluster.local.'],
    },
    {
      name: 'an endpoint has its name at the apex',
      ask: '1.0.0.172.in-addr.arpa. PTR',
      answer: ['1.0.0.172.in-addr.arpa. 5 IN PTR 172-0-0-1.hdls.testns.svc.cluster.local.'],
    },
    {
      name: 'an endpoint of IPv6 has its name at the apex',
      ask: `1.${'0.'.repeat(23)}8.b.d.0.1.0.0.2.ip6.arpa. PTR`,
      answer: [`1.${'0.'.repeat(23)}8.b.d.0.1.0.0.2.ip6.arpa. 5 IN PTR 2001-db8--1.hdls.testns.svc.cluster.local.`],
    },
    {
      name: 'an address that nobody has has no name at the apex',
      ask: '2.0.3.10.in-addr.arpa. PTR',
      rcode: 'NXDOMAIN',
      authority: [soa(5, '2.0.3.10.in-addr.arpa.')],
    },
    {
      name: 'the apex of a zone of one address exists though nobody has the address',
      ask: '2.0.3.10.in-addr.arpa. A',
      authority: [soa(5, '2.0.3.10.in-addr.arpa.')],
      by: 'table',
    },
    {
      name: 'the apex of a zone of one address has the SOA record',
      ask: '1.0.3.10.in-addr.arpa. SOA',
      answer: [soa(5, '1.0.3.10.in-addr.arpa.')],
      by: 'table',
    },
    {
      name: 'a service that is gone takes its name along, and leaves the apex',
      when: 'remove service web testns',
      ask: '1.0.3.10.in-addr.arpa. PTR',
      rcode: 'NXDOMAIN',
      authority: [soa(5, '1.0.3.10.in-addr.arpa.')],
    },
    {
      name: 'the apex of a zone of one address still exists when its service is gone',
      ask: '1.0.3.10.in-addr.arpa. A',
      authority: [soa(5, '1.0.3.10.in-addr.arpa.')],
      by: 'table',
    },
  ],
})

spec('fallthrough for reverse zones only', {
  options: 'fallthrough in-addr.arpa ip6.arpa',
  cluster,
  cases: [
    { name: 'a missing reverse name goes on', ask: '9.9.9.9.in-addr.arpa. PTR', fallsThrough: true },
    {
      name: 'a missing reverse name goes on with another type, too',
      ask: '1.0.3.10.in-addr.arpa. A',
      fallsThrough: true,
    },
    {
      name: 'a reverse name that exists is answered',
      ask: '1.0.3.10.in-addr.arpa. PTR',
      answer: ['1.0.3.10.in-addr.arpa. 5 IN PTR web.testns.svc.cluster.local.'],
      by: 'table',
    },
    {
      name: 'a missing service is denied, by the table',
      ask: 'missing.testns.svc.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
      by: 'table',
    },
    { name: 'the reverse apex exists', ask: 'in-addr.arpa. NS', authority: [soa(5, 'in-addr.arpa.')] },
  ],
})

spec('fallthrough for everything', {
  options: 'fallthrough',
  cluster,
  cases: [
    {
      name: 'a missing service goes on with fallthrough',
      ask: 'missing.testns.svc.cluster.local. A',
      fallsThrough: true,
    },
    {
      name: 'a missing type of a name that exists is NODATA with fallthrough',
      ask: 'web.testns.svc.cluster.local. AAAA',
      authority: [soa()],
    },
    {
      name: 'a name that exists goes on where CoreDNS denies it',
      ask: 'testns.svc.cluster.local. TXT',
      fallsThrough: true,
    },
    {
      name: 'SOA of a missing name is NODATA with fallthrough',
      ask: 'missing.testns.svc.cluster.local. SOA',
      authority: [soa()],
    },
    {
      name: 'a name that exists is answered by the table',
      ask: 'web.testns.svc.cluster.local. A',
      answer: ['web.testns.svc.cluster.local. 5 IN A 10.3.0.1'],
      by: 'table',
    },
  ],
})

spec('fallthrough for one namespace', {
  options: 'fallthrough testns.svc.cluster.local',
  cluster: `${cluster}
    namespace other`,
  cases: [
    {
      name: 'a missing service goes on in the namespace that falls through',
      ask: 'missing.testns.svc.cluster.local. A',
      fallsThrough: true,
    },
    {
      name: 'a missing service is denied in other namespaces',
      ask: 'missing.other.svc.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
      by: 'table',
    },
    {
      name: 'a missing service goes on when the namespace that falls through is gone itself',
      when: 'remove service web testns\nremove service hdls testns\nremove namespace testns',
      ask: 'web.testns.svc.cluster.local. A',
      fallsThrough: true,
    },
  ],
})

spec('the case of names', {
  cluster,
  cases: [
    {
      name: 'the SOA is in the case that the query has the zone in (as CoreDNS)',
      ask: 'missing.testns.svc.CLUSTER.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa(5, 'CLUSTER.local.')],
      by: 'table',
    },
    {
      name: 'the SOA at the apex is in the case that the query has the zone in',
      ask: 'Cluster.Local. SOA',
      answer: [soa(5, 'Cluster.Local.')],
      by: 'table',
    },
    {
      name: 'PTR records point into the zone as the Corefile has it',
      ask: '1.0.3.10.IN-ADDR.arpa. PTR',
      answer: ['1.0.3.10.IN-ADDR.arpa. 5 IN PTR web.testns.svc.cluster.local.'],
      by: 'table',
    },
    {
      name: 'port names are found in any case',
      ask: '_HTTP._Tcp.hdls.testns.svc.cluster.local. A',
      answer: ['_HTTP._Tcp.hdls.testns.svc.cluster.local. 5 IN A 172.0.0.2'],
      by: 'table',
    },
  ],
})
