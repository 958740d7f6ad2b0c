/** docs/design.md §12: before the first list, and where RBAC forbids reading, nothing is denied that may exist. */
import { soa, spec } from '../../support/cases.ts'

const unknown = { rcode: 'SERVFAIL', authority: [soa()] }

spec('before the first list is complete', {
  unsynced: true,
  options: 'fallthrough',
  cluster: `
    service web testns 10.3.0.1
    service hdls testns headless
    endpoint hdls testns 172.0.0.2 ready`,
  cases: [
    {
      name: 'a service that has been seen is answered before the first list is complete',
      ask: 'web.testns.svc.cluster.local. A',
      answer: ['web.testns.svc.cluster.local. 5 IN A 10.3.0.1'],
      by: 'chain',
    },
    {
      name: 'a headless service is SERVFAIL before the first list is complete: there may be more endpoints',
      ask: 'hdls.testns.svc.cluster.local. A',
      ...unknown,
      by: 'chain',
    },
    {
      name: 'a service that has not been seen gets SERVFAIL and does not fall through (CoreDNS falls through)',
      ask: 'missing.testns.svc.cluster.local. A',
      ...unknown,
      by: 'chain',
    },
    {
      name: 'a name that no cluster has does not fall through before the first list',
      ask: 'www.cluster.local. A',
      ...unknown,
      by: 'chain',
    },
    {
      name: 'a reverse name does not fall through before the first list',
      ask: '9.9.9.9.in-addr.arpa. PTR',
      rcode: 'SERVFAIL',
      authority: [soa(5, 'in-addr.arpa.')],
      by: 'chain',
    },
    {
      name: "a ClusterIP's reverse name is known",
      ask: '1.0.3.10.in-addr.arpa. PTR',
      answer: ['1.0.3.10.in-addr.arpa. 5 IN PTR web.testns.svc.cluster.local.'],
    },
    { name: 'the zone has its SOA before the first list', ask: 'cluster.local. SOA', answer: [soa()] },
    { name: 'names above services are NODATA before the first list', ask: 'svc.cluster.local. A', authority: [soa()] },
    {
      name: 'lists of services and namespaces alone do not make a zone known',
      when: 'synced services\nsynced namespaces',
      ask: 'missing.testns.svc.cluster.local. A',
      ...unknown,
      by: 'chain',
    },
    {
      name: 'when everything has been listed, missing names fall through',
      when: 'synced endpointslices',
      ask: 'missing.testns.svc.cluster.local. A',
      fallsThrough: true,
    },
    {
      name: 'headless services are answered from the table when everything has been listed',
      ask: 'hdls.testns.svc.cluster.local. A',
      answer: ['hdls.testns.svc.cluster.local. 5 IN A 172.0.0.2'],
      by: 'table',
    },
  ],
})

spec('EndpointSlices may not be listed (RBAC)', {
  unsynced: true,
  cluster: `
    service web testns 10.3.0.1
    service hdls testns headless
    synced services
    synced namespaces
    forbidden endpointslices`,
  cases: [
    {
      name: 'ClusterIP services are answered without EndpointSlices',
      ask: 'web.testns.svc.cluster.local. A',
      answer: ['web.testns.svc.cluster.local. 5 IN A 10.3.0.1'],
      by: 'table',
    },
    {
      name: 'ports of ClusterIP services are answered without EndpointSlices',
      ask: '_http._tcp.web.testns.svc.cluster.local. SRV',
      answer: ['_http._tcp.web.testns.svc.cluster.local. 5 IN SRV 0 100 80 web.testns.svc.cluster.local.'],
      additional: ['web.testns.svc.cluster.local. 5 IN A 10.3.0.1'],
      by: 'table',
    },
    {
      name: 'headless services get SERVFAIL without EndpointSlices',
      ask: 'hdls.testns.svc.cluster.local. A',
      ...unknown,
      by: 'chain',
    },
    {
      name: 'ports of headless services get SERVFAIL without EndpointSlices',
      ask: '_http._tcp.hdls.testns.svc.cluster.local. SRV',
      ...unknown,
      by: 'chain',
    },
    {
      name: 'endpoints of any service get SERVFAIL without EndpointSlices',
      ask: '172-0-0-2.web.testns.svc.cluster.local. A',
      ...unknown,
      by: 'chain',
    },
    {
      name: 'reverse names of endpoints get SERVFAIL without EndpointSlices',
      ask: '2.0.0.172.in-addr.arpa. PTR',
      rcode: 'SERVFAIL',
      authority: [soa(5, 'in-addr.arpa.')],
    },
    {
      name: 'services that do not exist are denied without EndpointSlices: that is known',
      ask: 'missing.testns.svc.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
      by: 'table',
    },
    {
      name: 'headless services recover when RBAC allows EndpointSlices',
      when: 'endpoint hdls testns 172.0.0.2 ready\nsynced endpointslices',
      ask: 'hdls.testns.svc.cluster.local. A',
      answer: ['hdls.testns.svc.cluster.local. 5 IN A 172.0.0.2'],
      by: 'table',
    },
  ],
})

spec('ignore empty_service while EndpointSlices may not be listed', {
  unsynced: true,
  options: 'ignore empty_service',
  cluster: `
    service web testns 10.3.0.1
    synced services
    synced namespaces`,
  cases: [
    {
      name: 'a service is SERVFAIL with ignore empty_service before EndpointSlices are listed',
      ask: 'web.testns.svc.cluster.local. A',
      ...unknown,
      by: 'chain',
    },
    {
      name: 'services count as having endpoints when EndpointSlices are forbidden',
      when: 'forbidden endpointslices',
      ask: 'web.testns.svc.cluster.local. A',
      answer: ['web.testns.svc.cluster.local. 5 IN A 10.3.0.1'],
      by: 'table',
    },
  ],
})
