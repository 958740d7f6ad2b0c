/** What `slicedns explain` says of a service: TTL, rank, settling, and annotations that are ignored, with their sources. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ClusterDnsSettings } from '../../../src/cluster-dns/settings.ts'
import { explain } from '../../../src/plugins/kubernetes/explain/explain.ts'
import { createSettling } from '../../../src/plugins/kubernetes/publish/settling.ts'
import { createNotation } from '../../support/cluster-notation.ts'
import { knowledgeOf } from '../../support/context.ts'
import { createFakeClock } from '../../support/fake-clock.ts'
import { createFakeCluster } from '../../support/fake-cluster.ts'
import { ask } from '../../support/plugin-harness.ts'
import { dnsSettings } from '../../support/shared-cluster.ts'

interface Case {
  readonly name: string
  readonly settings?: Partial<ClusterDnsSettings>
  /** What happens after the first list, and how long ago (ms). */
  readonly later?: readonly [string, number]
  readonly cluster?: string
  readonly ask?: string
  /** Lines among those that are said. */
  readonly says: readonly string[]
  readonly not?: readonly RegExp[]
}

const web = `service web shop 10.0.0.1
             endpoint web shop 10.1.0.9 ready`
const db = `service db shop headless
            endpoint db shop 10.1.0.1 ready
            endpoint db shop 10.1.0.2 ready`
const zone = 'svc.cluster.local.'
const adaptive = { adaptiveTtl: { min: 2, max: 30, settle: 60_000 } }

const cases: readonly Case[] = [
  {
    name: 'hold, of an endpoint that may come',
    cluster: `${db}
              annotate service db shop slicedns.io/hold 1500ms`,
    ask: `db-0.db.shop.${zone} A`,
    says: ['queries wait up to 1.5 s for it (annotation hold of Service shop/db)', 'missing: NXDOMAIN'],
  },
  {
    name: 'hold, of one that is there',
    cluster: `service db shop headless
              annotate service db shop slicedns.io/hold 2s
              endpoint db shop 10.1.0.1 ready hostname db-0`,
    ask: `db-0.db.shop.${zone} A`,
    says: ['ttl 5 (option ttl)'],
    not: [/queries wait/],
  },
  {
    name: 'the option',
    says: ['ttl 5 (option ttl)'],
    not: [/settled|SRV|annotation/],
  },
  {
    name: 'the Service’s annotation',
    later: ['annotate service web shop slicedns.io/ttl 60', 0],
    says: ['ttl 60 (annotation of Service shop/web)'],
  },
  {
    name: 'the Namespace’s annotation',
    later: ['annotate namespace shop slicedns.io/ttl 61', 0],
    says: ['ttl 61 (annotation of Namespace shop)'],
  },
  {
    name: 'ttl_headless',
    cluster: db,
    settings: { ttlHeadless: 7 },
    ask: `db.shop.${zone} A`,
    says: ['ttl 7 (option ttl_headless)'],
  },
  {
    name: 'ttl_headless at an endpoint’s PTR',
    cluster: db,
    settings: { ttlHeadless: 7 },
    ask: '1.0.1.10.in-addr.arpa. PTR',
    says: ['ttl 7 (option ttl_headless)'],
  },
  {
    name: 'the Service’s annotation at the PTR of its ClusterIP',
    later: ['annotate service web shop slicedns.io/ttl 60', 0],
    ask: '1.0.0.10.in-addr.arpa. PTR',
    says: ['ttl 60 (annotation of Service shop/web)'],
  },
  {
    name: 'that the endpoints are settled',
    cluster: db,
    settings: adaptive,
    ask: `db.shop.${zone} A`,
    says: ['endpoints of shop/db: settled', 'ttl 30 (option adaptive_ttl: endpoints are settled)'],
  },
  {
    name: 'that they are unsettled, why, and until when',
    cluster: db,
    settings: adaptive,
    later: ['remove endpoint db shop 10.1.0.2\nendpoint db shop 10.1.0.1 ready terminating', 17_500],
    ask: `db.shop.${zone} A`,
    says: [
      'endpoints of shop/db: unsettled (1 not ready or terminating; changed recently, settled in 43 s without another change)',
      'ttl 2 (option adaptive_ttl: endpoints are unsettled)',
    ],
  },
  {
    name: 'of a split how settled its backends are',
    cluster: `${web}\n${db}\nservice all shop 10.0.0.2\nannotate service all shop slicedns.io/split web=1,db=9`,
    settings: { adaptiveTtl: { min: 2, max: 4, settle: 60_000 } },
    later: ['endpoint db shop 10.1.0.2 notReady', 0],
    ask: `all.shop.${zone} A`,
    says: [
      'endpoints of shop/web: settled',
      'endpoints of shop/db: unsettled (1 not ready or terminating)',
      'ttl 2 (option adaptive_ttl: endpoints are unsettled)',
    ],
  },
  {
    name: 'that a last resort is told for a shorter time',
    cluster: db,
    settings: { ttl: 30, terminatingLastResort: true },
    later: [
      'endpoint db shop 10.1.0.1 notReady serving terminating\nendpoint db shop 10.1.0.2 notReady serving terminating',
      0,
    ],
    ask: `db.shop.${zone} A`,
    says: ['ttl 2, limited for this answer (otherwise 30: option ttl)'],
  },
  {
    name: 'the rank of SRV records, of slices and of the Service',
    cluster: `${db}\nslice b db shop IPv4`,
    later: [
      `annotate service db shop slicedns.io/srv-priority 3
       annotate slice b shop slicedns.io/srv-weight 60`,
      0,
    ],
    ask: `db.shop.${zone} SRV`,
    says: [
      'SRV: priority 3 (annotation of Service shop/db)',
      'SRV of b: priority 3 (annotation of Service shop/db), weight 60 (annotation of EndpointSlice shop/b)',
    ],
  },
  {
    name: 'what is ignored, of the Service, its slices and its Namespace',
    later: [
      `annotate service web shop slicedns.io/ttl soon
       annotate service web shop slicedns.io/tll 3
       annotate slice web-ipv4 shop slicedns.io/srv-weight 65536
       annotate namespace shop slicedns.io/ttl -1`,
      0,
    ],
    says: [
      'Service shop/web: annotation slicedns.io/ttl "soon" is ignored: must be a whole number of seconds from 0 to 3600',
      'EndpointSlice shop/web-ipv4: annotation slicedns.io/srv-weight "65536" is ignored: must be a whole number from 0 to 65535',
      'Namespace shop: annotation slicedns.io/ttl "-1" is ignored: must be a whole number of seconds from 0 to 3600',
      'ttl 5 (option ttl)',
    ],
  },
]

describe('slicedns explain of services', () => {
  for (const {
    name,
    settings,
    cluster: lines = web,
    later = ['', 0] as const,
    ask: question = `web.shop.${zone} A`,
    says,
    not,
  } of cases)
    test(`slicedns explain says of a service: ${name}`, () => {
      const clock = createFakeClock()
      const cluster = createFakeCluster({ clock })
      const { apply } = createNotation(cluster)
      apply(lines)
      const settling = createSettling(cluster, 60_000, clock)
      const all = dnsSettings({ zones: ['cluster.local.', 'in-addr.arpa.'], ...settings })
      const context = knowledgeOf(cluster.view, all, [], settling)
      const [changes, age] = later
      apply(changes)
      clock.advance(age)
      const said = explain(context, ask(question))
      for (const line of says) assert.ok(said.includes(line), `${line}\nis not among\n${said.join('\n')}`)
      for (const pattern of not ?? []) assert.doesNotMatch(said.join('\n'), pattern)
    })
})
