/** Annotations `srv-priority` and `srv-weight` (docs/design.md §10). */
import { spec } from '../../support/cases.ts'

const name = (left: string): string => `${left}.shop.svc.cluster.local.`
const srv = (owner: string, rank: string, port: number, target: string, ttl = 5): string =>
  `${name(owner)} ${ttl} IN SRV ${rank} ${port} ${name(target)}`
const a = (owner: string, address: string, ttl = 5): string => `${name(owner)} ${ttl} IN A ${address}`

spec('slicedns.io/srv-priority and srv-weight on a Service', {
  cluster: `service web shop 10.0.0.1
            annotate service web shop slicedns.io/srv-priority 10
            annotate service web shop slicedns.io/srv-weight 42
            service db shop headless
            endpoint db shop 10.1.0.1 ready hostname db-0
            endpoint db shop 10.1.0.2 ready hostname db-1
            annotate service db shop slicedns.io/srv-weight 7`,
  cases: [
    {
      name: 'the rank on a Service is the rank of a ClusterIP service, at its own name and at that of the port; the address is unaffected',
      ask: `${name('web')} SRV`,
      answer: [srv('web', '10 42', 80, 'web')],
      additional: [a('web', '10.0.0.1')],
      by: 'table',
    },
    {
      name: 'the rank on a Service is that of its port',
      ask: `${name('_http._tcp.web')} SRV`,
      answer: [srv('_http._tcp.web', '10 42', 80, 'web')],
      additional: [a('web', '10.0.0.1')],
      by: 'table',
    },
    {
      name: 'the rank on a Service is the weight of each endpoint of a headless service, not shared among them; the priority stays 0',
      ask: `${name('_http._tcp.db')} SRV`,
      answer: [srv('_http._tcp.db', '0 7', 80, 'db-0.db'), srv('_http._tcp.db', '0 7', 80, 'db-1.db')],
      additional: [a('db-0.db', '10.1.0.1'), a('db-1.db', '10.1.0.2')],
    },
    {
      name: 'the rank on a Service is the weight at an endpoint’s own name',
      ask: `${name('db-0.db')} SRV`,
      answer: [srv('db-0.db', '0 7', 80, 'db-0.db')],
      additional: [a('db-0.db', '10.1.0.1')],
    },
    {
      name: 'the rank on a Service may be weight 0',
      when: 'annotate service web shop slicedns.io/srv-weight 0',
      ask: `${name('web')} SRV`,
      answer: [srv('web', '10 0', 80, 'web')],
      additional: [a('web', '10.0.0.1')],
      by: 'table',
    },
    {
      name: 'the rank on a Service is counted as CoreDNS does where the annotation is no number; the other annotation holds',
      when: 'annotate service web shop slicedns.io/srv-weight plenty',
      ask: `${name('web')} SRV`,
      answer: [srv('web', '10 100', 80, 'web')],
      additional: [a('web', '10.0.0.1')],
      by: 'table',
    },
    {
      name: 'the rank on a Service is in the next answer once it is taken away',
      when: `annotate service db shop slicedns.io/srv-weight`,
      ask: `${name('_http._tcp.db')} SRV`,
      answer: [srv('_http._tcp.db', '0 50', 80, 'db-0.db'), srv('_http._tcp.db', '0 50', 80, 'db-1.db')],
      additional: [a('db-0.db', '10.1.0.1'), a('db-1.db', '10.1.0.2')],
    },
  ],
})

spec('slicedns.io/srv-priority and srv-weight on an EndpointSlice', {
  cluster: `service vms shop headless
            slice bare-metal vms shop IPv4 ports http:TCP:8080
            slice pods vms shop IPv4 ports http:TCP:80
            endpoint vms shop 10.2.0.1 ready slice bare-metal
            endpoint vms shop 10.3.0.1 ready slice pods
            endpoint vms shop 10.3.0.2 ready slice pods
            annotate slice bare-metal shop slicedns.io/srv-priority 1
            annotate slice bare-metal shop slicedns.io/srv-weight 60`,
  cases: [
    {
      name: 'the rank on an EndpointSlice is the rank of the slice’s endpoints; the others have the weight that CoreDNS counts',
      ask: `${name('_http._tcp.vms')} SRV`,
      answer: [
        srv('_http._tcp.vms', '1 60', 8080, '10-2-0-1.vms'),
        srv('_http._tcp.vms', '0 33', 80, '10-3-0-1.vms'),
        srv('_http._tcp.vms', '0 33', 80, '10-3-0-2.vms'),
      ],
      additional: [a('10-2-0-1.vms', '10.2.0.1'), a('10-3-0-1.vms', '10.3.0.1'), a('10-3-0-2.vms', '10.3.0.2')],
    },
    {
      name: 'the rank on an EndpointSlice comes before what the Service says, each annotation by itself',
      when: `annotate service vms shop slicedns.io/srv-priority 5
             annotate service vms shop slicedns.io/srv-weight 9
             annotate slice bare-metal shop slicedns.io/srv-priority`,
      ask: `${name('_http._tcp.vms')} SRV`,
      answer: [
        srv('_http._tcp.vms', '5 60', 8080, '10-2-0-1.vms'),
        srv('_http._tcp.vms', '5 9', 80, '10-3-0-1.vms'),
        srv('_http._tcp.vms', '5 9', 80, '10-3-0-2.vms'),
      ],
      additional: [a('10-2-0-1.vms', '10.2.0.1'), a('10-3-0-1.vms', '10.3.0.1'), a('10-3-0-2.vms', '10.3.0.2')],
    },
    {
      name: 'the rank on an EndpointSlice leaves what the Service says where the slice’s is no number',
      when: 'annotate slice bare-metal shop slicedns.io/srv-weight -1',
      ask: `${name('10-2-0-1.vms')} SRV`,
      answer: [srv('10-2-0-1.vms', '5 9', 8080, '10-2-0-1.vms')],
      additional: [a('10-2-0-1.vms', '10.2.0.1')],
    },
  ],
})

spec('slicedns.io/srv-weight on one slice of a dual-stack service', {
  cluster: `service db shop headless
            endpoint db shop 10.1.0.1 ready hostname db-0 slice db-a
            endpoint db shop fd00::1 ready hostname db-0 slice db-b
            annotate slice db-b shop slicedns.io/srv-weight 3`,
  cases: [
    {
      name: 'srv-weight on one slice is that of the target that both slices have',
      ask: `${name('_http._tcp.db')} SRV`,
      answer: [srv('_http._tcp.db', '0 3', 80, 'db-0.db')],
      additional: [a('db-0.db', '10.1.0.1'), `${name('db-0.db')} 5 IN AAAA fd00::1`],
    },
  ],
})
