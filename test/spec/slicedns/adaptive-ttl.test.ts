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
      name: 'has MAX as it was listed',
      ...db(30, '10.1.0.1', '10.1.0.2'),
      by: 'table',
    },
    {
      name: 'has MAX at an endpoint’s name',
      ask: `${name('10-1-0-1.db')} A`,
      answer: a('10-1-0-1.db', 30, '10.1.0.1'),
    },
    {
      name: 'has MAX at an endpoint’s PTR',
      ask: '1.0.1.10.in-addr.arpa. PTR',
      answer: [`1.0.1.10.in-addr.arpa. 30 IN PTR ${name('10-1-0-1.db')}`],
      by: 'table',
    },
    {
      name: 'has MIN as soon as an endpoint is added',
      when: 'endpoint db shop 10.1.0.3 ready',
      ...db(2, '10.1.0.1', '10.1.0.2', '10.1.0.3'),
      by: 'table',
    },
    {
      name: 'has MIN at the names of its other endpoints, too',
      ask: `${name('10-1-0-1.db')} A`,
      answer: a('10-1-0-1.db', 2, '10.1.0.1'),
      by: 'table',
    },
    {
      name: 'has MIN at the PTRs of its other endpoints, too',
      ask: '1.0.1.10.in-addr.arpa. PTR',
      answer: [`1.0.1.10.in-addr.arpa. 2 IN PTR ${name('10-1-0-1.db')}`],
      by: 'table',
    },
    {
      name: 'has MIN at its SRV records and their glue',
      ask: `${name('10-1-0-1.db')} SRV`,
      answer: [`${name('10-1-0-1.db')} 2 IN SRV 0 100 80 ${name('10-1-0-1.db')}`],
      additional: a('10-1-0-1.db', 2, '10.1.0.1'),
    },
    {
      name: 'has MIN as soon as an endpoint is removed',
      when: 'remove endpoint db shop 10.1.0.3',
      ...db(2, '10.1.0.1', '10.1.0.2'),
      passed: 59 * seconds,
      by: 'table',
    },
    {
      name: 'has MAX once SETTLE has passed, without an event',
      passed: 1 * seconds,
      ...db(30, '10.1.0.1', '10.1.0.2'),
      by: 'table',
    },
    {
      name: 'has MIN when another is added …',
      when: 'endpoint db shop 10.1.0.4 ready',
      passed: 40 * seconds,
      ...db(2, '10.1.0.1', '10.1.0.2', '10.1.0.4'),
      by: 'table',
    },
    {
      name: '… and for SETTLE after the last change',
      when: 'remove endpoint db shop 10.1.0.4',
      passed: 59 * seconds,
      ...db(2, '10.1.0.1', '10.1.0.2'),
      by: 'table',
    },
    { name: 'has MAX then', passed: 1 * seconds, ...db(30, '10.1.0.1', '10.1.0.2'), by: 'table' },
    {
      name: 'has MAX at the names of its endpoints then, too',
      ask: `${name('10-1-0-1.db')} A`,
      answer: a('10-1-0-1.db', 30, '10.1.0.1'),
      by: 'table',
    },
    {
      name: 'has MAX at the PTRs of its endpoints then, too',
      ask: '1.0.1.10.in-addr.arpa. PTR',
      answer: [`1.0.1.10.in-addr.arpa. 30 IN PTR ${name('10-1-0-1.db')}`],
      by: 'table',
    },
    {
      name: 'has MIN as soon as an endpoint is not ready',
      when: 'endpoint db shop 10.1.0.2 notReady',
      ...db(2, '10.1.0.1'),
      by: 'table',
    },
    { name: 'has MIN for as long as it is not', passed: 3600 * seconds, ...db(2, '10.1.0.1'), by: 'table' },
    {
      name: 'has MAX as soon as it is ready again: the set has not changed',
      when: 'endpoint db shop 10.1.0.2 ready',
      ...db(30, '10.1.0.1', '10.1.0.2'),
      by: 'table',
    },
    {
      name: 'has MIN as soon as an endpoint is terminating, ready or not',
      when: 'endpoint db shop 10.1.0.2 ready terminating',
      ...db(2, '10.1.0.1', '10.1.0.2'),
      by: 'table',
    },
    {
      name: 'has the TTL of its annotation all the while',
      when: 'annotate service db shop slicedns.io/ttl 5',
      ...db(5, '10.1.0.1', '10.1.0.2'),
      by: 'table',
    },
    {
      name: 'is negative for `ttl`, whether it settles or not',
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
    { name: 'settled', passed: 60 * seconds, ...db(30, '10.1.0.1', '10.1.0.2'), by: 'table' },
    {
      name: 'are in two for a moment: no change',
      when: 'endpoint db shop 10.1.0.1 ready slice db-b',
      ...db(30, '10.1.0.1', '10.1.0.2'),
      by: 'table',
    },
    {
      name: 'and then in the other one: no change',
      when: 'remove slice db-a shop',
      ...db(30, '10.1.0.1', '10.1.0.2'),
      by: 'table',
    },
    {
      name: 'are gone and come again: a change, for the answer did change',
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
    { name: 'have MAX: ClusterIP', ask: `${name('web')} A`, answer: a('web', 30, '10.0.0.1'), by: 'table' },
    {
      name: 'have MAX: the PTR of a ClusterIP',
      ask: '1.0.0.10.in-addr.arpa. PTR',
      answer: [`1.0.0.10.in-addr.arpa. 30 IN PTR ${name('web')}`],
      by: 'table',
    },
    {
      name: 'have MAX: ExternalName',
      ask: `${name('api')} CNAME`,
      answer: [`${name('api')} 30 IN CNAME api.example.org.`],
    },
    {
      name: 'have MIN at the names of their endpoints, which do',
      ask: `${name('10-1-0-1.web')} A`,
      answer: a('10-1-0-1.web', 2, '10.1.0.1'),
    },
    {
      name: 'have MIN at the PTRs of their endpoints, which do',
      ask: '1.0.1.10.in-addr.arpa. PTR',
      answer: [`1.0.1.10.in-addr.arpa. 2 IN PTR ${name('10-1-0-1.web')}`],
    },
    {
      name: 'have MAX there again when the endpoints have settled',
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
    { name: 'holds for ClusterIP services', ask: `${name('web')} A`, answer: a('web', 2, '10.0.0.1'), by: 'table' },
    {
      name: 'holds for their PTRs',
      ask: '1.0.0.10.in-addr.arpa. PTR',
      answer: [`1.0.0.10.in-addr.arpa. 2 IN PTR ${name('web')}`],
      by: 'table',
    },
    {
      name: 'gives MAX when the endpoints have settled',
      when: 'endpoint web shop 10.1.0.2 ready',
      passed: 60 * seconds,
      ask: `${name('web')} A`,
      answer: a('web', 30, '10.0.0.1'),
      by: 'table',
    },
    {
      name: 'gives MAX at the PTR, too',
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
      name: 'is no change',
      when: `synced services
             synced endpointslices
             synced namespaces
             synced pods`,
      ...db(30, '10.1.0.1'),
      by: 'table',
    },
    {
      name: 'may hold endpoints that are not ready',
      ask: `${name('queue')} A`,
      answer: a('queue', 2, '10.2.0.2'),
      by: 'table',
    },
    {
      name: 'is followed by changes',
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
  cases: [{ name: 'the former comes first', passed: 60 * seconds, ...db(30, '10.1.0.1'), by: 'table' }],
})
