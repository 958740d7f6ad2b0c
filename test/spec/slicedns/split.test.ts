/** Traffic splits: the annotation `split` (DESIGN §3, Split semantics), for A, AAAA and CNAME. SRV: split-srv.test.ts. */
import { soa, spec } from '../../support/cases.ts'

const name = (left: string): string => `${left}.svc.cluster.local.`
const a = (owner: string, address: string, ttl = 5): string => `${name(owner)} ${ttl} IN A ${address}`
const aaaa = (owner: string, address: string): string => `${name(owner)} 5 IN AAAA ${address}`
const split = (value: string): string => `annotate service web shop slicedns.io/split ${value}`
const missing = { rcode: 'NXDOMAIN', authority: [soa()] }
const ask = `${name('web.shop')} A`

/** A stable release with a ClusterIP, a canary without. */
const releases = `service web shop 10.0.0.1
                  endpoint web shop 10.1.0.1 ready
                  service stable shop 10.0.0.2
                  endpoint stable shop 10.1.0.2 ready
                  service canary shop headless
                  endpoint canary shop 10.1.0.3 ready
                  endpoint canary shop 10.1.0.4 ready`

spec('a split: A', {
  cluster: `${releases}
            ${split('stable=90,canary=10')}`,
  cases: [
    { name: 'is one backend a reply, its ClusterIP', ask, drawn: 0, answer: [a('web.shop', '10.0.0.2')], by: 'table' },
    { name: 'is drawn in proportion to the shares', ask, drawn: 0.899, answer: [a('web.shop', '10.0.0.2')] },
    {
      name: 'is all ready endpoints of a headless backend when that is drawn',
      ask,
      drawn: 0.901,
      answer: [a('web.shop', '10.1.0.3'), a('web.shop', '10.1.0.4')],
      by: 'table',
    },
    {
      name: 'is the same at a port’s name',
      ask: `${name('_http._tcp.web.shop')} A`,
      drawn: 0.95,
      answer: [a('_http._tcp.web.shop', '10.1.0.3'), a('_http._tcp.web.shop', '10.1.0.4')],
      by: 'table',
    },
    {
      name: 'leaves the names of the service’s own endpoints alone',
      ask: `${name('10-1-0-1.web.shop')} A`,
      answer: [a('10-1-0-1.web.shop', '10.1.0.1')],
    },
    {
      name: 'leaves the PTR of its ClusterIP alone',
      ask: '1.0.0.10.in-addr.arpa. PTR',
      answer: [`1.0.0.10.in-addr.arpa. 5 IN PTR ${name('web.shop')}`],
    },
    { name: 'has no TXT, nor other types: NODATA', ask: `${name('web.shop')} TXT`, authority: [soa()] },
    { name: 'is no alias: no CNAME', ask: `${name('web.shop')} CNAME`, authority: [soa()] },
    {
      name: 'follows an endpoint that goes, in the next reply',
      when: 'endpoint canary shop 10.1.0.3 notReady',
      ask,
      drawn: 0.95,
      answer: [a('web.shop', '10.1.0.4')],
      by: 'table',
    },
    {
      name: 'passes over a backend that has lost all its ready endpoints',
      when: 'endpoint canary shop 10.1.0.4 notReady',
      ask,
      drawn: 0.95,
      answer: [a('web.shop', '10.0.0.2')],
      by: 'table',
    },
    {
      name: 'has it again when one is ready again',
      when: 'endpoint canary shop 10.1.0.4 ready',
      ask,
      drawn: 0.95,
      answer: [a('web.shop', '10.1.0.4')],
    },
    {
      name: 'passes over a backend with a ClusterIP that has no ready endpoint',
      when: 'endpoint stable shop 10.1.0.2 notReady',
      ask,
      drawn: 0,
      answer: [a('web.shop', '10.1.0.4')],
    },
    {
      name: 'is missing, as of a headless service, when no backend has any, whatever the service itself has',
      when: 'endpoint canary shop 10.1.0.4 notReady',
      ask,
      ...missing,
    },
    {
      name: 'follows a backend’s service that goes',
      when: `endpoint canary shop 10.1.0.4 ready
             endpoint stable shop 10.1.0.2 ready
             remove service stable shop`,
      ask,
      drawn: 0,
      answer: [a('web.shop', '10.1.0.4')],
    },
    {
      name: 'follows a backend’s service that comes',
      when: 'service stable shop 10.0.0.9',
      ask,
      drawn: 0,
      answer: [a('web.shop', '10.0.0.9')],
    },
    {
      name: 'follows the annotation',
      when: split('stable=10,canary=90'),
      ask,
      drawn: 0.11,
      answer: [a('web.shop', '10.1.0.4')],
    },
    {
      name: 'is that of an ordinary service when the annotation goes',
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
    { name: 'of 0 mean never', ask, drawn: 0.9999, answer: [a('web.shop', '10.0.0.2')] },
    {
      name: 'of 0 mean always when nothing else is left',
      when: 'endpoint stable shop 10.1.0.2 notReady',
      ask,
      drawn: 0,
      answer: [a('web.shop', '10.1.0.3'), a('web.shop', '10.1.0.4')],
      by: 'table',
    },
    {
      name: 'of 0 mean never again when something is',
      when: 'endpoint stable shop 10.1.0.2 ready',
      ask,
      drawn: 0.9999,
      answer: [a('web.shop', '10.0.0.2')],
    },
    {
      name: 'of 0 are alike among themselves when nothing else is left',
      when: `service third shop 10.0.0.3
             endpoint third shop 10.1.0.5 ready
             ${split('gone=1,stable=0,third=0')}`,
      ask,
      drawn: 0.51,
      answer: [a('web.shop', '10.0.0.3')],
    },
    {
      name: 'may be of three backends',
      when: split('stable=50,canary=30,third=20'),
      ask,
      drawn: 0.79,
      answer: [a('web.shop', '10.1.0.3'), a('web.shop', '10.1.0.4')],
    },
    { name: 'of the last come last', ask, drawn: 0.81, answer: [a('web.shop', '10.0.0.3')] },
    {
      name: 'keep their proportion when one drops out',
      when: 'remove endpoint canary shop 10.1.0.3\nremove endpoint canary shop 10.1.0.4',
      ask,
      drawn: 0.71,
      answer: [a('web.shop', '10.0.0.2')],
    },
    { name: 'keep it on both sides', ask, drawn: 0.72, answer: [a('web.shop', '10.0.0.3')] },
    {
      name: 'have decimals',
      when: `${split('stable=99.9,third=0.1')}`,
      ask,
      drawn: 0.9989,
      answer: [a('web.shop', '10.0.0.2')],
    },
    { name: 'are exact', ask, drawn: 0.9991, answer: [a('web.shop', '10.0.0.3')] },
  ],
})

spec('a split: backends elsewhere', {
  options: 'namespaces shop other',
  cluster: `namespace shop
            namespace other
            namespace hidden
            ${releases}
            service web other 10.0.1.1
            endpoint web other 10.1.1.1 ready
            service web hidden 10.0.2.1
            endpoint web hidden 10.1.2.1 ready
            ${split('stable=50,web.other=25,web.hidden=20,web.nowhere=5')}`,
  cases: [
    { name: 'are in the namespace that they name', ask, drawn: 0.67, answer: [a('web.shop', '10.0.1.1')], by: 'table' },
    { name: 'are passed over where the Corefile hides it', ask, drawn: 0.66, answer: [a('web.shop', '10.0.0.2')] },
    {
      name: 'are passed over when their namespace goes',
      when: 'remove namespace other',
      ask,
      drawn: 0.99,
      answer: [a('web.shop', '10.0.0.2')],
      by: 'table',
    },
    {
      name: 'are there again when it comes back',
      when: 'namespace other',
      ask,
      drawn: 0.99,
      answer: [a('web.shop', '10.0.1.1')],
      by: 'table',
    },
    {
      name: 'do not keep the split when its own namespace goes',
      when: 'remove namespace shop',
      ask,
      ...missing,
    },
  ],
})

const elsewhere = { 'standby.example.org. A': ['standby.example.org. 60 IN A 192.0.2.1'] }

spec('a split with an ExternalName', {
  cluster: `${releases}
            service standby shop external standby.example.org ports none
            ${split('stable=100,standby=0')}`,
  cases: [
    {
      name: 'is the table’s while that is not drawn',
      ask,
      drawn: 0.9,
      answer: [a('web.shop', '10.0.0.2')],
      by: 'table',
    },
    {
      name: 'is a CNAME to the other place when nothing else is left',
      when: 'endpoint stable shop 10.1.0.2 notReady',
      ask,
      elsewhere,
      answer: [`${name('web.shop')} 5 IN CNAME standby.example.org.`, 'standby.example.org. 60 IN A 192.0.2.1'],
      by: 'chain',
    },
    {
      name: 'says so to who asks for CNAME',
      ask: `${name('web.shop')} CNAME`,
      answer: [`${name('web.shop')} 5 IN CNAME standby.example.org.`],
      by: 'table',
    },
    {
      name: 'comes back with the first ready endpoint',
      when: 'endpoint stable shop 10.1.0.2 ready',
      ask,
      answer: [a('web.shop', '10.0.0.2')],
      by: 'table',
    },
    {
      name: 'is the chain’s while both can be drawn',
      when: split('stable=70,standby=30'),
      ask,
      drawn: 0.69,
      answer: [a('web.shop', '10.0.0.2')],
      by: 'chain',
    },
    {
      name: 'is drawn there like any other',
      ask,
      drawn: 0.71,
      elsewhere,
      answer: [`${name('web.shop')} 5 IN CNAME standby.example.org.`, 'standby.example.org. 60 IN A 192.0.2.1'],
      by: 'chain',
    },
    { name: 'is no alias while it is more than that', ask: `${name('web.shop')} CNAME`, authority: [soa()] },
    {
      name: 'that leads to a split draws there',
      when: 'service alias shop external web.shop.svc.cluster.local',
      ask: `${name('alias.shop')} A`,
      drawn: 0,
      answer: [`${name('alias.shop')} 5 IN CNAME ${name('web.shop')}`, a('web.shop', '10.0.0.2')],
      by: 'chain',
    },
    {
      name: 'that leads back to the split ends there',
      when: 'service standby shop external web.shop.svc.cluster.local',
      ask,
      drawn: 0.9,
      authority: [soa()],
    },
    {
      name: 'whose name is an address is passed over',
      when: 'service standby shop external 192.0.2.1',
      ask,
      drawn: 0.9,
      answer: [a('web.shop', '10.0.0.2')],
      by: 'table',
    },
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
      name: 'is drawn among the backends that have an IPv6 address',
      ask: `${name('web.shop')} AAAA`,
      drawn: 0.6,
      answer: [aaaa('web.shop', 'fd00::2')],
      by: 'table',
    },
    {
      name: 'has each of these',
      ask: `${name('web.shop')} AAAA`,
      drawn: 0.63,
      answer: [aaaa('web.shop', 'fd00:1::3')],
    },
    { name: 'leaves A to all of them', ask, drawn: 0.9, answer: [a('web.shop', '10.0.0.4')] },
    {
      name: 'is not that of a backend of share 0: its traffic would be more than none',
      when: split('old=100,stable=0'),
      ask: `${name('web.shop')} AAAA`,
      authority: [soa()],
      by: 'table',
    },
  ],
})

