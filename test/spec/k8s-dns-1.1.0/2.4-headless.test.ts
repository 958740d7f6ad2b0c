/** kubernetes/dns docs/specification.md §2.4: services without a ClusterIP. */
import { soa, spec } from '../../support/cases.ts'

spec('k8s-dns 1.1.0 §2.4.1: headless service, A and AAAA records', {
  cluster: `
    service hdls testns headless
    endpoint hdls testns 172.0.0.2 ready
    endpoint hdls testns 172.0.0.3 notReady`,
  cases: [
    {
      name: 'a headless service lists each ready endpoint and no other',
      ask: 'hdls.testns.svc.cluster.local. A',
      answer: ['hdls.testns.svc.cluster.local. 5 IN A 172.0.0.2'],
      by: 'table',
    },
    {
      name: 'a headless service has no AAAA when no endpoint is IPv6: NODATA with SOA',
      ask: 'hdls.testns.svc.cluster.local. AAAA',
      authority: [soa()],
      by: 'table',
    },
    {
      name: 'a headless service has an endpoint whose readiness is unknown: the API says to take it as ready',
      when: 'endpoint hdls testns 172.0.0.4 unknown',
      ask: 'hdls.testns.svc.cluster.local. A',
      answer: ['hdls.testns.svc.cluster.local. 5 IN A 172.0.0.2', 'hdls.testns.svc.cluster.local. 5 IN A 172.0.0.4'],
    },
    {
      name: 'a headless service does not exist while no endpoint is ready (as CoreDNS; the specification leaves it open)',
      when: `endpoint hdls testns 172.0.0.2 notReady
             remove endpoint hdls testns 172.0.0.4`,
      ask: 'hdls.testns.svc.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
      by: 'table',
    },
    {
      name: 'a headless service exists again as soon as an endpoint is ready',
      when: 'endpoint hdls testns 172.0.0.3 ready',
      ask: 'hdls.testns.svc.cluster.local. A',
      answer: ['hdls.testns.svc.cluster.local. 5 IN A 172.0.0.3'],
      by: 'table',
    },
  ],
})

spec('k8s-dns 1.1.0 §2.4.1: headless service over several slices and families', {
  cluster: `
    service hdls testns headless
    endpoint hdls testns 172.0.0.2 ready slice first
    endpoint hdls testns 172.0.0.3 ready slice second
    endpoint hdls testns 172.0.0.2 ready slice second
    endpoint hdls testns fd00::2 ready`,
  cases: [
    {
      name: 'a headless service lists an address that is in two slices once',
      ask: 'hdls.testns.svc.cluster.local. A',
      answer: ['hdls.testns.svc.cluster.local. 5 IN A 172.0.0.2', 'hdls.testns.svc.cluster.local. 5 IN A 172.0.0.3'],
      by: 'table',
    },
    {
      name: 'a headless service lists IPv6 endpoints under AAAA',
      ask: 'hdls.testns.svc.cluster.local. AAAA',
      answer: ['hdls.testns.svc.cluster.local. 5 IN AAAA fd00::2'],
      by: 'table',
    },
    {
      name: 'a headless service keeps an endpoint that leaves one slice while another has it',
      when: 'remove endpoint hdls testns 172.0.0.2 slice first',
      ask: 'hdls.testns.svc.cluster.local. A',
      answer: ['hdls.testns.svc.cluster.local. 5 IN A 172.0.0.2', 'hdls.testns.svc.cluster.local. 5 IN A 172.0.0.3'],
    },
    {
      name: 'a headless service drops an endpoint when it has left the last slice',
      when: 'remove endpoint hdls testns 172.0.0.2 slice second',
      ask: 'hdls.testns.svc.cluster.local. A',
      answer: ['hdls.testns.svc.cluster.local. 5 IN A 172.0.0.3'],
    },
    {
      name: 'a headless service drops the endpoints of a slice that is removed, and keeps the other family',
      when: 'remove slice second testns',
      ask: 'hdls.testns.svc.cluster.local. A',
      authority: [soa()],
      by: 'table',
    },
  ],
})

