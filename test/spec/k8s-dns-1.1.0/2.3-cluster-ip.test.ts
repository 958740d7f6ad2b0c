/** kubernetes/dns docs/specification.md §2.3: services with a ClusterIP. */
import { soa, spec } from '../../support/cases.ts'

spec('k8s-dns 1.1.0 §2.3.1: ClusterIP service, A and AAAA records', {
  cluster: `
    service web shop 10.3.0.100
    service six shop fd00::1234:5678
    service both shop 10.3.0.1,fd00::1
    service turned shop fd00::2,10.3.0.2
    endpoint web shop 172.0.0.2 notReady`,
  cases: [
    {
      name: 'a ClusterIP service answers its ClusterIP, whatever its endpoints do',
      ask: 'web.shop.svc.cluster.local. A',
      answer: ['web.shop.svc.cluster.local. 5 IN A 10.3.0.100'],
      by: 'table',
    },
    {
      name: 'a ClusterIP service has no address of the other family: NODATA with SOA',
      ask: 'web.shop.svc.cluster.local. AAAA',
      authority: [soa()],
      by: 'table',
    },
    {
      name: 'an AAAA question answers an IPv6 ClusterIP',
      ask: 'six.shop.svc.cluster.local. AAAA',
      answer: ['six.shop.svc.cluster.local. 5 IN AAAA fd00::1234:5678'],
    },
    {
      name: 'an A question answers the IPv4 address of a dual-stack service',
      ask: 'both.shop.svc.cluster.local. A',
      answer: ['both.shop.svc.cluster.local. 5 IN A 10.3.0.1'],
    },
    {
      name: 'an AAAA question answers the IPv6 address of a dual-stack service',
      ask: 'both.shop.svc.cluster.local. AAAA',
      answer: ['both.shop.svc.cluster.local. 5 IN AAAA fd00::1'],
    },
    {
      name: 'an A question answers the IPv4 address where IPv6 comes first',
      ask: 'turned.shop.svc.cluster.local. A',
      answer: ['turned.shop.svc.cluster.local. 5 IN A 10.3.0.2'],
    },
    {
      name: 'a ClusterIP service is found in any case, and echoes the case asked in',
      ask: 'Web.Shop.SVC.Cluster.Local. A',
      answer: ['Web.Shop.SVC.Cluster.Local. 5 IN A 10.3.0.100'],
      by: 'table',
    },
    {
      name: 'a ClusterIP service does not exist under another namespace',
      ask: 'web.other.svc.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
      by: 'table',
    },
    {
      name: 'a ClusterIP service follows a ClusterIP that changes',
      when: 'service web shop 10.3.0.101',
      ask: 'web.shop.svc.cluster.local. A',
      answer: ['web.shop.svc.cluster.local. 5 IN A 10.3.0.101'],
      by: 'table',
    },
    {
      name: 'a ClusterIP service is gone with the service',
      when: 'remove service web shop',
      ask: 'web.shop.svc.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
      by: 'table',
    },
  ],
})

