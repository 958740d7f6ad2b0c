/** `adaptive_ttl MIN MAX [SETTLE]` (docs/design.md §9): the TTLs of answers across changes of the endpoints. */
import { soa, spec } from '../../support/cases.ts'
import { fixedSerial } from '../../support/kubernetes-harness.ts'

const name = (left: string): string => `${left}.shop.svc.cluster.local.`
const a = (owner: string, ttl: number, ...addresses: string[]): string[] =>
  addresses.map((address) => `${name(owner)} ${ttl} IN A ${address}`)
const db = (ttl: number, ...addresses: string[]) => ({ ask: `${name('db')} A`, answer: a('db', ttl, ...addresses) })

const seconds = 1000

spec('adaptive_ttl: a headless service', {
  options: 'adaptive_ttl 2 30 60s',
  cluster: `service db shop headless
            endpoint db shop 10.1.0.1 ready
            endpoint db shop 10.1.0.2 ready`,
  cases: [
    {
      name: 'a headless service has MAX as it was listed',
      ...db(30, '10.1.0.1', '10.1.0.2'),
      by: 'table',
    },
    {
      name: 'an endpoint’s name has MAX as it was listed',
      ask: `${name('10-1-0-1.db')} A`,
      answer: a('10-1-0-1.db', 30, '10.1.0.1'),
    },
    {
      name: 'an endpoint’s PTR has MAX as it was listed',
      ask: '1.0.1.10.in-addr.arpa. PTR',
      answer: [`1.0.1.10.in-addr.arpa. 30 IN PTR ${name('10-1-0-1.db')}`],
      by: 'table',
    },
    {
      name: 'a headless service has MIN as soon as an endpoint is added',
      when: 'endpoint db shop 10.1.0.3 ready',
      ...db(2, '10.1.0.1', '10.1.0.2', '10.1.0.3'),
      by: 'table',
    },
    {
      name: 'the names of the other endpoints have MIN when one is added',
      ask: `${name('10-1-0-1.db')} A`,
      answer: a('10-1-0-1.db', 2, '10.1.0.1'),
      by: 'table',
    },
    {
      name: 'the PTRs of the other endpoints have MIN when one is added',
      ask: '1.0.1.10.in-addr.arpa. PTR',
      answer: [`1.0.1.10.in-addr.arpa. 2 IN PTR ${name('10-1-0-1.db')}`],
      by: 'table',
    },
    {
      name: 'the SRV records and their glue have MIN when an endpoint is added',
      ask: `${name('10-1-0-1.db')} SRV`,
      answer: [`${name('10-1-0-1.db')} 2 IN SRV 0 100 80 ${name('10-1-0-1.db')}`],
      additional: a('10-1-0-1.db', 2, '10.1.0.1'),
    },
    {
      name: 'a headless service has MIN as soon as an endpoint is removed',
      when: 'remove endpoint db shop 10.1.0.3',
      ...db(2, '10.1.0.1', '10.1.0.2'),
      passed: 59 * seconds,
      by: 'table',
    },
    {
      name: 'a headless service has MAX once SETTLE has passed, without an event',
      passed: 1 * seconds,
      ...db(30, '10.1.0.1', '10.1.0.2'),
      by: 'table',
    },
    {
      name: 'a headless service has MIN when another endpoint is added …',
      when: 'endpoint db shop 10.1.0.4 ready',
      passed: 40 * seconds,
      ...db(2, '10.1.0.1', '10.1.0.2', '10.1.0.4'),
      by: 'table',
    },
    {
      name: '… and a headless service has MIN for SETTLE after the last change',
      when: 'remove endpoint db shop 10.1.0.4',
      passed: 59 * seconds,
      ...db(2, '10.1.0.1', '10.1.0.2'),
      by: 'table',
    },
    {
      name: 'a headless service has MAX when SETTLE is over',
      passed: 1 * seconds,
      ...db(30, '10.1.0.1', '10.1.0.2'),
      by: 'table',
    },
    {
      name: 'the names of the endpoints have MAX when SETTLE is over',
      ask: `${name('10-1-0-1.db')} A`,
      answer: a('10-1-0-1.db', 30, '10.1.0.1'),
      by: 'table',
    },
    {
      name: 'the PTRs of the endpoints have MAX when SETTLE is over',
      ask: '1.0.1.10.in-addr.arpa. PTR',
      answer: [`1.0.1.10.in-addr.arpa. 30 IN PTR ${name('10-1-0-1.db')}`],
      by: 'table',
    },
    {
      name: 'a headless service has MIN as soon as an endpoint is not ready',
      when: 'endpoint db shop 10.1.0.2 notReady',
      ...db(2, '10.1.0.1'),
      by: 'table',
    },
    {
      name: 'a headless service has MIN for as long as an endpoint is not ready',
      passed: 3600 * seconds,
      ...db(2, '10.1.0.1'),
      by: 'table',
    },
    {
      name: 'a headless service has MAX as soon as the endpoint is ready again: the set has not changed',
      when: 'endpoint db shop 10.1.0.2 ready',
      ...db(30, '10.1.0.1', '10.1.0.2'),
      by: 'table',
    },
    {
      name: 'a headless service has MIN as soon as an endpoint is terminating, ready or not',
      when: 'endpoint db shop 10.1.0.2 ready terminating',
      ...db(2, '10.1.0.1', '10.1.0.2'),
      by: 'table',
    },
    {
      name: 'a headless service has the TTL of its annotation all the while',
      when: 'annotate service db shop slicedns.io/ttl 5',
      ...db(5, '10.1.0.1', '10.1.0.2'),
      by: 'table',
    },
    {
      name: 'a denial has the option ttl, whether the service settles or not',
      ask: `${name('db')} AAAA`,
      authority: [soa(5, 'cluster.local.', fixedSerial + 60 + 40 + 60 + 3600)],
    },
  ],
})

