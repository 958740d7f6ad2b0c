/** `terminating last_resort`: endpoints that serve while they terminate are better than none. */
import { soa, spec } from '../../support/cases.ts'

const name = (left: string): string => `${left}.svc.cluster.local.`
const a = (owner: string, address: string, ttl: number): string => `${name(owner)} ${ttl} IN A ${address}`
const missing = { rcode: 'NXDOMAIN', authority: [soa()] }

const cluster = `service web shop headless
                 endpoint web shop 10.1.0.1 ready
                 endpoint web shop 10.1.0.2 notReady serving terminating
                 endpoint web shop 10.1.0.3 notReady terminating
                 endpoint web shop 10.1.0.4 notReady`

spec('terminating last_resort', {
  options: 'terminating last_resort',
  cluster,
  cases: [
    {
      name: 'terminating last_resort changes nothing while an endpoint is ready',
      ask: `${name('web.shop')} A`,
      answer: [a('web.shop', '10.1.0.1', 5)],
    },
    {
      name: 'terminating last_resort gives endpoints no names while one is ready',
      ask: `${name('10-1-0-2.web.shop')} A`,
      ...missing,
    },
    {
      name: 'terminating last_resort gives the endpoints that serve and terminate when none is ready, for two seconds',
      when: 'endpoint web shop 10.1.0.1 notReady serving',
      ask: `${name('web.shop')} A`,
      answer: [a('web.shop', '10.1.0.2', 2)],
      by: 'table',
    },
    {
      name: 'terminating last_resort gives the SRV records of endpoints that serve and terminate',
      ask: `${name('_http._tcp.web.shop')} SRV`,
      answer: [`${name('_http._tcp.web.shop')} 2 IN SRV 0 100 80 ${name('10-1-0-2.web.shop')}`],
      additional: [a('10-1-0-2.web.shop', '10.1.0.2', 2)],
    },
    {
      name: 'terminating last_resort gives names to endpoints that serve and terminate',
      ask: `${name('10-1-0-2.web.shop')} A`,
      answer: [a('10-1-0-2.web.shop', '10.1.0.2', 2)],
    },
    {
      name: 'terminating last_resort does not give an endpoint that serves, is not ready, and does not terminate',
      ask: `${name('10-1-0-1.web.shop')} A`,
      ...missing,
    },
    {
      name: 'terminating last_resort ends with the first ready endpoint, in whichever slice',
      when: 'endpoint web shop 10.1.0.9 ready slice other',
      ask: `${name('web.shop')} A`,
      answer: [a('web.shop', '10.1.0.9', 5)],
      by: 'table',
    },
    {
      name: 'terminating last_resort takes the names back with the first ready endpoint',
      ask: `${name('10-1-0-2.web.shop')} A`,
      ...missing,
    },
    {
      name: 'terminating last_resort gives the names back with the last ready endpoint, in whichever slice',
      when: 'remove slice other shop',
      ask: `${name('10-1-0-2.web.shop')} A`,
      answer: [a('10-1-0-2.web.shop', '10.1.0.2', 2)],
    },
    {
      name: 'terminating last_resort ends with the last endpoint that serves',
      when: 'endpoint web shop 10.1.0.2 notReady terminating',
      ask: `${name('web.shop')} A`,
      ...missing,
    },
    {
      name: 'terminating last_resort keeps a TTL of two seconds at most, whatever annotations say',
      when: `endpoint web shop 10.1.0.2 notReady serving terminating
             annotate service web shop slicedns.io/ttl 60`,
      ask: `${name('web.shop')} A`,
      answer: [a('web.shop', '10.1.0.2', 2)],
    },
    {
      name: 'terminating last_resort keeps a TTL that is shorter than two seconds',
      when: 'annotate service web shop slicedns.io/ttl 1',
      ask: `${name('web.shop')} A`,
      answer: [a('web.shop', '10.1.0.2', 1)],
    },
    {
      name: 'terminating last_resort does not change the answer of a service with a ClusterIP',
      when: `service api shop 10.0.0.1
             endpoint api shop 10.1.1.1 notReady serving terminating`,
      ask: `${name('api.shop')} A`,
      answer: [a('api.shop', '10.0.0.1', 5)],
    },
  ],
})

