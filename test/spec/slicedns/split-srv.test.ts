/** Traffic splits: SRV records carry all backends, with weights in the ratio of the traffic (docs/design.md §10). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { spec } from '../../support/cases.ts'
import { createKubernetesHarness } from '../../support/kubernetes-harness.ts'
import { a, aaaa, missing, name, split } from '../../support/split-cases.ts'

const bare = `${name('web.shop')} SRV`
const http = `${name('_http._tcp.web.shop')} SRV`
/** The order is drawn for each reply. */
const drawn = 0.5

/** `OWNER WEIGHT PORT TARGET` in words. */
const srv = (owner: string, weight: number, port: number, target: string, priority = 0): string =>
  `${name(owner)} 5 IN SRV ${priority} ${weight} ${port} ${target.endsWith('.') ? target : name(target)}`

const releases = `service web shop 10.0.0.1 ports http:TCP:80
                  endpoint web shop 10.1.0.1 ready
                  service stable shop 10.0.0.2 ports http:TCP:8080
                  endpoint stable shop 10.1.0.2 ready
                  service canary shop headless ports http:TCP:9090
                  endpoint canary shop 10.1.0.3 ready
                  endpoint canary shop 10.1.0.4 ready hostname c-1`

const both = (owner: string) => ({
  answer: [
    srv(owner, 90, 8080, 'stable.shop'),
    srv(owner, 5, 9090, '10-1-0-3.canary.shop'),
    srv(owner, 5, 9090, 'c-1.canary.shop'),
  ],
  additional: [a('stable.shop', '10.0.0.2'), a('10-1-0-3.canary.shop', '10.1.0.3'), a('c-1.canary.shop', '10.1.0.4')],
})

spec('a split: SRV', {
  cluster: `${releases}
            ${split('stable=90,canary=10')}`,
  cases: [
    {
      name: 'SRV of a split has a ClusterIP backend as one target and each endpoint of a headless one, with the backends’ ports',
      ask: http,
      drawn,
      ...both('_http._tcp.web.shop'),
      by: 'table',
    },
    {
      name: 'SRV of a split is the same at the bare name, where clients that were written for Consul ask',
      ask: bare,
      drawn,
      ...both('web.shop'),
      by: 'table',
    },
    {
      name: 'SRV of a split is the same at other spellings of the port',
      ask: `${name('http.tcp.web.shop')} SRV`,
      drawn,
      ...both('http.tcp.web.shop'),
    },
    { name: 'SRV of a split is not there for another port', ask: `${name('_grpc._tcp.web.shop')} SRV`, ...missing },
    { name: 'SRV of a split is not there for another protocol', ask: `${name('_http._udp.web.shop')} SRV`, ...missing },
    {
      name: 'SRV of a split has targets that can be looked up',
      ask: `${name('c-1.canary.shop')} A`,
      answer: [a('c-1.canary.shop', '10.1.0.4')],
    },
    {
      name: 'SRV of a split keeps the ratio of its backends when an endpoint comes',
      when: 'endpoint canary shop 10.1.0.5 ready',
      ask: http,
      drawn,
      answer: [
        srv('_http._tcp.web.shop', 270, 8080, 'stable.shop'),
        srv('_http._tcp.web.shop', 10, 9090, '10-1-0-3.canary.shop'),
        srv('_http._tcp.web.shop', 10, 9090, '10-1-0-5.canary.shop'),
        srv('_http._tcp.web.shop', 10, 9090, 'c-1.canary.shop'),
      ],
      additional: [
        a('stable.shop', '10.0.0.2'),
        a('10-1-0-3.canary.shop', '10.1.0.3'),
        a('10-1-0-5.canary.shop', '10.1.0.5'),
        a('c-1.canary.shop', '10.1.0.4'),
      ],
    },
    {
      name: 'SRV of a split has the other backends alone when one has lost its endpoints',
      when: 'endpoint stable shop 10.1.0.2 notReady\nremove endpoint canary shop 10.1.0.5',
      ask: bare,
      drawn,
      answer: [srv('web.shop', 5, 9090, '10-1-0-3.canary.shop'), srv('web.shop', 5, 9090, 'c-1.canary.shop')],
      additional: [a('10-1-0-3.canary.shop', '10.1.0.3'), a('c-1.canary.shop', '10.1.0.4')],
      by: 'table',
    },
    {
      name: 'SRV of a split has no backend of share 0',
      when: `endpoint stable shop 10.1.0.2 ready
             ${split('stable=1,canary=0')}`,
      ask: http,
      answer: [srv('_http._tcp.web.shop', 1, 8080, 'stable.shop')],
      additional: [a('stable.shop', '10.0.0.2')],
      by: 'table',
    },
    {
      name: 'SRV of a split has a backend of share 0 when nothing else is left',
      when: 'endpoint stable shop 10.1.0.2 notReady',
      ask: http,
      drawn,
      answer: [
        srv('_http._tcp.web.shop', 1, 9090, '10-1-0-3.canary.shop'),
        srv('_http._tcp.web.shop', 1, 9090, 'c-1.canary.shop'),
      ],
      additional: [a('10-1-0-3.canary.shop', '10.1.0.3'), a('c-1.canary.shop', '10.1.0.4')],
      by: 'table',
    },
    {
      name: 'SRV of a split does not exist when no backend is left',
      when: 'remove slice canary-ipv4 shop',
      ask: http,
      ...missing,
    },
    {
      name: 'SRV of a split has the priority that the service says, and its backends’ weights and priorities do not count',
      when: `endpoint stable shop 10.1.0.2 ready
             annotate service web shop slicedns.io/srv-priority 7
             annotate service web shop slicedns.io/srv-weight 3
             annotate service stable shop slicedns.io/srv-weight 8
             annotate service stable shop slicedns.io/srv-priority 9`,
      ask: http,
      answer: [srv('_http._tcp.web.shop', 1, 8080, 'stable.shop', 7)],
      additional: [a('stable.shop', '10.0.0.2')],
    },
  ],
})

