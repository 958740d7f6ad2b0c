/** Traffic splits beside other annotations and options: TTLs, metadata, aliases, browsing. */
import { soa, spec } from '../../support/cases.ts'
import { a, name, split } from '../../support/split-cases.ts'

const ask = `${name('web.shop')} A`

/** A stable release with a ClusterIP, a canary without. */
const releases = `service web shop 10.0.0.1
                  endpoint web shop 10.1.0.1 ready
                  service stable shop 10.0.0.2
                  endpoint stable shop 10.1.0.2 ready
                  service canary shop headless
                  endpoint canary shop 10.1.0.3 ready
                  endpoint canary shop 10.1.0.4 ready`

spec('a split: TTL', {
  options: 'ttl 30\nttl_headless 60',
  cluster: `${releases}
            ${split('stable=90,canary=10')}`,
  cases: [
    {
      name: 'the TTL of a split is at most 5: who caches an answer keeps the draw',
      ask,
      drawn: 0,
      answer: [a('web.shop', '10.0.0.2', 5)],
    },
    {
      name: 'the TTL of a split is at most 5 whatever the namespace says',
      when: 'annotate namespace shop slicedns.io/ttl 20',
      ask,
      drawn: 0,
      answer: [a('web.shop', '10.0.0.2', 5)],
    },
    {
      name: 'the TTL of a split is shorter where the namespace says so',
      when: 'annotate namespace shop slicedns.io/ttl 2',
      ask,
      drawn: 0,
      answer: [a('web.shop', '10.0.0.2', 2)],
    },
    {
      name: 'the TTL of a split is longer only where the service itself says so',
      when: 'annotate service web shop slicedns.io/ttl 40',
      ask,
      drawn: 0,
      answer: [a('web.shop', '10.0.0.2', 40)],
    },
  ],
})

spec('a split: adaptive_ttl', {
  options: 'adaptive_ttl 1 4 60s',
  cluster: `${releases}
            ${split('stable=90,canary=10')}`,
  cases: [
    {
      name: 'the adaptive TTL of a split is MAX, up to 5, while its backends are settled',
      ask,
      drawn: 0,
      answer: [a('web.shop', '10.0.0.2', 4)],
    },
    {
      name: 'the adaptive TTL of a split is MIN when the endpoints of one have changed, of one with a ClusterIP too',
      when: 'endpoint stable shop 10.1.0.9 ready',
      ask,
      drawn: 0,
      answer: [a('web.shop', '10.0.0.2', 1)],
      by: 'table',
    },
    {
      name: 'the adaptive TTL of a split is MAX again when that has settled, without another event',
      passed: 60_000,
      ask,
      drawn: 0,
      answer: [a('web.shop', '10.0.0.2', 4)],
      by: 'table',
    },
    {
      name: 'the adaptive TTL of a split does not follow endpoints that are not in it: the service’s own',
      when: 'endpoint web shop 10.1.0.99 ready',
      ask,
      drawn: 0,
      answer: [a('web.shop', '10.0.0.2', 4)],
    },
  ],
})

spec('a split with ignore empty_service', {
  options: 'ignore empty_service',
  cluster: `service web shop 10.0.0.1
            service stable shop 10.0.0.2
            endpoint stable shop 10.1.0.2 ready
            ${split('stable=1')}`,
  cases: [
    {
      name: 'a split needs no endpoint of its own with ignore empty_service',
      ask,
      answer: [a('web.shop', '10.0.0.2')],
      by: 'table',
    },
  ],
})

spec('a split with annotations off', {
  options: 'annotations off',
  cluster: `${releases}
            ${split('stable=90,canary=10')}`,
  cases: [
    {
      name: 'a split is an ordinary service with annotations off',
      ask,
      answer: [a('web.shop', '10.0.0.1')],
      by: 'table',
    },
  ],
})

spec('a split and what else is at its name', {
  options: 'dns_sd\nalias_zones apps.example',
  cluster: `${releases}
            annotate service web shop txt.slicedns.io/version 2
            annotate service web shop slicedns.io/alias web.apps.example
            ${split('stable=100,canary=0')}`,
  cases: [
    {
      name: 'a split keeps the service’s metadata',
      ask: `${name('web.shop')} TXT`,
      answer: [`${name('web.shop')} 5 IN TXT "version=2"`],
      by: 'table',
    },
    {
      name: 'a split is one at its alias',
      ask: 'web.apps.example. A',
      answer: ['web.apps.example. 5 IN A 10.0.0.2'],
      by: 'table',
    },
    {
      name: 'a split is one where it is browsed',
      ask: `${name('web._http._tcp.shop')} SRV`,
      answer: [`${name('web._http._tcp.shop')} 5 IN SRV 0 100 80 ${name('stable.shop')}`],
      additional: [a('stable.shop', '10.0.0.2')],
      by: 'table',
    },
    {
      name: 'a split follows its backends where it is browsed',
      when: 'endpoint stable shop 10.1.0.2 notReady\nremove endpoint canary shop 10.1.0.4',
      ask: `${name('web._http._tcp.shop')} SRV`,
      answer: [`${name('web._http._tcp.shop')} 5 IN SRV 0 1 80 ${name('10-1-0-3.canary.shop')}`],
      additional: [a('10-1-0-3.canary.shop', '10.1.0.3')],
      by: 'table',
    },
    {
      name: 'a split follows its backends at its alias',
      ask: 'web.apps.example. A',
      answer: ['web.apps.example. 5 IN A 10.1.0.3'],
      by: 'table',
    },
    {
      name: 'a split keeps the metadata when no backend is left: the name is there, without addresses',
      when: 'endpoint canary shop 10.1.0.3 notReady',
      ask: `${name('web.shop')} TXT`,
      answer: [`${name('web.shop')} 5 IN TXT "version=2"`],
      by: 'table',
    },
    { name: 'a split without backends is NODATA at its alias', ask, authority: [soa()], by: 'table' },
  ],
})

spec('a split of which no backend is left', {
  cluster: `service web shop 10.0.0.1
            endpoint web shop 10.1.0.1 ready
            ${split('gone=1')}`,
  cases: [
    { name: 'a split without backends does not exist', ask, rcode: 'NXDOMAIN', authority: [soa()], by: 'table' },
    {
      name: 'a split without backends has the names of its own endpoints',
      ask: `${name('10-1-0-1.web.shop')} A`,
      answer: [a('10-1-0-1.web.shop', '10.1.0.1')],
      by: 'table',
    },
  ],
})
