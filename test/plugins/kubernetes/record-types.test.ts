/** docs/coredns-behaviour.md §4.3: what each kind of name answers to each type. */
import { type Case, soa, spec } from '../../support/cases.ts'

const types = ['A', 'AAAA', 'SRV', 'TXT', 'CNAME', 'PTR', 'MX', 'NS', 'HTTPS', 'CAA', 'DS', 'ANY', 'SOA', 'TYPE999']

/** One case per type: `answers` gives those that are not NODATA. */
function row(name: string, answers: Readonly<Record<string, Partial<Case> | 'NXDOMAIN'>>, rest?: 'NXDOMAIN'): Case[] {
  return types.map((type): Case => {
    // Below the apex SOA is NODATA, whether or not the name exists.
    const wanted = answers[type] ?? (type === 'SOA' ? undefined : rest)
    const base = { name: `a question for ${name} ${type}`, ask: `${name} ${type}` }
    if (wanted === undefined) return { ...base, authority: [soa()] }
    if (wanted === 'NXDOMAIN') return { ...base, rcode: 'NXDOMAIN', authority: [soa()] }
    return { ...base, ...wanted }
  })
}

const web = '10.3.0.1'

spec('docs/coredns-behaviour.md §4.3: every kind of name, every type', {
  options: 'pods insecure',
  cluster: `
    namespace empty
    service web testns ${web}
    service hdls testns headless
    endpoint hdls testns 172.0.0.2 ready hostname my-pet
    endpoint web testns 172.0.0.7 ready
    service void testns headless
    service ext testns external www.example.com`,
  cases: [
    ...row('cluster.local.', {
      TXT: 'NXDOMAIN',
      SOA: { answer: [soa()] },
    }),
    ...row('svc.cluster.local.', { TXT: 'NXDOMAIN' }),
    ...row('pod.cluster.local.', { TXT: 'NXDOMAIN' }),
    ...row('testns.svc.cluster.local.', { TXT: 'NXDOMAIN' }),
    ...row('empty.svc.cluster.local.', { TXT: 'NXDOMAIN' }),
    ...row('testns.pod.cluster.local.', { TXT: 'NXDOMAIN' }),
    ...row('web.testns.svc.cluster.local.', {
      A: { answer: [`web.testns.svc.cluster.local. 5 IN A ${web}`] },
      SRV: {
        answer: ['web.testns.svc.cluster.local. 5 IN SRV 0 100 80 web.testns.svc.cluster.local.'],
        additional: [`web.testns.svc.cluster.local. 5 IN A ${web}`],
      },
    }),
    ...row('_http._tcp.web.testns.svc.cluster.local.', {
      A: { answer: [`_http._tcp.web.testns.svc.cluster.local. 5 IN A ${web}`] },
      SRV: {
        answer: ['_http._tcp.web.testns.svc.cluster.local. 5 IN SRV 0 100 80 web.testns.svc.cluster.local.'],
        additional: [`web.testns.svc.cluster.local. 5 IN A ${web}`],
      },
    }),
    ...row('172-0-0-7.web.testns.svc.cluster.local.', {
      A: { answer: ['172-0-0-7.web.testns.svc.cluster.local. 5 IN A 172.0.0.7'] },
      SRV: {
        answer: ['172-0-0-7.web.testns.svc.cluster.local. 5 IN SRV 0 100 80 172-0-0-7.web.testns.svc.cluster.local.'],
        additional: ['172-0-0-7.web.testns.svc.cluster.local. 5 IN A 172.0.0.7'],
      },
    }),
    ...row('hdls.testns.svc.cluster.local.', {
      A: { answer: ['hdls.testns.svc.cluster.local. 5 IN A 172.0.0.2'] },
      SRV: {
        answer: ['hdls.testns.svc.cluster.local. 5 IN SRV 0 100 80 my-pet.hdls.testns.svc.cluster.local.'],
        additional: ['my-pet.hdls.testns.svc.cluster.local. 5 IN A 172.0.0.2'],
      },
    }),
    ...row('void.testns.svc.cluster.local.', {}, 'NXDOMAIN'),
    ...row('ext.testns.svc.cluster.local.', {
      A: { answer: ['ext.testns.svc.cluster.local. 5 IN CNAME www.example.com.'] },
      AAAA: { answer: ['ext.testns.svc.cluster.local. 5 IN CNAME www.example.com.'] },
      CNAME: { answer: ['ext.testns.svc.cluster.local. 5 IN CNAME www.example.com.'] },
    }),
    ...row('10-0-0-1.testns.pod.cluster.local.', {
      A: { answer: ['10-0-0-1.testns.pod.cluster.local. 5 IN A 10.0.0.1'] },
      SRV: {
        answer: ['10-0-0-1.testns.pod.cluster.local. 5 IN SRV 0 100 0 10-0-0-1.testns.pod.cluster.local.'],
        additional: ['10-0-0-1.testns.pod.cluster.local. 5 IN A 10.0.0.1'],
      },
    }),
    ...row(
      'dns-version.cluster.local.',
      { TXT: { answer: ['dns-version.cluster.local. 28800 IN TXT "1.1.0"'] } },
      'NXDOMAIN',
    ),
    ...row('ns.dns.cluster.local.', { TXT: 'NXDOMAIN', PTR: 'NXDOMAIN' }),
    ...row('dns.cluster.local.', {}, 'NXDOMAIN'),
    ...row('www.cluster.local.', {}, 'NXDOMAIN'),
    ...row('missing.testns.svc.cluster.local.', {}, 'NXDOMAIN'),
    ...row('web.missing.svc.cluster.local.', {}, 'NXDOMAIN'),
    ...row('_tcp.web.testns.svc.cluster.local.', {}, 'NXDOMAIN'),
    ...row('a.b.c.web.testns.svc.cluster.local.', {}, 'NXDOMAIN'),
    ...row('www.example.com.testns.svc.cluster.local.', {}, 'NXDOMAIN'),
  ],
})

