/**
 * The endpoints behind a service with an address of its own: annotation `slicedns.io/endpoints` (docs/design.md §10).
 */
import { soa, spec } from '../../support/cases.ts'

const web = 'web.shop.svc.cluster.local.'
const missing = { rcode: 'NXDOMAIN', authority: [soa()] }

spec('slicedns.io/endpoints: the ready endpoints at `_endpoints` below the service', {
  cluster: `service web shop 10.0.0.1 ports http:TCP:80,metrics:TCP:9090
            slice web-a web shop IPv4 ports http:TCP:8080,metrics:TCP:9091
            endpoint web shop 10.1.0.1 ready slice web-a
            endpoint web shop 10.1.0.2 ready slice web-a hostname two
            endpoint web shop 10.1.0.3 notReady slice web-a
            endpoint web shop fd00::1 ready
            service db shop headless
            endpoint db shop 10.1.0.9 ready
            service api shop external api.example.org`,
  cases: [
    { name: 'the name `_endpoints` does not exist without the annotation', ask: `_endpoints.${web} A`, ...missing },
    {
      name: 'names below `_endpoints` do not exist without the annotation',
      ask: `_http._tcp._endpoints.${web} SRV`,
      ...missing,
    },
    {
      name: 'A at `_endpoints` has each ready endpoint',
      when: 'annotate service web shop slicedns.io/endpoints true',
      ask: `_endpoints.${web} A`,
      answer: [`_endpoints.${web} 5 IN A 10.1.0.1`, `_endpoints.${web} 5 IN A 10.1.0.2`],
    },
    {
      name: 'A at `_endpoints` is answered from the table, once it was asked for',
      ask: `_endpoints.${web} A`,
      by: 'table',
      answer: [`_endpoints.${web} 5 IN A 10.1.0.1`, `_endpoints.${web} 5 IN A 10.1.0.2`],
    },
    {
      name: 'AAAA at `_endpoints` has each ready endpoint',
      ask: `_endpoints.${web} AAAA`,
      answer: [`_endpoints.${web} 5 IN AAAA fd00::1`],
    },
    {
      name: 'SRV of a port below `_endpoints` has the usual names of the endpoints',
      ask: `_metrics._tcp._endpoints.${web} SRV`,
      answer: [
        `_metrics._tcp._endpoints.${web} 5 IN SRV 0 33 9091 10-1-0-1.${web}`,
        `_metrics._tcp._endpoints.${web} 5 IN SRV 0 33 9091 two.${web}`,
        `_metrics._tcp._endpoints.${web} 5 IN SRV 0 33 9090 fd00--1.${web}`,
      ],
      additional: [`10-1-0-1.${web} 5 IN A 10.1.0.1`, `two.${web} 5 IN A 10.1.0.2`, `fd00--1.${web} 5 IN AAAA fd00::1`],
    },
    {
      name: 'SRV of a port that the endpoints have not does not exist below `_endpoints`',
      ask: `_https._tcp._endpoints.${web} SRV`,
      ...missing,
    },
    {
      name: 'SRV at `_endpoints` has all ports',
      when: 'remove endpoint web shop fd00::1',
      ask: `_endpoints.${web} SRV`,
      answer: [
        `_endpoints.${web} 5 IN SRV 0 25 8080 10-1-0-1.${web}`,
        `_endpoints.${web} 5 IN SRV 0 25 9091 10-1-0-1.${web}`,
        `_endpoints.${web} 5 IN SRV 0 25 8080 two.${web}`,
        `_endpoints.${web} 5 IN SRV 0 25 9091 two.${web}`,
      ],
      additional: [`10-1-0-1.${web} 5 IN A 10.1.0.1`, `two.${web} 5 IN A 10.1.0.2`],
    },
    { name: 'a target of SRV at `_endpoints` answers', ask: `two.${web} A`, answer: [`two.${web} 5 IN A 10.1.0.2`] },
    {
      name: 'the name `_endpoints` follows the slices',
      when: `endpoint web shop 10.1.0.1 notReady slice web-a
             endpoint web shop 10.1.0.3 ready slice web-a`,
      ask: `_endpoints.${web} A`,
      answer: [`_endpoints.${web} 5 IN A 10.1.0.2`, `_endpoints.${web} 5 IN A 10.1.0.3`],
      by: 'table',
    },
    {
      name: 'the service itself keeps its address beside `_endpoints`',
      ask: `${web} A`,
      answer: [`${web} 5 IN A 10.0.0.1`],
    },
    {
      name: 'the name `_endpoints` does not exist without a ready endpoint, as a headless service',
      when: `endpoint web shop 10.1.0.2 notReady slice web-a
             endpoint web shop 10.1.0.3 notReady slice web-a`,
      ask: `_endpoints.${web} A`,
      ...missing,
    },
    {
      name: 'the name `_endpoints` exists again with a ready endpoint',
      when: 'endpoint web shop 10.1.0.2 ready slice web-a',
      ask: `_endpoints.${web} A`,
      answer: [`_endpoints.${web} 5 IN A 10.1.0.2`],
    },
    {
      name: 'the value false switches `_endpoints` off',
      when: 'annotate service web shop slicedns.io/endpoints false',
      ask: `_endpoints.${web} A`,
      ...missing,
    },
    {
      name: 'another value of the annotation is a mistake, and ignored',
      when: 'annotate service web shop slicedns.io/endpoints yes',
      ask: `_endpoints.${web} A`,
      ...missing,
    },
    {
      name: 'a headless service has the same answer at both names',
      when: 'annotate service db shop slicedns.io/endpoints true',
      ask: '_endpoints.db.shop.svc.cluster.local. A',
      answer: ['_endpoints.db.shop.svc.cluster.local. 5 IN A 10.1.0.9'],
    },
    {
      name: 'an ExternalName has no `_endpoints`',
      when: 'annotate service api shop slicedns.io/endpoints true',
      ask: '_endpoints.api.shop.svc.cluster.local. A',
      ...missing,
    },
    {
      name: 'endpoints are SERVFAIL at `_endpoints` where EndpointSlices may not be read',
      when: `annotate service web shop slicedns.io/endpoints true
             forbidden endpointslices`,
      ask: `_endpoints.${web} A`,
      rcode: 'SERVFAIL',
      authority: [soa()],
    },
  ],
})