spec('k8s-dns 1.1.0 §2.3.2: ClusterIP service, SRV records', {
  cluster: `
    service web shop 10.3.0.100 ports https:TCP:443,http:TCP:80
    service both shop 10.3.0.1,fd00::1 ports a:TCP:1,b:UDP:2
    service bare shop 10.3.0.7 ports TCP:8080
    service none shop 10.3.0.8 ports none`,
  cases: [
    {
      name: 'SRV of a ClusterIP service names the port, with the service as target and its address beside it',
      ask: '_https._tcp.web.shop.svc.cluster.local. SRV',
      answer: ['_https._tcp.web.shop.svc.cluster.local. 5 IN SRV 0 100 443 web.shop.svc.cluster.local.'],
      additional: ['web.shop.svc.cluster.local. 5 IN A 10.3.0.100'],
      by: 'table',
    },
    {
      name: 'SRV at the bare name answers every port (as CoreDNS; the specification has none there)',
      ask: 'web.shop.svc.cluster.local. SRV',
      answer: [
        'web.shop.svc.cluster.local. 5 IN SRV 0 50 443 web.shop.svc.cluster.local.',
        'web.shop.svc.cluster.local. 5 IN SRV 0 50 80 web.shop.svc.cluster.local.',
      ],
      additional: ['web.shop.svc.cluster.local. 5 IN A 10.3.0.100'],
      by: 'table',
    },
    {
      name: 'SRV counts both families into the weights of a dual-stack service, as CoreDNS does',
      ask: 'both.shop.svc.cluster.local. SRV',
      answer: [
        'both.shop.svc.cluster.local. 5 IN SRV 0 25 1 both.shop.svc.cluster.local.',
        'both.shop.svc.cluster.local. 5 IN SRV 0 25 2 both.shop.svc.cluster.local.',
      ],
      additional: ['both.shop.svc.cluster.local. 5 IN A 10.3.0.1', 'both.shop.svc.cluster.local. 5 IN AAAA fd00::1'],
    },
    {
      name: 'SRV distinguishes ports of different protocols',
      ask: '_b._udp.both.shop.svc.cluster.local. SRV',
      answer: ['_b._udp.both.shop.svc.cluster.local. 5 IN SRV 0 50 2 both.shop.svc.cluster.local.'],
      additional: ['both.shop.svc.cluster.local. 5 IN A 10.3.0.1', 'both.shop.svc.cluster.local. 5 IN AAAA fd00::1'],
    },
    {
      name: 'a ClusterIP service has no name for a port under the wrong protocol',
      ask: '_b._tcp.both.shop.svc.cluster.local. SRV',
      rcode: 'NXDOMAIN',
      authority: [soa()],
    },
    {
      name: 'a ClusterIP service has no name for a port that is not there',
      ask: '_ftp._tcp.web.shop.svc.cluster.local. SRV',
      rcode: 'NXDOMAIN',
      authority: [soa()],
    },
    {
      name: 'SRV at the bare name answers an unnamed port',
      ask: 'bare.shop.svc.cluster.local. SRV',
      answer: ['bare.shop.svc.cluster.local. 5 IN SRV 0 100 8080 bare.shop.svc.cluster.local.'],
      additional: ['bare.shop.svc.cluster.local. 5 IN A 10.3.0.7'],
    },
    {
      name: 'a ClusterIP service has no SRV without ports: NODATA',
      ask: 'none.shop.svc.cluster.local. SRV',
      authority: [soa()],
      by: 'table',
    },
    {
      name: 'a ClusterIP service has its address without ports',
      ask: 'none.shop.svc.cluster.local. A',
      answer: ['none.shop.svc.cluster.local. 5 IN A 10.3.0.8'],
    },
    {
      name: 'the name of a port has the addresses of the service too (as CoreDNS)',
      ask: '_https._tcp.web.shop.svc.cluster.local. A',
      answer: ['_https._tcp.web.shop.svc.cluster.local. 5 IN A 10.3.0.100'],
      by: 'table',
    },
    {
      name: 'labels without underscores are ports as well (as CoreDNS)',
      ask: 'https.tcp.web.shop.svc.cluster.local. SRV',
      answer: ['https.tcp.web.shop.svc.cluster.local. 5 IN SRV 0 100 443 web.shop.svc.cluster.local.'],
      additional: ['web.shop.svc.cluster.local. 5 IN A 10.3.0.100'],
    },
    {
      name: 'a lone underscore means any protocol (as CoreDNS)',
      ask: '_https._.web.shop.svc.cluster.local. SRV',
      answer: ['_https._.web.shop.svc.cluster.local. 5 IN SRV 0 100 443 web.shop.svc.cluster.local.'],
      additional: ['web.shop.svc.cluster.local. 5 IN A 10.3.0.100'],
    },
    {
      name: 'a lone underscore means any port (as CoreDNS)',
      ask: '_._tcp.web.shop.svc.cluster.local. SRV',
      answer: [
        '_._tcp.web.shop.svc.cluster.local. 5 IN SRV 0 50 443 web.shop.svc.cluster.local.',
        '_._tcp.web.shop.svc.cluster.local. 5 IN SRV 0 50 80 web.shop.svc.cluster.local.',
      ],
      additional: ['web.shop.svc.cluster.local. 5 IN A 10.3.0.100'],
    },
    {
      name: 'SRV targets have the zone as the query writes it, and the rest in lower case (as CoreDNS)',
      ask: '_HTTPS._TCP.WEB.SHOP.SVC.CLUSTER.LOCAL. SRV',
      answer: ['_HTTPS._TCP.WEB.SHOP.SVC.CLUSTER.LOCAL. 5 IN SRV 0 100 443 web.shop.svc.CLUSTER.LOCAL.'],
      additional: ['web.shop.svc.CLUSTER.LOCAL. 5 IN A 10.3.0.100'],
      by: 'table',
    },
    {
      name: 'a name three labels left of a ClusterIP service does not exist',
      ask: 'a._https._tcp.web.shop.svc.cluster.local. SRV',
      rcode: 'NXDOMAIN',
      authority: [soa()],
      by: 'table',
    },
    {
      name: 'a ClusterIP service drops the name of a port that the service loses',
      when: 'service web shop 10.3.0.100 ports http:TCP:80',
      ask: '_https._tcp.web.shop.svc.cluster.local. SRV',
      rcode: 'NXDOMAIN',
      authority: [soa()],
    },
    {
      name: 'a ClusterIP service has the name of a port that the service gains',
      when: 'service web shop 10.3.0.100 ports http:TCP:80,grpc:TCP:9000',
      ask: '_grpc._tcp.web.shop.svc.cluster.local. SRV',
      answer: ['_grpc._tcp.web.shop.svc.cluster.local. 5 IN SRV 0 100 9000 web.shop.svc.cluster.local.'],
      additional: ['web.shop.svc.cluster.local. 5 IN A 10.3.0.100'],
      by: 'table',
    },
  ],
})

spec('k8s-dns 1.1.0 §2.3.3: ClusterIP service, PTR records', {
  cluster: `
    service web shop 10.3.0.100,fd00::1
    endpoint other shop 10.3.0.100 ready`,
  cases: [
    {
      name: 'the PTR of a ClusterIP names the service, once, whatever endpoints have the same address',
      ask: '100.0.3.10.in-addr.arpa. PTR',
      answer: ['100.0.3.10.in-addr.arpa. 5 IN PTR web.shop.svc.cluster.local.'],
      by: 'table',
    },
    {
      name: 'the PTR of an IPv6 ClusterIP names the service',
      ask: '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa. PTR',
      answer: [
        '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa. 5 IN PTR web.shop.svc.cluster.local.',
      ],
      by: 'table',
    },
    {
      name: 'the PTR of a ClusterIP follows the address to another service',
      when: `remove service web shop
             service api shop 10.3.0.100`,
      ask: '100.0.3.10.in-addr.arpa. PTR',
      answer: ['100.0.3.10.in-addr.arpa. 5 IN PTR api.shop.svc.cluster.local.'],
      by: 'table',
    },
    {
      name: 'the PTR of an address names the endpoint once no service has the address',
      when: 'remove service api shop',
      ask: '100.0.3.10.in-addr.arpa. PTR',
      answer: ['100.0.3.10.in-addr.arpa. 5 IN PTR 10-3-0-100.other.shop.svc.cluster.local.'],
    },
  ],
})