spec('a split: ports', {
  cluster: `service web shop 10.0.0.1 ports http:TCP:80,metrics:TCP:9100
            service stable shop 10.0.0.2 ports http:TCP:80,metrics:TCP:9100
            endpoint stable shop 10.1.0.2 ready
            service canary shop 10.0.0.3 ports http:TCP:81
            endpoint canary shop 10.1.0.3 ready
            service standby shop 10.0.0.4 ports http:TCP:82,metrics:TCP:9102,admin:TCP:83
            endpoint standby shop 10.1.0.4 ready
            ${split('stable=90,canary=10,standby=0')}`,
  cases: [
    {
      name: 'ports of a split that a backend lacks leave it out for themselves',
      ask: `${name('_metrics._tcp.web.shop')} SRV`,
      answer: [srv('_metrics._tcp.web.shop', 90, 9100, 'stable.shop')],
      additional: [a('stable.shop', '10.0.0.2')],
      by: 'table',
    },
    {
      name: 'ports of a split are all in the answer at the bare name, each a split of its own',
      ask: bare,
      drawn,
      answer: [
        srv('web.shop', 90, 80, 'stable.shop'),
        srv('web.shop', 10, 81, 'canary.shop'),
        srv('web.shop', 90, 9100, 'stable.shop'),
      ],
      additional: [a('stable.shop', '10.0.0.2'), a('canary.shop', '10.0.0.3')],
    },
    {
      name: 'ports of a split that a backend lacks leave it out for A, too',
      ask: `${name('_metrics._tcp.web.shop')} A`,
      drawn: 0.95,
      answer: [a('_metrics._tcp.web.shop', '10.0.0.2')],
    },
    {
      name: 'ports of a split that only a backend of share 0 has lead to that backend',
      when: 'service stable shop 10.0.0.2 ports http:TCP:80',
      ask: `${name('_metrics._tcp.web.shop')} SRV`,
      answer: [srv('_metrics._tcp.web.shop', 1, 9102, 'standby.shop')],
      additional: [a('standby.shop', '10.0.0.4')],
    },
    {
      name: 'ports of a split that no backend has do not exist',
      when: 'remove service standby shop',
      ask: `${name('_metrics._tcp.web.shop')} SRV`,
      ...missing,
    },
    {
      name: 'ports of a split are only those of the service, where it declares some',
      ask: `${name('_admin._tcp.web.shop')} SRV`,
      ...missing,
    },
    {
      name: 'ports of a split are those of any backend, where the service declares none',
      when: 'service web shop headless ports none',
      ask: http,
      drawn,
      answer: [srv('_http._tcp.web.shop', 90, 80, 'stable.shop'), srv('_http._tcp.web.shop', 10, 81, 'canary.shop')],
      additional: [a('stable.shop', '10.0.0.2'), a('canary.shop', '10.0.0.3')],
    },
    {
      name: 'ports of a split without a name are at the bare name',
      when: `service web shop 10.0.0.1 ports TCP:80
             service stable shop 10.0.0.2 ports TCP:8080
             service canary shop 10.0.0.3 ports TCP:8081`,
      ask: bare,
      drawn,
      answer: [srv('web.shop', 90, 8080, 'stable.shop'), srv('web.shop', 10, 8081, 'canary.shop')],
      additional: [a('stable.shop', '10.0.0.2'), a('canary.shop', '10.0.0.3')],
      by: 'table',
    },
    {
      name: 'ports of a split without a name stand for a backend’s only port, whatever its name',
      when: 'service canary shop 10.0.0.3 ports web:TCP:8082',
      ask: bare,
      drawn,
      answer: [srv('web.shop', 90, 8080, 'stable.shop'), srv('web.shop', 10, 8082, 'canary.shop')],
      additional: [a('stable.shop', '10.0.0.2'), a('canary.shop', '10.0.0.3')],
    },
    {
      name: 'ports of a split without a name do not stand for one of several',
      when: 'service canary shop 10.0.0.3 ports web:TCP:8082,admin:TCP:8083',
      ask: bare,
      answer: [srv('web.shop', 90, 8080, 'stable.shop')],
      additional: [a('stable.shop', '10.0.0.2')],
    },
    {
      name: 'ports of a split of one number and two protocols are one record',
      when: `service web shop 10.0.0.1 ports dns:UDP:53,dns-tcp:TCP:53
             service stable shop 10.0.0.2 ports dns:UDP:53,dns-tcp:TCP:53
             service canary shop 10.0.0.3 ports dns:UDP:53,dns-tcp:TCP:53`,
      ask: bare,
      drawn,
      answer: [srv('web.shop', 90, 53, 'stable.shop'), srv('web.shop', 10, 53, 'canary.shop')],
      additional: [a('stable.shop', '10.0.0.2'), a('canary.shop', '10.0.0.3')],
    },
    {
      name: 'ports of a split of a headless backend are its slices’',
      when: `service canary shop headless ports dns:UDP:53
             slice canary-a canary shop IPv4 ports dns:UDP:5300
             endpoint canary shop 10.1.1.1 ready slice canary-a
             slice canary-b canary shop IPv4 ports other:UDP:1
             endpoint canary shop 10.1.1.2 ready slice canary-b
             remove slice canary-ipv4 shop`,
      ask: `${name('_dns._udp.web.shop')} SRV`,
      drawn,
      answer: [
        srv('_dns._udp.web.shop', 90, 53, 'stable.shop'),
        srv('_dns._udp.web.shop', 10, 5300, '10-1-1-1.canary.shop'),
      ],
      additional: [a('stable.shop', '10.0.0.2'), a('10-1-1-1.canary.shop', '10.1.1.1')],
    },
  ],
})