spec('k8s-dns 1.1.0 §2.4.2: headless service, SRV records', {
  cluster: `
    service hdls testns headless ports http:TCP:80
    endpoint hdls testns 172.0.0.2 ready hostname my-pet
    endpoint hdls testns 172.0.0.3 ready
    endpoint hdls testns 172.0.0.4 notReady`,
  cases: [
    {
      name: 'SRV of a headless service has a record per ready endpoint: host name, else the address with dashes',
      ask: '_http._tcp.hdls.testns.svc.cluster.local. SRV',
      answer: [
        '_http._tcp.hdls.testns.svc.cluster.local. 5 IN SRV 0 50 80 my-pet.hdls.testns.svc.cluster.local.',
        '_http._tcp.hdls.testns.svc.cluster.local. 5 IN SRV 0 50 80 172-0-0-3.hdls.testns.svc.cluster.local.',
      ],
      additional: [
        'my-pet.hdls.testns.svc.cluster.local. 5 IN A 172.0.0.2',
        '172-0-0-3.hdls.testns.svc.cluster.local. 5 IN A 172.0.0.3',
      ],
      by: 'table',
    },
    {
      name: 'SRV of a headless service is the same at the bare name (as CoreDNS)',
      ask: 'hdls.testns.svc.cluster.local. SRV',
      answer: [
        'hdls.testns.svc.cluster.local. 5 IN SRV 0 50 80 my-pet.hdls.testns.svc.cluster.local.',
        'hdls.testns.svc.cluster.local. 5 IN SRV 0 50 80 172-0-0-3.hdls.testns.svc.cluster.local.',
      ],
      additional: [
        'my-pet.hdls.testns.svc.cluster.local. 5 IN A 172.0.0.2',
        '172-0-0-3.hdls.testns.svc.cluster.local. 5 IN A 172.0.0.3',
      ],
      by: 'table',
    },
    {
      name: 'an SRV target of a headless service is a name of its own',
      ask: 'my-pet.hdls.testns.svc.cluster.local. A',
      answer: ['my-pet.hdls.testns.svc.cluster.local. 5 IN A 172.0.0.2'],
      by: 'table',
    },
    {
      name: 'a headless service has no second name for an endpoint with a host name',
      ask: '172-0-0-2.hdls.testns.svc.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
    },
    {
      name: 'a headless service has no name for an endpoint that is not ready',
      ask: '172-0-0-4.hdls.testns.svc.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
    },
    {
      name: "SRV at an endpoint's name has its ports (as CoreDNS)",
      ask: 'my-pet.hdls.testns.svc.cluster.local. SRV',
      answer: ['my-pet.hdls.testns.svc.cluster.local. 5 IN SRV 0 100 80 my-pet.hdls.testns.svc.cluster.local.'],
      additional: ['my-pet.hdls.testns.svc.cluster.local. 5 IN A 172.0.0.2'],
      by: 'table',
    },
    {
      name: 'SRV of a headless service has both families of one host name under one target, each counting in the weights',
      when: 'endpoint hdls testns fd00::2 ready hostname my-pet',
      ask: '_http._tcp.hdls.testns.svc.cluster.local. SRV',
      answer: [
        '_http._tcp.hdls.testns.svc.cluster.local. 5 IN SRV 0 33 80 my-pet.hdls.testns.svc.cluster.local.',
        '_http._tcp.hdls.testns.svc.cluster.local. 5 IN SRV 0 33 80 172-0-0-3.hdls.testns.svc.cluster.local.',
      ],
      additional: [
        'my-pet.hdls.testns.svc.cluster.local. 5 IN A 172.0.0.2',
        'my-pet.hdls.testns.svc.cluster.local. 5 IN AAAA fd00::2',
        '172-0-0-3.hdls.testns.svc.cluster.local. 5 IN A 172.0.0.3',
      ],
      by: 'table',
    },
    {
      name: 'a headless service has a name that was asked for before under its new address',
      when: `remove endpoint hdls testns 172.0.0.2
             endpoint hdls testns 172.0.0.9 ready hostname my-pet`,
      ask: 'my-pet.hdls.testns.svc.cluster.local. A',
      answer: ['my-pet.hdls.testns.svc.cluster.local. 5 IN A 172.0.0.9'],
      by: 'table',
    },
    {
      name: 'a headless service has no name any more for an endpoint that is gone, also where it was asked for before',
      when: 'remove endpoint hdls testns 172.0.0.9\nremove endpoint hdls testns fd00::2',
      ask: 'my-pet.hdls.testns.svc.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
    },
  ],
})

spec('k8s-dns 1.1.0 §2.4.3: headless service, PTR records', {
  cluster: `
    service hdls testns headless
    service also testns headless
    endpoint hdls testns 172.0.0.2 ready hostname my-pet
    endpoint hdls testns 172.0.0.3 notReady
    endpoint also testns 172.0.0.2 ready
    endpoint hdls testns fd00::5 ready`,
  cases: [
    {
      name: 'the PTR of an endpoint names it under each service that has it (as CoreDNS; the specification wants the host name)',
      ask: '2.0.0.172.in-addr.arpa. PTR',
      answer: [
        '2.0.0.172.in-addr.arpa. 5 IN PTR my-pet.hdls.testns.svc.cluster.local.',
        '2.0.0.172.in-addr.arpa. 5 IN PTR 172-0-0-2.also.testns.svc.cluster.local.',
      ],
      by: 'table',
    },
    {
      name: 'the PTR of an endpoint that is not ready does not exist',
      ask: '3.0.0.172.in-addr.arpa. PTR',
      rcode: 'NXDOMAIN',
      authority: [soa(5, 'in-addr.arpa.')],
    },
    {
      name: 'the PTR of an IPv6 endpoint has its address in dashes',
      ask: '5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa. PTR',
      answer: [
        '5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa. 5 IN PTR fd00--5.hdls.testns.svc.cluster.local.',
      ],
      by: 'table',
    },
    {
      name: 'the PTR of an endpoint follows a host name that changes',
      when: 'endpoint hdls testns 172.0.0.2 ready hostname his-pet',
      ask: '2.0.0.172.in-addr.arpa. PTR',
      answer: [
        '2.0.0.172.in-addr.arpa. 5 IN PTR his-pet.hdls.testns.svc.cluster.local.',
        '2.0.0.172.in-addr.arpa. 5 IN PTR 172-0-0-2.also.testns.svc.cluster.local.',
      ],
      by: 'table',
    },
    {
      name: 'the PTR of an endpoint is gone with the last endpoint that has the address',
      when: 'remove endpoint hdls testns 172.0.0.2\nremove endpoint also testns 172.0.0.2',
      ask: '2.0.0.172.in-addr.arpa. PTR',
      rcode: 'NXDOMAIN',
      authority: [soa(5, 'in-addr.arpa.')],
    },
  ],
})
