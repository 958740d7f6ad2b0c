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
      name: 'a service in a listed namespace answers',
      ask: 'web.shown.svc.cluster.local. A',
      answer: ['web.shown.svc.cluster.local. 5 IN A 10.3.0.1'],
      by: 'table',
    },
    {
      name: 'a service in an unlisted namespace does not exist',
      ask: 'web.hidden.svc.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
      by: 'table',
    },
    {
      name: 'an unlisted namespace does not exist',
      ask: 'hidden.svc.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
    },
    {
      name: 'the addresses of services in an unlisted namespace have no names',
      ask: '2.0.3.10.in-addr.arpa. PTR',
      rcode: 'NXDOMAIN',
      authority: [soa(5, 'in-addr.arpa.')],
    },
    {
      name: 'the addresses of endpoints in an unlisted namespace have no names',
      ask: '2.0.0.172.in-addr.arpa. PTR',
      rcode: 'NXDOMAIN',
      authority: [soa(5, 'in-addr.arpa.')],
    },
    {
      name: 'a listed namespace that is not there does not exist',
      ask: 'also.svc.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
    },
    {
      name: 'a listed namespace exists as soon as it is created',
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
      name: 'a service in a deleted namespace does not exist',
      when: 'remove namespace testns',
      ask: 'web.testns.svc.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
      by: 'table',
    },
    {
      name: 'PTR records stay while the service is there, though its namespace is deleted (as CoreDNS)',
      ask: '1.0.3.10.in-addr.arpa. PTR',
      answer: ['1.0.3.10.in-addr.arpa. 5 IN PTR web.testns.svc.cluster.local.'],
    },
    {
      name: 'a service answers again when its namespace comes back',
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
      name: 'the ports of a ClusterIP service without a ready endpoint do not exist',
      ask: '_http._tcp.web.testns.svc.cluster.local. SRV',
      rcode: 'NXDOMAIN',
      authority: [soa()],
    },
    {
      name: 'the address of a ClusterIP service without a ready endpoint still has a name (as CoreDNS)',
      ask: '1.0.3.10.in-addr.arpa. PTR',
      answer: ['1.0.3.10.in-addr.arpa. 5 IN PTR web.testns.svc.cluster.local.'],
    },
    {
      name: 'an endpoint of the other family is enough',
      ask: 'six.testns.svc.cluster.local. A',
      answer: ['six.testns.svc.cluster.local. 5 IN A 10.3.0.2'],
    },
    {
      name: 'ExternalName services are not concerned by ignore empty_service',
      ask: 'ext.testns.svc.cluster.local. CNAME',
      answer: ['ext.testns.svc.cluster.local. 5 IN CNAME www.example.com.'],
    },
    {
      name: 'a ClusterIP service exists as soon as an endpoint is ready',
      when: 'endpoint web testns 172.0.0.2 ready',
      ask: 'web.testns.svc.cluster.local. A',
      answer: ['web.testns.svc.cluster.local. 5 IN A 10.3.0.1'],
      by: 'table',
    },
    {
      name: 'a ClusterIP service is gone with its last ready endpoint',
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
      name: 'ClusterIP services answer with noendpoints',
      ask: 'web.testns.svc.cluster.local. A',
      answer: ['web.testns.svc.cluster.local. 5 IN A 10.3.0.1'],
      by: 'table',
    },
    {
      name: 'headless services do not exist with noendpoints',
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
      name: 'the option ttl is the TTL of every record',
      ask: 'web.testns.svc.cluster.local. A',
      answer: ['web.testns.svc.cluster.local. 30 IN A 10.3.0.1'],
      by: 'table',
    },
    {
      name: 'the option ttl is the TTL of the SOA and its minimum',
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
      name: 'the TTL 0 is sent as it is',
      ask: 'web.testns.svc.cluster.local. A',
      answer: ['web.testns.svc.cluster.local. 0 IN A 10.3.0.1'],
      by: 'table',
    },
    {
      name: 'the TTL 0 is sent with the SOA as it is',
      ask: 'web.testns.svc.cluster.local. AAAA',
      authority: [soa(0)],
      by: 'table',
    },
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
      name: 'endpoint_pod_names names endpoints: host name, pod name of up to 63 characters, address',
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
      name: 'endpoint_pod_names finds endpoints in whatever case the reference to the Pod has, and answers in that case',
      when: 'endpoint hdls testns 172.0.0.6 ready pod Web-Capital',
      ask: 'web-capital.hdls.testns.svc.cluster.local. SRV',
      answer: [
        'web-capital.hdls.testns.svc.cluster.local. 5 IN SRV 0 100 80 Web-Capital.hdls.testns.svc.cluster.local.',
      ],
      additional: ['Web-Capital.hdls.testns.svc.cluster.local. 5 IN A 172.0.0.6'],
    },
    {
      name: 'endpoint_pod_names finds endpoints by pod name',
      ask: 'web-7c9d-x2.hdls.testns.svc.cluster.local. A',
      answer: ['web-7c9d-x2.hdls.testns.svc.cluster.local. 5 IN A 172.0.0.2'],
      by: 'table',
    },
    {
      name: 'endpoint_pod_names does not find an endpoint with a pod name by its address',
      ask: '172-0-0-2.hdls.testns.svc.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
    },
    {
      name: 'PTR records have the pod name with endpoint_pod_names',
      ask: '2.0.0.172.in-addr.arpa. PTR',
      answer: ['2.0.0.172.in-addr.arpa. 5 IN PTR web-7c9d-x2.hdls.testns.svc.cluster.local.'],
    },
  ],
})
