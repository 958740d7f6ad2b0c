/** TTLs of a service's records: annotations `ttl`, option `ttl_headless` (docs/design.md §10). */
import { soa, spec } from '../../support/cases.ts'

const name = (left: string): string => `${left}.svc.cluster.local.`
const a = (owner: string, ttl: number, address: string): string => `${name(owner)} ${ttl} IN A ${address}`

const cluster = `service web shop 10.0.0.1
                 endpoint web shop 10.1.0.9 ready
                 service db shop headless
                 endpoint db shop 10.1.0.1 ready
                 service api shop external api.example.org
                 import db shop headless
                 endpoint db shop 10.4.0.1 ready cluster b slice imported-db
                 import web shop 10.96.0.9`

spec('ttl_headless', {
  zones: 'cluster.local clusterset.local in-addr.arpa',
  options: `ttl 30
            ttl_headless 7
            multicluster clusterset.local`,
  cluster,
  cases: [
    {
      name: 'ttl_headless is the TTL of headless services',
      ask: `${name('db.shop')} A`,
      answer: [a('db.shop', 7, '10.1.0.1')],
    },
    {
      name: 'ttl_headless is the TTL of the endpoints of headless services',
      ask: `${name('10-1-0-1.db.shop')} A`,
      answer: [a('10-1-0-1.db.shop', 7, '10.1.0.1')],
    },
    {
      name: 'ttl_headless is the TTL of SRV records of headless services and their glue',
      ask: `${name('_http._tcp.db.shop')} SRV`,
      answer: [`${name('_http._tcp.db.shop')} 7 IN SRV 0 100 80 ${name('10-1-0-1.db.shop')}`],
      additional: [a('10-1-0-1.db.shop', 7, '10.1.0.1')],
    },
    {
      name: "ttl_headless is the TTL of the PTRs of headless services' endpoints",
      ask: '1.0.1.10.in-addr.arpa. PTR',
      answer: [`1.0.1.10.in-addr.arpa. 7 IN PTR ${name('10-1-0-1.db.shop')}`],
    },
    {
      name: 'ttl_headless is the TTL of headless imports',
      ask: 'db.shop.svc.clusterset.local. A',
      answer: ['db.shop.svc.clusterset.local. 7 IN A 10.4.0.1'],
    },
    {
      name: 'ttl_headless is not the TTL of other imports',
      ask: 'web.shop.svc.clusterset.local. A',
      answer: ['web.shop.svc.clusterset.local. 30 IN A 10.96.0.9'],
    },
    {
      name: 'ttl_headless is not the TTL of ClusterIP services',
      ask: `${name('web.shop')} A`,
      answer: [a('web.shop', 30, '10.0.0.1')],
    },
    {
      name: 'ttl_headless is not the TTL of ExternalName services',
      ask: `${name('api.shop')} CNAME`,
      answer: [`${name('api.shop')} 30 IN CNAME api.example.org.`],
    },
    {
      name: 'ttl_headless is not the negative TTL',
      ask: `${name('none.shop')} A`,
      rcode: 'NXDOMAIN',
      authority: [soa(30)],
    },
  ],
})