spec('docs/coredns-behaviour.md §4.3: reverse names', {
  cluster: 'service web testns 10.3.0.1',
  cases: ['A', 'SRV', 'TXT', 'CNAME', 'HTTPS'].flatMap((type): Case[] => [
    {
      name: `a ClusterIP's reverse name has no ${type}: NXDOMAIN (as CoreDNS)`,
      ask: `1.0.3.10.in-addr.arpa. ${type}`,
      rcode: 'NXDOMAIN',
      authority: [soa(5, 'in-addr.arpa.')],
      by: 'table',
    },
    {
      name: `part of a reverse name has no ${type}`,
      ask: `3.10.in-addr.arpa. ${type}`,
      rcode: 'NXDOMAIN',
      authority: [soa(5, 'in-addr.arpa.')],
    },
  ]),
})

spec('docs/coredns-behaviour.md §4.6: reverse names that are no address', {
  cluster: `
    service web testns fd00::1`,
  cases: [
    {
      name: 'the apex of a reverse zone is NODATA',
      ask: 'in-addr.arpa. PTR',
      authority: [soa(5, 'in-addr.arpa.')],
      by: 'table',
    },
    {
      name: 'part of a reverse address is NXDOMAIN',
      ask: '0.3.10.in-addr.arpa. PTR',
      rcode: 'NXDOMAIN',
      authority: [soa(5, 'in-addr.arpa.')],
    },
    {
      name: 'a reverse name with a label too many is NXDOMAIN',
      ask: '1.1.0.3.10.in-addr.arpa. PTR',
      rcode: 'NXDOMAIN',
      authority: [soa(5, 'in-addr.arpa.')],
    },
    {
      name: 'labels too many before an IPv6 address are not looked at, up to three',
      ask: 'a.b.c.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa. PTR',
      answer: [
        'a.b.c.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa. 5 IN PTR web.testns.svc.cluster.local.',
      ],
    },
    {
      name: 'SOA of a reverse name is NODATA, although the name does not exist',
      ask: '0.3.10.in-addr.arpa. SOA',
      authority: [soa(5, 'in-addr.arpa.')],
    },
  ],
})
