/**
 * Traffic splits: the annotation `split` (docs/design.md §10, Split semantics), for A and AAAA. SRV: split-srv.test.ts.
 */
import { soa, spec } from '../../support/cases.ts'
import { a, aaaa, ask, missing, name, releases, split } from '../../support/split-cases.ts'

spec('a split: A', {
  cluster: `${releases}
            ${split('stable=90,canary=10')}`,
  cases: [
    {
      name: 'A of a split is one backend a reply, its ClusterIP',
      ask,
      drawn: 0,
      answer: [a('web.shop', '10.0.0.2')],
      by: 'table',
    },
    {
      name: 'A of a split is drawn in proportion to the shares',
      ask,
      drawn: 0.899,
      answer: [a('web.shop', '10.0.0.2')],
    },
    {
      name: 'A of a split is all ready endpoints of a headless backend when that is drawn',
      ask,
      drawn: 0.901,
      answer: [a('web.shop', '10.1.0.3'), a('web.shop', '10.1.0.4')],
      by: 'table',
    },
    {
      name: 'A of a split is the same at a port’s name',
      ask: `${name('_http._tcp.web.shop')} A`,
      drawn: 0.95,
      answer: [a('_http._tcp.web.shop', '10.1.0.3'), a('_http._tcp.web.shop', '10.1.0.4')],
      by: 'table',
    },
    {
      name: 'a split leaves the names of the service’s own endpoints alone',
      ask: `${name('10-1-0-1.web.shop')} A`,
      answer: [a('10-1-0-1.web.shop', '10.1.0.1')],
    },
    {
      name: 'a split leaves the PTR of its ClusterIP alone',
      ask: '1.0.0.10.in-addr.arpa. PTR',
      answer: [`1.0.0.10.in-addr.arpa. 5 IN PTR ${name('web.shop')}`],
    },
    { name: 'TXT and other types of a split are NODATA', ask: `${name('web.shop')} TXT`, authority: [soa()] },
    { name: 'CNAME of a split is NODATA', ask: `${name('web.shop')} CNAME`, authority: [soa()] },
    {
      name: 'A of a split follows an endpoint that goes, in the next reply',
      when: 'endpoint canary shop 10.1.0.3 notReady',
      ask,
      drawn: 0.95,
      answer: [a('web.shop', '10.1.0.4')],
      by: 'table',
    },
    {
      name: 'A of a split passes over a backend that has lost all its ready endpoints',
      when: 'endpoint canary shop 10.1.0.4 notReady',
      ask,
      drawn: 0.95,
      answer: [a('web.shop', '10.0.0.2')],
      by: 'table',
    },
    {
      name: 'A of a split has a backend again when its endpoint is ready again',
      when: 'endpoint canary shop 10.1.0.4 ready',
      ask,
      drawn: 0.95,
      answer: [a('web.shop', '10.1.0.4')],
    },
    {
      name: 'A of a split passes over a backend with a ClusterIP that has no ready endpoint',
      when: 'endpoint stable shop 10.1.0.2 notReady',
      ask,
      drawn: 0,
      answer: [a('web.shop', '10.1.0.4')],
    },
    {
      name: 'a split does not exist when no backend has endpoints, whatever the service itself has',
      when: 'endpoint canary shop 10.1.0.4 notReady',
      ask,
      ...missing,
    },
    {
      name: 'A of a split follows a backend’s service that goes',
      when: `endpoint canary shop 10.1.0.4 ready
             endpoint stable shop 10.1.0.2 ready
             remove service stable shop`,
      ask,
      drawn: 0,
      answer: [a('web.shop', '10.1.0.4')],
    },
    {
      name: 'A of a split follows a backend’s service that comes',
      when: 'service stable shop 10.0.0.9',
      ask,
      drawn: 0,
      answer: [a('web.shop', '10.0.0.9')],
    },
    {
      name: 'A of a split follows the annotation',
      when: split('stable=10,canary=90'),
      ask,
      drawn: 0.11,
      answer: [a('web.shop', '10.1.0.4')],
    },
    {
      name: 'A of a split is that of an ordinary service when the annotation goes',
      when: 'annotate service web shop slicedns.io/split',
      ask,
      answer: [a('web.shop', '10.0.0.1')],
      by: 'table',
    },
  ],
})

