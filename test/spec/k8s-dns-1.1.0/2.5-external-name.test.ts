/** kubernetes/dns docs/specification.md §2.5; what CNAMEs lead to is CoreDNS's (docs/coredns-behaviour.md §4.5). */
import { soa, spec } from '../../support/cases.ts'

spec('k8s-dns 1.1.0 §2.5.1: ExternalName service, CNAME record', {
  cluster: `
    service foo testns external www.example.com
    service cased testns external WWW.Example.Com
    service ip testns external 192.0.2.1`,
  cases: [
    {
      name: 'an ExternalName service answers the name as CNAME',
      ask: 'foo.testns.svc.cluster.local. CNAME',
      answer: ['foo.testns.svc.cluster.local. 5 IN CNAME www.example.com.'],
      by: 'table',
    },
    {
      name: 'an ExternalName service keeps the case of the target',
      ask: 'cased.testns.svc.cluster.local. CNAME',
      answer: ['cased.testns.svc.cluster.local. 5 IN CNAME WWW.Example.Com.'],
    },
    {
      name: 'an ExternalName service has no SRV: NODATA',
      ask: 'foo.testns.svc.cluster.local. SRV',
      authority: [soa()],
      by: 'table',
    },
    {
      name: 'an ExternalName service has no TXT: NODATA',
      ask: 'foo.testns.svc.cluster.local. TXT',
      authority: [soa()],
      by: 'table',
    },
    {
      name: 'an ExternalName service has no ports',
      ask: '_http._tcp.foo.testns.svc.cluster.local. SRV',
      rcode: 'NXDOMAIN',
      authority: [soa()],
    },
    {
      name: 'an ExternalName service has no endpoints',
      ask: 'a.foo.testns.svc.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
    },
    {
      name: 'an ExternalName service is what any port of any protocol is (as CoreDNS)',
      ask: '_._.foo.testns.svc.cluster.local. CNAME',
      answer: ['_._.foo.testns.svc.cluster.local. 5 IN CNAME www.example.com.'],
    },
    {
      name: 'an ExternalName service does not exist when its name is an address',
      ask: 'ip.testns.svc.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
    },
  ],
})

spec('docs/coredns-behaviour.md §4.5: addresses of an ExternalName service', {
  cluster: `
    service out testns external www.example.com
    service in testns external web.testns.svc.cluster.local
    service web testns 10.3.0.1
    service self testns external self.testns.svc.cluster.local
    service under testns external a.under.testns.svc.cluster.local
    service nothing testns external missing.testns.svc.cluster.local
    service a testns external b.testns.svc.cluster.local
    service b testns external a.testns.svc.cluster.local
    service far testns external in.testns.svc.cluster.local
    service through testns external out.testns.svc.cluster.local`,
  cases: [
    {
      name: 'a target elsewhere is looked up, and its records follow the CNAME',
      ask: 'out.testns.svc.cluster.local. A',
      elsewhere: { 'www.example.com. A': ['www.example.com. 300 IN A 192.0.2.7'] },
      answer: ['out.testns.svc.cluster.local. 5 IN CNAME www.example.com.', 'www.example.com. 300 IN A 192.0.2.7'],
      by: 'chain',
    },
    {
      name: 'a lookup that fails leaves the CNAME alone',
      ask: 'out.testns.svc.cluster.local. A',
      answer: ['out.testns.svc.cluster.local. 5 IN CNAME www.example.com.'],
    },
    {
      name: 'a target of ours is resolved here',
      ask: 'in.testns.svc.cluster.local. A',
      answer: [
        'in.testns.svc.cluster.local. 5 IN CNAME web.testns.svc.cluster.local.',
        'web.testns.svc.cluster.local. 5 IN A 10.3.0.1',
      ],
    },
    {
      name: 'a chain of our names is followed',
      ask: 'far.testns.svc.cluster.local. A',
      answer: [
        'far.testns.svc.cluster.local. 5 IN CNAME in.testns.svc.cluster.local.',
        'in.testns.svc.cluster.local. 5 IN CNAME web.testns.svc.cluster.local.',
        'web.testns.svc.cluster.local. 5 IN A 10.3.0.1',
      ],
    },
    {
      name: 'a chain that leaves the zone is followed',
      ask: 'through.testns.svc.cluster.local. A',
      elsewhere: { 'www.example.com. A': ['www.example.com. 300 IN A 192.0.2.7'] },
      answer: [
        'through.testns.svc.cluster.local. 5 IN CNAME out.testns.svc.cluster.local.',
        'out.testns.svc.cluster.local. 5 IN CNAME www.example.com.',
        'www.example.com. 300 IN A 192.0.2.7',
      ],
    },
    {
      name: 'a target of ours without an address of the family: NODATA, and no CNAME',
      ask: 'in.testns.svc.cluster.local. AAAA',
      authority: [soa()],
    },
    {
      name: 'a target of ours that is missing: NODATA, and no CNAME',
      ask: 'nothing.testns.svc.cluster.local. A',
      authority: [soa()],
    },
    {
      name: 'a target that is the name itself: NODATA, and no CNAME',
      ask: 'self.testns.svc.cluster.local. A',
      authority: [soa()],
    },
    {
      name: 'a target below the name: NODATA, and no CNAME',
      ask: 'under.testns.svc.cluster.local. A',
      authority: [soa()],
    },
    {
      name: 'two names that point at each other: NODATA, and no CNAME',
      ask: 'a.testns.svc.cluster.local. A',
      authority: [soa()],
    },
    {
      name: 'a service that becomes ExternalName is no longer answered from the table',
      when: 'service web testns external www.example.com',
      ask: 'web.testns.svc.cluster.local. A',
      elsewhere: { 'www.example.com. A': ['www.example.com. 300 IN A 192.0.2.7'] },
      answer: ['web.testns.svc.cluster.local. 5 IN CNAME www.example.com.', 'www.example.com. 300 IN A 192.0.2.7'],
      by: 'chain',
    },
    {
      name: 'a service that becomes a ClusterIP service again is answered from the table',
      when: 'service web testns 10.3.0.2',
      ask: 'web.testns.svc.cluster.local. A',
      answer: ['web.testns.svc.cluster.local. 5 IN A 10.3.0.2'],
      by: 'table',
    },
  ],
})

const link = (i: number): string => `c${i}.testns.svc.cluster.local.`
const links = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `${link(from + i)} 5 IN CNAME ${link(from + i + 1)}`)

spec('docs/coredns-behaviour.md §4.5: long chains', {
  cluster: `
    service c12 testns 10.3.0.1
    ${Array.from({ length: 12 }, (_, i) => `service c${i} testns external ${link(i + 1)}`).join('\n')}`,
  cases: [
    {
      name: 'eleven CNAMEs are followed',
      ask: `${link(1)} A`,
      answer: [...links(1, 12), `${link(12)} 5 IN A 10.3.0.1`],
    },
    { name: 'twelve CNAMEs are not followed: NODATA', ask: `${link(0)} A`, authority: [soa()] },
  ],
})