spec('adaptive_ttl: endpoints that move between slices', {
  options: 'adaptive_ttl 2 30 60s',
  cluster: `service db shop headless
            endpoint db shop 10.1.0.1 ready slice db-a
            endpoint db shop 10.1.0.2 ready slice db-b`,
  cases: [
    {
      name: 'a service is settled before its endpoints move between slices',
      passed: 60 * seconds,
      ...db(30, '10.1.0.1', '10.1.0.2'),
      by: 'table',
    },
    {
      name: 'endpoints that are in two slices for a moment are no change',
      when: 'endpoint db shop 10.1.0.1 ready slice db-b',
      ...db(30, '10.1.0.1', '10.1.0.2'),
      by: 'table',
    },
    {
      name: 'endpoints that are then in the other slice are no change',
      when: 'remove slice db-a shop',
      ...db(30, '10.1.0.1', '10.1.0.2'),
      by: 'table',
    },
    {
      name: 'endpoints that are gone and come again are a change, because the answer changed',
      when: `remove endpoint db shop 10.1.0.1 slice db-b
             endpoint db shop 10.1.0.1 ready slice db-c`,
      ...db(2, '10.1.0.1', '10.1.0.2'),
      by: 'table',
    },
  ],
})

spec('adaptive_ttl: services that do not follow their endpoints', {
  options: 'adaptive_ttl 2 30',
  cluster: `service web shop 10.0.0.1
            endpoint web shop 10.1.0.1 ready
            endpoint web shop 10.1.0.2 notReady
            service api shop external api.example.org`,
  cases: [
    {
      name: 'ClusterIP services have MAX whatever their endpoints do',
      ask: `${name('web')} A`,
      answer: a('web', 30, '10.0.0.1'),
      by: 'table',
    },
    {
      name: 'the PTR of a ClusterIP has MAX whatever its endpoints do',
      ask: '1.0.0.10.in-addr.arpa. PTR',
      answer: [`1.0.0.10.in-addr.arpa. 30 IN PTR ${name('web')}`],
      by: 'table',
    },
    {
      name: 'an ExternalName service has MAX',
      ask: `${name('api')} CNAME`,
      answer: [`${name('api')} 30 IN CNAME api.example.org.`],
    },
    {
      name: 'the names of the endpoints of a ClusterIP service have MIN',
      ask: `${name('10-1-0-1.web')} A`,
      answer: a('10-1-0-1.web', 2, '10.1.0.1'),
    },
    {
      name: 'the PTRs of the endpoints of a ClusterIP service have MIN',
      ask: '1.0.1.10.in-addr.arpa. PTR',
      answer: [`1.0.1.10.in-addr.arpa. 2 IN PTR ${name('10-1-0-1.web')}`],
    },
    {
      name: 'the names of the endpoints of a ClusterIP service have MAX when they have settled',
      when: 'endpoint web shop 10.1.0.2 ready',
      passed: 60 * seconds,
      ask: '1.0.1.10.in-addr.arpa. PTR',
      answer: [`1.0.1.10.in-addr.arpa. 30 IN PTR ${name('10-1-0-1.web')}`],
      by: 'table',
    },
  ],
})

