/** Options of the directive that change answers (docs/coredns-behaviour.md §4.1). */
import { soa, spec } from '../../support/cases.ts'

spec('namespaces: only those listed are shown', {
  options: 'namespaces shown\nnamespaces also',
  cluster: `
    service web shown 10.3.0.1
    service web hidden 10.3.0.2
    service hdls hidden headless
    endpoint hdls hidden 172.0.0.2 ready`,
  cases: [
    {
      name: 'a listed one answers',
      ask: 'web.shown.svc.cluster.local. A',
      answer: ['web.shown.svc.cluster.local. 5 IN A 10.3.0.1'],
      by: 'table',
    },
    {
      name: 'another does not exist',
      ask: 'web.hidden.svc.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
      by: 'table',
    },
    { name: 'nor has it a name', ask: 'hidden.svc.cluster.local. A', rcode: 'NXDOMAIN', authority: [soa()] },
    {
      name: 'nor do its addresses have names',
      ask: '2.0.3.10.in-addr.arpa. PTR',
      rcode: 'NXDOMAIN',
      authority: [soa(5, 'in-addr.arpa.')],
    },
    {
      name: 'nor those of its endpoints',
      ask: '2.0.0.172.in-addr.arpa. PTR',
      rcode: 'NXDOMAIN',
      authority: [soa(5, 'in-addr.arpa.')],
    },
    {
      name: 'a listed one that is not there does not exist',
      ask: 'also.svc.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
    },
    {
      name: 'it exists as soon as it is there',
      when: 'namespace also',
      ask: 'also.svc.cluster.local. A',
      authority: [soa()],
      by: 'table',
    },
  ],
})

spec('a namespace that is deleted takes its names along, and one that comes back brings them', {
  cluster: `
    service web testns 10.3.0.1
    service api testns 10.3.0.2`,
  cases: [
    {
      name: 'gone',
      when: 'remove namespace testns',
      ask: 'web.testns.svc.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
      by: 'table',
    },
    {
      name: 'PTR records stay while the service is there (as CoreDNS)',
      ask: '1.0.3.10.in-addr.arpa. PTR',
      answer: ['1.0.3.10.in-addr.arpa. 5 IN PTR web.testns.svc.cluster.local.'],
    },
    {
      name: 'back',
      when: 'namespace testns',
      ask: 'web.testns.svc.cluster.local. A',
      answer: ['web.testns.svc.cluster.local. 5 IN A 10.3.0.1'],
      by: 'table',
    },
  ],
})

spec('ignore empty_service', {
  options: 'ignore empty_service',
  cluster: `
    service web testns 10.3.0.1
    endpoint web testns 172.0.0.2 notReady
    service six testns 10.3.0.2
    endpoint six testns fd00::1 ready
    service ext testns external www.example.com`,
  cases: [
    {
      name: 'a ClusterIP service without a ready endpoint does not exist',
      ask: 'web.testns.svc.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
      by: 'table',
    },
    {
      name: 'nor its ports',
      ask: '_http._tcp.web.testns.svc.cluster.local. SRV',
      rcode: 'NXDOMAIN',
      authority: [soa()],
    },
    {
      name: 'its address still has a name (as CoreDNS)',
      ask: '1.0.3.10.in-addr.arpa. PTR',
      answer: ['1.0.3.10.in-addr.arpa. 5 IN PTR web.testns.svc.cluster.local.'],
    },
    {
      name: 'an endpoint of the other family is enough',
      ask: 'six.testns.svc.cluster.local. A',
      answer: ['six.testns.svc.cluster.local. 5 IN A 10.3.0.2'],
    },
    {
      name: 'ExternalName services are not concerned',
      ask: 'ext.testns.svc.cluster.local. CNAME',
      answer: ['ext.testns.svc.cluster.local. 5 IN CNAME www.example.com.'],
    },
    {
      name: 'it exists as soon as an endpoint is ready',
      when: 'endpoint web testns 172.0.0.2 ready',
      ask: 'web.testns.svc.cluster.local. A',
      answer: ['web.testns.svc.cluster.local. 5 IN A 10.3.0.1'],
      by: 'table',
    },
    {
      name: 'and is gone with it',
      when: 'remove slice web-ipv4 testns',
      ask: 'web.testns.svc.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
      by: 'table',
    },
  ],
})

