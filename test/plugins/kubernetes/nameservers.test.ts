/** docs/coredns-behaviour.md §4.6: SOA and NS of the zone, and its name servers' addresses. */
import { soa, spec } from '../../support/cases.ts'

spec('our address is an endpoint of a ClusterIP service', {
  localAddresses: ['10.244.0.2', 'fd00:10:244::2'],
  cluster: `
    service kube-dns kube-system 10.96.0.10,fd00:10:96::a ports dns:UDP:53
    endpoint kube-dns kube-system 10.244.0.2 ready
    endpoint kube-dns kube-system 10.244.0.3 ready
    endpoint kube-dns kube-system fd00:10:244::2 ready`,
  cases: [
    {
      name: 'NS is the service, with its addresses',
      ask: 'cluster.local. NS',
      answer: ['cluster.local. 5 IN NS kube-dns.kube-system.svc.cluster.local.'],
      additional: [
        'kube-dns.kube-system.svc.cluster.local. 5 IN A 10.96.0.10',
        'kube-dns.kube-system.svc.cluster.local. 5 IN AAAA fd00:10:96::a',
      ],
    },
    {
      name: 'the name ns.dns has the addresses of the service',
      ask: 'ns.dns.cluster.local. A',
      answer: ['ns.dns.cluster.local. 5 IN A 10.96.0.10'],
    },
    {
      name: 'the name ns.dns has addresses of both families',
      ask: 'ns.dns.cluster.local. AAAA',
      answer: ['ns.dns.cluster.local. 5 IN AAAA fd00:10:96::a'],
    },
    {
      name: 'reverse zones name it too, below themselves (as CoreDNS)',
      ask: 'in-addr.arpa. NS',
      answer: ['in-addr.arpa. 5 IN NS kube-dns.kube-system.svc.in-addr.arpa.'],
      additional: [
        'kube-dns.kube-system.svc.in-addr.arpa. 5 IN A 10.96.0.10',
        'kube-dns.kube-system.svc.in-addr.arpa. 5 IN AAAA fd00:10:96::a',
      ],
    },
    { name: 'NS of names below the apex is NODATA', ask: 'svc.cluster.local. NS', authority: [soa()], by: 'table' },
  ],
})

spec('our address is an endpoint of a headless service', {
  localAddresses: ['10.244.0.2'],
  cluster: `
    service dns kube-system headless ports dns:UDP:53
    endpoint dns kube-system 10.244.0.2 ready
    endpoint dns kube-system 10.244.0.3 ready hostname second
    endpoint dns kube-system 10.244.0.4 notReady`,
  cases: [
    {
      name: 'each ready endpoint of the slice is a name server',
      ask: 'cluster.local. NS',
      answer: [
        'cluster.local. 5 IN NS 10-244-0-2.dns.kube-system.svc.cluster.local.',
        'cluster.local. 5 IN NS second.dns.kube-system.svc.cluster.local.',
      ],
      additional: [
        '10-244-0-2.dns.kube-system.svc.cluster.local. 5 IN A 10.244.0.2',
        'second.dns.kube-system.svc.cluster.local. 5 IN A 10.244.0.3',
      ],
    },
  ],
})

spec('no endpoint has our address', {
  localAddresses: ['192.0.2.1', '2001:db8::1'],
  cluster: 'service web testns 10.3.0.1',
  cases: [
    {
      name: 'NS is ns.dns with our addresses',
      ask: 'cluster.local. NS',
      answer: ['cluster.local. 5 IN NS ns.dns.cluster.local.'],
      additional: ['ns.dns.cluster.local. 5 IN A 192.0.2.1', 'ns.dns.cluster.local. 5 IN AAAA 2001:db8::1'],
    },
    {
      name: 'the name ns.dns has our addresses where no endpoint has one',
      ask: 'ns.dns.cluster.local. A',
      answer: ['ns.dns.cluster.local. 5 IN A 192.0.2.1'],
    },
  ],
})

spec('we know no address of ours (bind)', {
  cluster: 'service web testns 10.3.0.1',
  cases: [
    { name: 'NS is NODATA where we know no address of ours', ask: 'cluster.local. NS', authority: [soa()] },
    {
      name: 'the name ns.dns is NODATA where we know no address of ours',
      ask: 'ns.dns.cluster.local. A',
      authority: [soa()],
    },
    {
      name: 'SOA is answered where we know no address of ours',
      ask: 'cluster.local. SOA',
      answer: [soa()],
      by: 'table',
    },
  ],
})
