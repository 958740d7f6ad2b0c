/** docs/design.md §12: answers from a snapshot may be wrong by now, so nobody keeps them for longer than 5 s. */
import { soa, spec } from '../../support/cases.ts'

const restored = ['services', 'namespaces', 'endpointslices'].map((resource) => `restored ${resource}`).join('\n')
const listed = ['services', 'namespaces', 'endpointslices'].map((resource) => `listed ${resource}`).join('\n')

spec('while answers come from a snapshot', {
  options: 'ttl 300\nttl_headless 60',
  cluster: `
    service web testns 10.3.0.1
    service slow testns 10.3.0.2
    annotate service slow testns slicedns.io/ttl 3600
    service fast testns 10.3.0.3
    annotate service fast testns slicedns.io/ttl 1
    service hdls testns headless
    endpoint hdls testns 172.0.0.2 ready hostname pet
    ${restored}`,
  cases: [
    {
      name: 'the TTL of a service is 5, not 300',
      ask: 'web.testns.svc.cluster.local. A',
      answer: ['web.testns.svc.cluster.local. 5 IN A 10.3.0.1'],
    },
    {
      name: 'an annotation for a longer one does not count',
      ask: 'slow.testns.svc.cluster.local. A',
      answer: ['slow.testns.svc.cluster.local. 5 IN A 10.3.0.2'],
    },
    {
      name: 'an annotation for a shorter one counts',
      ask: 'fast.testns.svc.cluster.local. A',
      answer: ['fast.testns.svc.cluster.local. 1 IN A 10.3.0.3'],
    },
    {
      name: 'the TTL of an endpoint is 5, not 60',
      ask: 'pet.hdls.testns.svc.cluster.local. A',
      answer: ['pet.hdls.testns.svc.cluster.local. 5 IN A 172.0.0.2'],
    },
    {
      name: 'the TTL of a reverse name is 5',
      ask: '1.0.3.10.in-addr.arpa. PTR',
      answer: ['1.0.3.10.in-addr.arpa. 5 IN PTR web.testns.svc.cluster.local.'],
    },
    {
      name: 'a missing name is denied for 5 s',
      ask: 'missing.testns.svc.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa(5)],
    },
    {
      name: 'the version of the specification is for 5 s too',
      ask: 'dns-version.cluster.local. TXT',
      answer: ['dns-version.cluster.local. 5 IN TXT "1.1.0"'],
    },
    {
      name: 'a list of some resources changes nothing',
      when: 'listed services\nlisted namespaces',
      ask: 'web.testns.svc.cluster.local. A',
      answer: ['web.testns.svc.cluster.local. 5 IN A 10.3.0.1'],
    },
    {
      name: 'when everything has been listed, TTLs are those of the Corefile at once',
      when: listed,
      ask: 'web.testns.svc.cluster.local. A',
      answer: ['web.testns.svc.cluster.local. 300 IN A 10.3.0.1'],
    },
    {
      name: 'annotations for longer ones count again',
      ask: 'slow.testns.svc.cluster.local. A',
      answer: ['slow.testns.svc.cluster.local. 3600 IN A 10.3.0.2'],
    },
    {
      name: 'a missing name is denied for as long as ever',
      ask: 'missing.testns.svc.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa(300)],
    },
  ],
})