spec('a split: SRV of other targets', {
  cluster: `${releases}
            service standby shop external standby.example.org ports none
            ${split('stable=60,standby=40')}`,
  cases: [
    {
      name: 'SRV targets of a split are the external name, at the split’s port where it declares none',
      ask: http,
      drawn,
      answer: [
        srv('_http._tcp.web.shop', 60, 8080, 'stable.shop'),
        srv('_http._tcp.web.shop', 40, 80, 'standby.example.org.'),
      ],
      additional: [a('stable.shop', '10.0.0.2')],
      by: 'table',
    },
    {
      name: 'SRV targets of a split are the external name, at its own port',
      when: 'service standby shop external standby.example.org ports http:TCP:443',
      ask: http,
      drawn,
      answer: [
        srv('_http._tcp.web.shop', 60, 8080, 'stable.shop'),
        srv('_http._tcp.web.shop', 40, 443, 'standby.example.org.'),
      ],
      additional: [a('stable.shop', '10.0.0.2')],
      by: 'table',
    },
    {
      name: 'SRV targets of a split are not the external name where it lacks the port',
      when: 'service standby shop external standby.example.org ports https:TCP:443',
      ask: http,
      answer: [srv('_http._tcp.web.shop', 60, 8080, 'stable.shop')],
      additional: [a('stable.shop', '10.0.0.2')],
    },
    {
      name: 'SRV targets of a split of two backends that lead to one place are one record with both shares',
      when: `service standby shop external standby.example.org ports http:TCP:443
             service twin shop external standby.example.org ports http:TCP:443
             ${split('stable=50,standby=20,twin=30')}`,
      ask: http,
      drawn,
      answer: [
        srv('_http._tcp.web.shop', 50, 8080, 'stable.shop'),
        srv('_http._tcp.web.shop', 50, 443, 'standby.example.org.'),
      ],
      additional: [a('stable.shop', '10.0.0.2')],
    },
    {
      name: 'SRV targets of a split have all their addresses',
      when: `service stable shop 10.0.0.2,fd00::2 ports http:TCP:8080
             endpoint canary shop fd00:1::4 ready hostname c-1
             remove endpoint canary shop 10.1.0.3
             ${split('stable=50,canary=50')}`,
      ask: http,
      drawn,
      answer: [
        srv('_http._tcp.web.shop', 50, 8080, 'stable.shop'),
        srv('_http._tcp.web.shop', 50, 9090, 'c-1.canary.shop'),
      ],
      additional: [
        a('stable.shop', '10.0.0.2'),
        aaaa('stable.shop', 'fd00::2'),
        a('c-1.canary.shop', '10.1.0.4'),
        aaaa('c-1.canary.shop', 'fd00:1::4'),
      ],
    },
    {
      name: 'SRV targets of a split are not endpoints that are only names: these have no SRV records',
      when: `remove slice canary-ipv4 shop
             remove slice canary-ipv6 shop
             endpoint canary shop pod.example.org ready`,
      ask: http,
      answer: [srv('_http._tcp.web.shop', 50, 8080, 'stable.shop')],
      additional: [a('stable.shop', '10.0.0.2'), aaaa('stable.shop', 'fd00::2')],
    },
  ],
})

test('a split over very many endpoints has its addresses in the table ahead, its SRV records once they are asked for', async () => {
  const endpoints = Array.from({ length: 600 }, (_, i) => `endpoint crowd shop 10.2.${i >> 8}.${i & 255} ready`)
  const cluster = createKubernetesHarness({
    cluster: `${releases}
              service crowd shop headless
              ${endpoints.join('\n')}
              ${split('stable=50,crowd=50')}`,
  })
  await cluster.settled()
  for (const [asked, type] of [bare, http].map((question) => question.split(' '))) {
    assert.ok(cluster.askTable(asked, 'A'))
    assert.equal(cluster.askTable(asked, type), undefined)
    await cluster.askChain(asked, type, {})
    await cluster.settled()
    assert.equal(cluster.askTable(asked, type)?.answer.length, 601)
  }
  cluster.apply('endpoint stable shop 10.1.0.2 notReady')
  await cluster.settled()
  for (const [asked, type] of [bare, http].map((question) => question.split(' '))) {
    assert.equal(cluster.askTable(asked, type)?.answer.length, 600)
  }
})