spec('slicedns.io/ttl', {
  options: `ttl 30
            ttl_headless 7`,
  cluster,
  cases: [
    {
      name: 'the TTL of a Service is that of its records',
      when: 'annotate service web shop slicedns.io/ttl 120',
      ask: `${name('web.shop')} A`,
      answer: [a('web.shop', 120, '10.0.0.1')],
      by: 'table',
    },
    {
      name: 'the TTL of a Service is that of its PTR',
      ask: '1.0.0.10.in-addr.arpa. PTR',
      answer: [`1.0.0.10.in-addr.arpa. 120 IN PTR ${name('web.shop')}`],
      by: 'table',
    },
    {
      name: 'the TTL of a Service is not the negative TTL',
      ask: `${name('web.shop')} AAAA`,
      authority: [soa(30)],
      by: 'table',
    },
    {
      name: 'the TTL of a Service is that of an endpoint’s name',
      ask: `${name('10-1-0-9.web.shop')} A`,
      answer: [a('10-1-0-9.web.shop', 120, '10.1.0.9')],
    },
    {
      name: 'the TTL of a Service is that of an endpoint’s PTR',
      ask: '9.0.1.10.in-addr.arpa. PTR',
      answer: [`9.0.1.10.in-addr.arpa. 120 IN PTR ${name('10-1-0-9.web.shop')}`],
      by: 'table',
    },
    {
      name: 'the TTL of a Service is in the next PTR when it changes',
      when: 'annotate service web shop slicedns.io/ttl 90',
      ask: '9.0.1.10.in-addr.arpa. PTR',
      answer: [`9.0.1.10.in-addr.arpa. 90 IN PTR ${name('10-1-0-9.web.shop')}`],
      by: 'table',
    },
    {
      name: 'the TTL of a Service is that of its CNAME',
      when: 'annotate service api shop slicedns.io/ttl 1',
      ask: `${name('api.shop')} CNAME`,
      answer: [`${name('api.shop')} 1 IN CNAME api.example.org.`],
    },
    {
      name: 'the TTL of a Namespace is that of its services’ records: before ttl_headless …',
      when: 'annotate namespace shop slicedns.io/ttl 60',
      ask: `${name('db.shop')} A`,
      answer: [a('db.shop', 60, '10.1.0.1')],
      by: 'table',
    },
    {
      name: 'the TTL of a Namespace is that of endpoints’ names',
      ask: `${name('10-1-0-1.db.shop')} A`,
      answer: [a('10-1-0-1.db.shop', 60, '10.1.0.1')],
    },
    {
      name: 'the TTL of a Namespace is that of endpoints’ PTRs',
      ask: '1.0.1.10.in-addr.arpa. PTR',
      answer: [`1.0.1.10.in-addr.arpa. 60 IN PTR ${name('10-1-0-1.db.shop')}`],
      by: 'table',
    },
    {
      name: '… and the TTL of a Namespace comes after what the Service says',
      ask: `${name('web.shop')} A`,
      answer: [a('web.shop', 90, '10.0.0.1')],
      by: 'table',
    },
    {
      name: 'the TTL of a Namespace is in the next PTR when it changes',
      when: 'annotate namespace shop slicedns.io/ttl 61',
      ask: '1.0.1.10.in-addr.arpa. PTR',
      answer: [`1.0.1.10.in-addr.arpa. 61 IN PTR ${name('10-1-0-1.db.shop')}`],
      by: 'table',
    },
    {
      name: 'the TTL of a Namespace is in the next answer of an endpoint’s name when it changes',
      ask: `${name('10-1-0-1.db.shop')} A`,
      answer: [a('10-1-0-1.db.shop', 61, '10.1.0.1')],
      by: 'table',
    },
    {
      name: 'the TTL of a Service may be 0',
      when: 'annotate service db shop slicedns.io/ttl 0',
      ask: `${name('db.shop')} A`,
      answer: [a('db.shop', 0, '10.1.0.1')],
      by: 'table',
    },
    {
      name: 'a TTL beyond 3600 is ignored: the Namespace’s holds',
      when: 'annotate service db shop slicedns.io/ttl 3601',
      ask: `${name('db.shop')} A`,
      answer: [a('db.shop', 61, '10.1.0.1')],
      by: 'table',
    },
    {
      name: 'an invalid TTL of a Namespace leaves the options',
      when: 'annotate namespace shop slicedns.io/ttl soon',
      ask: `${name('db.shop')} A`,
      answer: [a('db.shop', 7, '10.1.0.1')],
      by: 'table',
    },
  ],
})

spec('an address that endpoints of several services have', {
  options: 'ttl 30',
  cluster: `service a shop headless
            service b shop headless
            endpoint a shop 10.1.0.1 ready
            endpoint b shop 10.1.0.1 ready
            annotate service a shop slicedns.io/ttl 20
            annotate service b shop slicedns.io/ttl 10`,
  cases: [
    {
      name: 'an address of several services has PTRs with the least of their TTLs',
      ask: '1.0.1.10.in-addr.arpa. PTR',
      answer: [
        `1.0.1.10.in-addr.arpa. 10 IN PTR ${name('10-1-0-1.a.shop')}`,
        `1.0.1.10.in-addr.arpa. 10 IN PTR ${name('10-1-0-1.b.shop')}`,
      ],
    },
  ],
})