spec('a split: shares', {
  cluster: `${releases}
            ${split('stable=100,canary=0')}`,
  cases: [
    { name: 'shares of 0 mean never', ask, drawn: 0.9999, answer: [a('web.shop', '10.0.0.2')] },
    {
      name: 'shares of 0 mean always when nothing else is left',
      when: 'endpoint stable shop 10.1.0.2 notReady',
      ask,
      drawn: 0,
      answer: [a('web.shop', '10.1.0.3'), a('web.shop', '10.1.0.4')],
      by: 'table',
    },
    {
      name: 'shares of 0 mean never again when another backend is back',
      when: 'endpoint stable shop 10.1.0.2 ready',
      ask,
      drawn: 0.9999,
      answer: [a('web.shop', '10.0.0.2')],
    },
    {
      name: 'shares of 0 are alike among themselves when nothing else is left',
      when: `service third shop 10.0.0.3
             endpoint third shop 10.1.0.5 ready
             ${split('gone=1,stable=0,third=0')}`,
      ask,
      drawn: 0.51,
      answer: [a('web.shop', '10.0.0.3')],
    },
    {
      name: 'shares may be of three backends',
      when: split('stable=50,canary=30,third=20'),
      ask,
      drawn: 0.79,
      answer: [a('web.shop', '10.1.0.3'), a('web.shop', '10.1.0.4')],
    },
    { name: 'shares of the last backend come last', ask, drawn: 0.81, answer: [a('web.shop', '10.0.0.3')] },
    {
      name: 'shares keep their proportion when one backend drops out',
      when: 'remove endpoint canary shop 10.1.0.3\nremove endpoint canary shop 10.1.0.4',
      ask,
      drawn: 0.71,
      answer: [a('web.shop', '10.0.0.2')],
    },
    {
      name: 'shares keep their proportion on both sides of a backend that drops out',
      ask,
      drawn: 0.72,
      answer: [a('web.shop', '10.0.0.3')],
    },
    {
      name: 'shares may have decimals',
      when: `${split('stable=99.9,third=0.1')}`,
      ask,
      drawn: 0.9989,
      answer: [a('web.shop', '10.0.0.2')],
    },
    { name: 'shares with decimals are exact', ask, drawn: 0.9991, answer: [a('web.shop', '10.0.0.3')] },
  ],
})

spec('a split: AAAA', {
  cluster: `service web shop 10.0.0.1
            service stable shop 10.0.0.2,fd00::2
            endpoint stable shop 10.1.0.2 ready
            service canary shop headless
            endpoint canary shop 10.1.0.3 ready
            endpoint canary shop fd00:1::3 ready
            service old shop 10.0.0.4
            endpoint old shop 10.1.0.4 ready
            ${split('stable=50,canary=30,old=20')}`,
  cases: [
    {
      name: 'AAAA of a split is drawn among the backends that have an IPv6 address',
      ask: `${name('web.shop')} AAAA`,
      drawn: 0.6,
      answer: [aaaa('web.shop', 'fd00::2')],
      by: 'table',
    },
    {
      name: 'AAAA of a split has each backend with an IPv6 address',
      ask: `${name('web.shop')} AAAA`,
      drawn: 0.63,
      answer: [aaaa('web.shop', 'fd00:1::3')],
    },
    {
      name: 'A of a split has all backends, with an IPv6 address or without',
      ask,
      drawn: 0.9,
      answer: [a('web.shop', '10.0.0.4')],
    },
    {
      name: 'AAAA of a split is not that of a backend of share 0: its traffic would be more than none',
      when: split('old=100,stable=0'),
      ask: `${name('web.shop')} AAAA`,
      authority: [soa()],
      by: 'table',
    },
  ],
})

spec('a split of a headless service', {
  cluster: `service web shop headless
            endpoint web shop 10.1.0.1 ready hostname web-0
            service stable shop 10.0.0.2
            endpoint stable shop 10.1.0.2 ready
            ${split('stable=1')}`,
  cases: [
    {
      name: 'a headless service with a split answers with the backends',
      ask,
      answer: [a('web.shop', '10.0.0.2')],
      by: 'table',
    },
    {
      name: 'a headless service with a split keeps the names of its own endpoints',
      ask: `${name('web-0.web.shop')} A`,
      answer: [a('web-0.web.shop', '10.1.0.1')],
    },
    {
      name: 'a headless service with a split does not exist without a backend that is ready',
      when: 'endpoint stable shop 10.1.0.2 notReady',
      ask,
      ...missing,
    },
    {
      name: 'a headless service with a split keeps the names of its endpoints without a backend, too',
      ask: `${name('web-0.web.shop')} A`,
      answer: [a('web-0.web.shop', '10.1.0.1')],
    },
  ],
})