spec('adaptive_ttl with ignore empty_service', {
  options: `adaptive_ttl 2 30
            ignore empty_service`,
  cluster: `service web shop 10.0.0.1
            endpoint web shop 10.1.0.1 ready
            endpoint web shop 10.1.0.2 notReady`,
  cases: [
    {
      name: 'adaptive_ttl with ignore empty_service holds for ClusterIP services',
      ask: `${name('web')} A`,
      answer: a('web', 2, '10.0.0.1'),
      by: 'table',
    },
    {
      name: 'adaptive_ttl with ignore empty_service holds for the PTRs of ClusterIP services',
      ask: '1.0.0.10.in-addr.arpa. PTR',
      answer: [`1.0.0.10.in-addr.arpa. 2 IN PTR ${name('web')}`],
      by: 'table',
    },
    {
      name: 'a ClusterIP service has MAX with ignore empty_service when the endpoints have settled',
      when: 'endpoint web shop 10.1.0.2 ready',
      passed: 60 * seconds,
      ask: `${name('web')} A`,
      answer: a('web', 30, '10.0.0.1'),
      by: 'table',
    },
    {
      name: 'the PTR of a ClusterIP has MAX with ignore empty_service when the endpoints have settled',
      ask: '1.0.0.10.in-addr.arpa. PTR',
      answer: [`1.0.0.10.in-addr.arpa. 30 IN PTR ${name('web')}`],
      by: 'table',
    },
  ],
})

spec('adaptive_ttl: the first list', {
  options: 'adaptive_ttl 2 30',
  unsynced: true,
  cluster: `service db shop headless
            endpoint db shop 10.1.0.1 ready
            service queue shop headless
            endpoint queue shop 10.2.0.1 notReady
            endpoint queue shop 10.2.0.2 ready`,
  cases: [
    {
      name: 'the first list is no change of the endpoints',
      when: `synced services
             synced endpointslices
             synced namespaces
             synced pods`,
      ...db(30, '10.1.0.1'),
      by: 'table',
    },
    {
      name: 'the first list may hold endpoints that are not ready',
      ask: `${name('queue')} A`,
      answer: a('queue', 2, '10.2.0.2'),
      by: 'table',
    },
    {
      name: 'the first list is followed by changes',
      when: 'endpoint db shop 10.1.0.2 ready',
      ...db(2, '10.1.0.1', '10.1.0.2'),
      by: 'table',
    },
  ],
})

spec('adaptive_ttl and ttl_headless', {
  options: `adaptive_ttl 2 30
            ttl_headless 10`,
  cluster: `service db shop headless
            endpoint db shop 10.1.0.1 ready`,
  cases: [{ name: 'adaptive_ttl comes before ttl_headless', passed: 60 * seconds, ...db(30, '10.1.0.1'), by: 'table' }],
})