spec('a split that must not be one', {
  cluster: `${releases}
            ${split('stable=90,canary=10')}
            annotate service canary shop slicedns.io/split stable=1`,
  cases: [
    {
      name: 'because a backend is one answers as if it had no annotation',
      ask,
      answer: [a('web.shop', '10.0.0.1')],
      by: 'table',
    },
    {
      name: 'leaves that backend a split',
      ask: `${name('canary.shop')} A`,
      answer: [a('canary.shop', '10.0.0.2')],
      by: 'table',
    },
    {
      name: 'is one when the backend is none any more',
      when: 'annotate service canary shop slicedns.io/split',
      ask,
      drawn: 0.95,
      answer: [a('web.shop', '10.1.0.3'), a('web.shop', '10.1.0.4')],
      by: 'table',
    },
    {
      name: 'is one when the backend’s annotation is none',
      when: 'annotate service canary shop slicedns.io/split nonsense',
      ask,
      drawn: 0.95,
      answer: [a('web.shop', '10.1.0.3'), a('web.shop', '10.1.0.4')],
      by: 'table',
    },
    {
      name: 'because two have each other for a backend: neither is one',
      when: 'annotate service canary shop slicedns.io/split web=1',
      ask,
      answer: [a('web.shop', '10.0.0.1')],
      by: 'table',
    },
    {
      name: 'is no split for the other, either',
      ask: `${name('canary.shop')} A`,
      answer: [a('canary.shop', '10.1.0.3'), a('canary.shop', '10.1.0.4')],
      by: 'table',
    },
    {
      name: 'because it has itself for a backend',
      when: `annotate service canary shop slicedns.io/split
             ${split('web=50,canary=50')}`,
      ask,
      answer: [a('web.shop', '10.0.0.1')],
    },
    {
      name: 'because a backend is there twice, with and without its namespace',
      when: split('canary=50,canary.shop=50'),
      ask,
      answer: [a('web.shop', '10.0.0.1')],
    },
    { name: 'because it cannot be read', when: split('canary'), ask, answer: [a('web.shop', '10.0.0.1')] },
  ],
})