spec('terminating last_resort, not set', {
  cluster: `${cluster}
            endpoint web shop 10.1.0.1 notReady serving`,
  cases: [
    { name: 'a service without a ready endpoint does not exist by default', ask: `${name('web.shop')} A`, ...missing },
  ],
})

spec('terminating last_resort with ignore empty_service', {
  options: 'terminating last_resort\nignore empty_service',
  cluster: `service api shop 10.0.0.1
            endpoint api shop 10.1.1.1 ready`,
  cases: [
    {
      name: 'terminating last_resort changes nothing while an endpoint is ready',
      ask: `${name('api.shop')} A`,
      answer: [a('api.shop', '10.0.0.1', 5)],
    },
    {
      name: 'terminating last_resort keeps a service with ignore empty_service while an endpoint serves and terminates',
      when: 'endpoint api shop 10.1.1.1 notReady serving terminating',
      ask: `${name('api.shop')} A`,
      answer: [a('api.shop', '10.0.0.1', 2)],
      by: 'table',
    },
    {
      name: 'terminating last_resort ends with the last endpoint that serves',
      when: 'remove endpoint api shop 10.1.1.1',
      ask: `${name('api.shop')} A`,
      ...missing,
    },
  ],
})

spec('terminating last_resort for the endpoints of one topology zone', {
  options: 'terminating last_resort\nzonal',
  cluster: `service web shop headless
            endpoint web shop 10.1.0.1 notReady serving terminating zone a
            endpoint web shop 10.1.0.2 ready zone b`,
  cases: [
    {
      name: 'terminating last_resort changes nothing in a zone while the service has a ready endpoint in another',
      ask: `${name('a.pin._zone.web.shop')} A`,
      authority: [soa()],
    },
    {
      name: 'terminating last_resort gives the endpoints of the zone when the service has none ready',
      when: 'endpoint web shop 10.1.0.2 notReady zone b',
      ask: `${name('a.pin._zone.web.shop')} A`,
      answer: [a('a.pin._zone.web.shop', '10.1.0.1', 2)],
    },
  ],
})

spec('terminating last_resort behind a split', {
  options: 'terminating last_resort',
  cluster: `service web shop 10.0.0.1
            service stable shop 10.0.0.2
            endpoint stable shop 10.1.0.2 notReady serving terminating
            service canary shop headless
            endpoint canary shop 10.1.0.3 ready
            annotate service web shop slicedns.io/split stable=100,canary=0`,
  cases: [
    {
      name: 'a split passes over a backend that terminates while another is ready, one of share 0 even',
      ask: `${name('web.shop')} A`,
      answer: [a('web.shop', '10.1.0.3', 5)],
      by: 'table',
    },
    {
      name: 'a split draws from terminating backends when none is ready: in proportion, for two seconds',
      when: 'endpoint canary shop 10.1.0.3 notReady serving terminating',
      ask: `${name('web.shop')} A`,
      answer: [a('web.shop', '10.0.0.2', 2)],
      by: 'table',
    },
    {
      name: 'SRV of a split has terminating backends when none is ready',
      when: 'annotate service web shop slicedns.io/split stable=50,canary=50',
      ask: `${name('_http._tcp.web.shop')} SRV`,
      drawn: 0.5,
      answer: [
        `${name('_http._tcp.web.shop')} 2 IN SRV 0 50 80 ${name('stable.shop')}`,
        `${name('_http._tcp.web.shop')} 2 IN SRV 0 50 80 ${name('10-1-0-3.canary.shop')}`,
      ],
      additional: [a('stable.shop', '10.0.0.2', 2), a('10-1-0-3.canary.shop', '10.1.0.3', 2)],
      by: 'table',
    },
  ],
})
