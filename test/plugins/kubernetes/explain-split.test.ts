/** What `slicedns explain` says of a traffic split. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { explain } from '../../../src/plugins/kubernetes/explain/explain.ts'
import { createNotation } from '../../support/cluster-notation.ts'
import { knowledgeOf } from '../../support/context.ts'
import { createFakeCluster } from '../../support/fake-cluster.ts'
import { ask } from '../../support/plugin-harness.ts'
import { dnsSettings } from '../../support/shared-cluster.ts'

const zone = 'svc.cluster.local.'
const releases = `service web shop 10.0.0.1
                  service stable shop 10.0.0.2
                  endpoint stable shop 10.1.0.2 ready
                  service canary shop headless ports http:TCP:80,admin:TCP:81
                  endpoint canary shop 10.1.0.3 ready
                  endpoint canary shop 10.1.0.4 ready`
const split = (value: string): string => `annotate service web shop slicedns.io/split ${value}`

interface Case {
  readonly name: string
  readonly cluster: string
  readonly lastResort?: boolean
  readonly ask?: string
  readonly says: readonly string[]
  readonly not?: RegExp
}

const cases: readonly Case[] = [
  {
    name: 'how often each backend is drawn, and the weights of its targets',
    cluster: `${releases}\n${split('stable=90,canary=10')}`,
    says: [
      'traffic split over 2 Services: its own endpoints do not count',
      'backend shop/stable: share 90; 1 ready: 90 % of the answers to A and AAAA',
      'backend shop/canary: share 10; 2 ready: 10 % of the answers to A and AAAA',
      'SRV http/tcp, targets × weight: shop/stable 1 × 90, shop/canary 2 × 5',
      'ttl 5 (option ttl)',
    ],
  },
  {
    name: 'which backends are out, and why',
    cluster: `${releases}
              endpoint stable shop 10.1.0.2 notReady
              service other shop external 192.0.2.1
              ${split('stable=50,canary=10,gone=20,x.nowhere=15,other=5')}`,
    says: [
      'backend shop/stable: share 50; no ready endpoint: left out',
      'backend shop/canary: share 10; 2 ready: 100 % of the answers to A and AAAA',
      'backend shop/gone: share 20; no Service shop/gone: left out',
      'backend nowhere/x: share 15; no namespace nowhere: left out',
      "backend shop/other: share 5; its external name '192.0.2.1' is not a domain name: left out",
    ],
  },
  {
    name: 'who stands by',
    cluster: `${releases}
              service standby shop external standby.example.org
              ${split('stable=1,standby=0')}`,
    says: [
      'backend shop/stable: share 1; 1 ready: 100 % of the answers to A and AAAA',
      'backend shop/standby: share 0; ExternalName standby.example.org.: only when no other backend is left',
    ],
  },
  {
    name: 'who lacks the port that is asked for',
    cluster: `${releases}
              service web shop headless ports none
              ${split('stable=50,canary=50')}`,
    ask: `_admin._tcp.web.shop.${zone} SRV`,
    says: [
      'backend shop/stable: share 50; 1 ready: does not have this port',
      'backend shop/canary: share 50; 2 ready: 100 % of the answers to A and AAAA',
      'SRV admin/tcp, targets × weight: shop/canary 2 × 25',
    ],
  },
  {
    name: 'that a crowd is told in parts',
    cluster: `${releases}
              ${Array.from({ length: 120 }, (_, i) => `endpoint canary shop 10.2.0.${i} ready`).join('\n')}
              ${split('stable=99.9,canary=0.1')}`,
    says: [
      'SRV http/tcp, targets × weight: shop/stable 1 × 60939, shop/canary 61 of 122 × 1 (each reply has one of 2 such sets)',
    ],
  },
  {
    name: 'who terminates',
    cluster: `${releases}
              endpoint stable shop 10.1.0.2 notReady serving terminating
              ${split('stable=50,canary=50')}`,
    lastResort: true,
    says: [
      'backend shop/stable: share 50; 1 serving and terminating, none ready: only when no backend has a ready endpoint',
      'backend shop/canary: share 50; 2 ready: 100 % of the answers to A and AAAA',
    ],
  },
  {
    name: 'that nothing is left',
    cluster: `service web shop 10.0.0.1\n${split('stable=90')}`,
    says: ['backend shop/stable: share 90; no Service shop/stable: left out', 'missing: NXDOMAIN'],
  },
  {
    name: 'why the annotation is refused',
    cluster: `${releases}\n${split('web=90')}`,
    says: ['Service shop/web: annotation slicedns.io/split "web=90" is ignored: a split must not be its own backend'],
    not: /traffic split|backend shop/,
  },
  {
    name: 'why it is when a backend is a split',
    cluster: `${releases}\n${split('stable=90,canary=10')}\nannotate service stable shop slicedns.io/split canary=1`,
    says: [
      'Service shop/web: annotation slicedns.io/split "stable=90,canary=10" is ignored: backend shop/stable is a split itself: name its backends here instead',
    ],
    not: /traffic split/,
  },
  {
    name: 'nothing at the service’s own endpoints',
    cluster: `${releases}\nendpoint web shop 10.1.0.9 ready\n${split('stable=1')}`,
    ask: `10-1-0-9.web.shop.${zone} A`,
    says: [],
    not: /traffic split/,
  },
]

describe('slicedns explain of a traffic split', () => {
  for (const { name, cluster, lastResort = false, ask: asked = `web.shop.${zone} A`, says, not } of cases) {
    test(`slicedns explain says of a split: ${name}`, () => {
      const model = createFakeCluster()
      createNotation(model).apply(cluster)
      const settings = dnsSettings({ zones: ['cluster.local.'], terminatingLastResort: lastResort })
      const lines = explain(knowledgeOf(model.view, settings), ask(asked))
      for (const line of says) assert.ok(lines.includes(line), `${line}\nis not among\n${lines.join('\n')}`)
      if (not) assert.doesNotMatch(lines.join('\n'), not)
    })
  }
})