spec('noendpoints: slices are not watched', {
  options: 'noendpoints',
  cluster: `
    service web testns 10.3.0.1
    service hdls testns headless
    endpoint hdls testns 172.0.0.2 ready`,
  cases: [
    {
      name: 'ClusterIP services answer',
      ask: 'web.testns.svc.cluster.local. A',
      answer: ['web.testns.svc.cluster.local. 5 IN A 10.3.0.1'],
      by: 'table',
    },
    {
      name: 'headless services do not exist',
      ask: 'hdls.testns.svc.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
      by: 'table',
    },
  ],
})

spec('ttl 30', {
  options: 'ttl 30',
  cluster: 'service web testns 10.3.0.1',
  cases: [
    {
      name: 'is the TTL of every record',
      ask: 'web.testns.svc.cluster.local. A',
      answer: ['web.testns.svc.cluster.local. 30 IN A 10.3.0.1'],
      by: 'table',
    },
    {
      name: 'and of the SOA, which tells it as minimum',
      ask: 'web.testns.svc.cluster.local. AAAA',
      authority: [soa(30)],
      by: 'table',
    },
  ],
})

spec('ttl 3600', {
  options: 'ttl 3600',
  cluster: 'service web testns 10.3.0.1',
  cases: [
    {
      name: 'the SOA record itself lives 300 seconds at most',
      ask: 'web.testns.svc.cluster.local. AAAA',
      authority: [soa(3600)],
      by: 'table',
    },
  ],
})

spec('ttl 0', {
  options: 'ttl 0',
  cluster: 'service web testns 10.3.0.1',
  cases: [
    {
      name: 'is sent as it is',
      ask: 'web.testns.svc.cluster.local. A',
      answer: ['web.testns.svc.cluster.local. 0 IN A 10.3.0.1'],
      by: 'table',
    },
    { name: 'also with the SOA', ask: 'web.testns.svc.cluster.local. AAAA', authority: [soa(0)], by: 'table' },
  ],
})

const longPod = `${'p'.repeat(64)}`

spec('endpoint_pod_names', {
  options: 'endpoint_pod_names',
  cluster: `
    service hdls testns headless
    endpoint hdls testns 172.0.0.2 ready pod web-7c9d-x2
    endpoint hdls testns 172.0.0.3 ready hostname my-pet pod web-7c9d-x3
    endpoint hdls testns 172.0.0.4 ready pod ${longPod}
    endpoint hdls testns 172.0.0.5 ready`,
  cases: [
    {
      name: 'names endpoints: host name, pod name of up to 63 characters, address',
      ask: 'hdls.testns.svc.cluster.local. SRV',
      answer: ['web-7c9d-x2', 'my-pet', '172-0-0-4', '172-0-0-5'].map(
        (label) => `hdls.testns.svc.cluster.local. 5 IN SRV 0 25 80 ${label}.hdls.testns.svc.cluster.local.`,
      ),
      additional: ['web-7c9d-x2 172.0.0.2', 'my-pet 172.0.0.3', '172-0-0-4 172.0.0.4', '172-0-0-5 172.0.0.5'].map(
        (pair) => {
          const [label, address] = pair.split(' ')
          return `${label}.hdls.testns.svc.cluster.local. 5 IN A ${address}`
        },
      ),
    },
    {
      name: 'finds them in whatever case the reference to the Pod has, and tells that case',
      when: 'endpoint hdls testns 172.0.0.6 ready pod Web-Capital',
      ask: 'web-capital.hdls.testns.svc.cluster.local. SRV',
      answer: [
        'web-capital.hdls.testns.svc.cluster.local. 5 IN SRV 0 100 80 Web-Capital.hdls.testns.svc.cluster.local.',
      ],
      additional: ['Web-Capital.hdls.testns.svc.cluster.local. 5 IN A 172.0.0.6'],
    },
    {
      name: 'finds them by pod name',
      ask: 'web-7c9d-x2.hdls.testns.svc.cluster.local. A',
      answer: ['web-7c9d-x2.hdls.testns.svc.cluster.local. 5 IN A 172.0.0.2'],
      by: 'table',
    },
    {
      name: 'and not by address any more',
      ask: '172-0-0-2.hdls.testns.svc.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
    },
    {
      name: 'PTR records have the pod name too',
      ask: '2.0.0.172.in-addr.arpa. PTR',
      answer: ['2.0.0.172.in-addr.arpa. 5 IN PTR web-7c9d-x2.hdls.testns.svc.cluster.local.'],
    },
  ],
})