spec('a split: TTL', {
  options: 'ttl 30\nttl_headless 60',
  cluster: `${releases}
            ${split('stable=90,canary=10')}`,
  cases: [
    {
      name: 'is at most 5: who caches an answer keeps the draw',
      ask,
      drawn: 0,
      answer: [a('web.shop', '10.0.0.2', 5)],
    },
    {
      name: 'is at most 5 whatever the namespace says',
      when: 'annotate namespace shop slicedns.io/ttl 20',
      ask,
      drawn: 0,
      answer: [a('web.shop', '10.0.0.2', 5)],
    },
    {
      name: 'is shorter where the namespace says so',
      when: 'annotate namespace shop slicedns.io/ttl 2',
      ask,
      drawn: 0,
      answer: [a('web.shop', '10.0.0.2', 2)],
    },
    {
      name: 'is longer only where the service itself says so',
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
    { name: 'is MAX, up to 5, while its backends are settled', ask, drawn: 0, answer: [a('web.shop', '10.0.0.2', 4)] },
    {
      name: 'is MIN when the endpoints of one have changed, of one with a ClusterIP too',
      when: 'endpoint stable shop 10.1.0.9 ready',
      ask,
      drawn: 0,
      answer: [a('web.shop', '10.0.0.2', 1)],
      by: 'table',
    },
    {
      name: 'is MAX again when that has settled, without another event',
      passed: 60_000,
      ask,
      drawn: 0,
      answer: [a('web.shop', '10.0.0.2', 4)],
      by: 'table',
    },
    {
      name: 'does not follow endpoints that are not in it: the service’s own',
      when: 'endpoint web shop 10.1.0.99 ready',
      ask,
      drawn: 0,
      answer: [a('web.shop', '10.0.0.2', 4)],
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
    { name: 'answers with the backends', ask, answer: [a('web.shop', '10.0.0.2')], by: 'table' },
    {
      name: 'keeps the names of its own endpoints',
      ask: `${name('web-0.web.shop')} A`,
      answer: [a('web-0.web.shop', '10.1.0.1')],
    },
    {
      name: 'is missing without a backend that is ready',
      when: 'endpoint stable shop 10.1.0.2 notReady',
      ask,
      ...missing,
    },
    {
      name: 'keeps these names then, too',
      ask: `${name('web-0.web.shop')} A`,
      answer: [a('web-0.web.shop', '10.1.0.1')],
    },
  ],
})

spec('a split while EndpointSlices may not be read', {
  cluster: `${releases}
            ${split('stable=90,canary=10')}
            forbidden endpointslices`,
  cases: [
    {
      name: 'has the backends that have a ClusterIP',
      ask,
      drawn: 0.95,
      answer: [a('web.shop', '10.0.0.2')],
      by: 'table',
    },
    {
      name: 'does not give to a backend of share 0 what it cannot see is another’s',
      when: split('canary=100,stable=0'),
      ask,
      rcode: 'SERVFAIL',
      authority: [soa()],
      by: 'chain',
    },
  ],
})

spec('a split with ignore empty_service', {
  options: 'ignore empty_service',
  cluster: `service web shop 10.0.0.1
            service stable shop 10.0.0.2
            endpoint stable shop 10.1.0.2 ready
            ${split('stable=1')}`,
  cases: [{ name: 'needs no endpoint of its own', ask, answer: [a('web.shop', '10.0.0.2')], by: 'table' }],
})

spec('annotations off', {
  options: 'annotations off',
  cluster: `${releases}
            ${split('stable=90,canary=10')}`,
  cases: [{ name: 'a split is an ordinary service', ask, answer: [a('web.shop', '10.0.0.1')], by: 'table' }],
})

spec('a split and what else is at its name', {
  options: 'dns_sd\nalias_zones apps.example',
  cluster: `${releases}
            annotate service web shop txt.slicedns.io/version 2
            annotate service web shop slicedns.io/alias web.apps.example
            ${split('stable=100,canary=0')}`,
  cases: [
    {
      name: 'keeps the service’s metadata',
      ask: `${name('web.shop')} TXT`,
      answer: [`${name('web.shop')} 5 IN TXT "version=2"`],
      by: 'table',
    },
    {
      name: 'is a split at an alias',
      ask: 'web.apps.example. A',
      answer: ['web.apps.example. 5 IN A 10.0.0.2'],
      by: 'table',
    },
    {
      name: 'is a split where it is browsed',
      ask: `${name('web._http._tcp.shop')} SRV`,
      answer: [`${name('web._http._tcp.shop')} 5 IN SRV 0 100 80 ${name('stable.shop')}`],
      additional: [a('stable.shop', '10.0.0.2')],
      by: 'table',
    },
    {
      name: 'follows its backends there, too',
      when: 'endpoint stable shop 10.1.0.2 notReady\nremove endpoint canary shop 10.1.0.4',
      ask: `${name('web._http._tcp.shop')} SRV`,
      answer: [`${name('web._http._tcp.shop')} 5 IN SRV 0 1 80 ${name('10-1-0-3.canary.shop')}`],
      additional: [a('10-1-0-3.canary.shop', '10.1.0.3')],
      by: 'table',
    },
    {
      name: 'follows them at an alias',
      ask: 'web.apps.example. A',
      answer: ['web.apps.example. 5 IN A 10.1.0.3'],
      by: 'table',
    },
    {
      name: 'keeps the metadata when no backend is left: the name is there, without addresses',
      when: 'endpoint canary shop 10.1.0.3 notReady',
      ask: `${name('web.shop')} TXT`,
      answer: [`${name('web.shop')} 5 IN TXT "version=2"`],
      by: 'table',
    },
    { name: 'is NODATA then', ask, authority: [soa()], by: 'table' },
  ],
})
