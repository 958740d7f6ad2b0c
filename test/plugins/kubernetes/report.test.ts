/** What `kubernetes` reports of a cluster to who looks at the server. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { serviceProblems } from '../../../src/cluster-dns/annotations/problems.ts'
import { backendTag } from '../../../src/cluster-dns/features/split/split-backends.ts'
import type { AnswerChange } from '../../../src/console/state.ts'
import { createSettling } from '../../../src/plugins/kubernetes/publish/settling.ts'
import { bounds } from '../../../src/plugins/kubernetes/report/bounds.ts'
import { createClusterReport } from '../../../src/plugins/kubernetes/report/index.ts'
import { createNotation } from '../../support/cluster-notation.ts'
import { knowledgeOf } from '../../support/context.ts'
import { createFakeClock } from '../../support/fake-clock.ts'
import { createFakeCluster } from '../../support/fake-cluster.ts'
import { readKubernetes } from '../../support/kubernetes-harness.ts'

interface Reported {
  readonly lines: string
  readonly options?: string
  readonly picked?: (name: string, tag: number) => number
}

function reporting({ lines, options = '', picked = () => 0 }: Reported) {
  const settings = readKubernetes({ options })
  const clock = createFakeClock()
  const cluster = createFakeCluster({ ...settings.cluster, clock })
  const { apply } = createNotation(cluster)
  apply(lines)
  const { adaptiveTtl } = settings.dns
  const settling = adaptiveTtl && createSettling(cluster, adaptiveTtl.settle, clock)
  const context = knowledgeOf(cluster.view, settings.dns, [], settling)
  const report = createClusterReport({
    key: () => 'cluster',
    zones: settings.dns.zones,
    clock,
    holdQueue: {
      list: () => ({
        waiting: 2,
        list: [{ name: 'db-1.db.shop.svc.cluster.local.', client: '10.1.1.1', since: 0, until: 2_000 }],
      }),
    },
    context: () => context,
    cluster: () => cluster,
    annotations: () => ({
      problems: () =>
        [...cluster.view.services()].flatMap(({ namespace, name }) =>
          serviceProblems(context, namespace, name).map((problem) => ({
            owner: `Service ${namespace}/${name}`,
            problem,
          })),
        ),
    }),
  })
  function read() {
    const work = report.services(picked)
    for (;;) {
      const step = work.next()
      if (step.done) return step.value
    }
  }
  const changes: AnswerChange[] = []
  const follow = () => report.follow((change) => changes.push(change))
  return { report, read, apply, clock, changes, follow }
}

/** Work that events have caused is done in the microtasks behind them. */
const settled = () => new Promise(setImmediate)

describe('the report of a cluster', () => {
  it('the report has services without a ready endpoint first, then the others, each in the order of their names', () => {
    const { read } = reporting({
      lines: `service b shop headless
              endpoint b shop 10.0.0.1 ready
              endpoint b shop 10.0.0.2 notReady
              endpoint b shop 10.0.0.3 notReady terminating
              service a shop 10.96.0.2
              endpoint a shop 10.0.0.4 ready
              endpoint a shop fd00::4 ready
              service z shop 10.96.0.3
              service out shop external www.example.com`,
    })
    const { list, total, more } = read().services
    assert.deepEqual([total, more], [4, 0])
    assert.deepEqual(
      list.map(({ name, type, ready, notReady, terminating, ttl }) => [name, type, ready, notReady, terminating, ttl]),
      [
        ['z', 'ClusterIP', 0, 0, 0, 5],
        ['a', 'ClusterIP', 1, 0, 0, 5],
        ['b', 'Headless', 1, 1, 1, 5],
        ['out', 'ExternalName', 0, 0, 0, 5],
      ],
    )
  })

  it('the report is bounded, says how many services are left out, and leaves out none without a ready endpoint', () => {
    const lines = Array.from({ length: bounds.services + 1 }, (_, i) => `service s${i} shop external www.example.com`)
    const { read } = reporting({ lines: [...lines, 'service lacking shop 10.96.0.3'].join('\n') })
    const { list, total, more } = read().services
    assert.deepEqual([list.length, total, more], [bounds.services, bounds.services + 2, 2])
    assert.equal(list[0].name, 'lacking')
  })

  it('the report says which TTLs follow endpoints, and how long they are unsettled', () => {
    const { read, apply, clock } = reporting({
      options: 'adaptive_ttl 2 30 10s',
      lines: `service db shop headless
              endpoint db shop 10.0.0.1 ready
              service web shop 10.96.0.2
              endpoint web shop 10.0.0.2 ready`,
    })
    const states = () => read().services.list.map(({ name, ttl, ttlState }) => [name, ttl, ttlState])
    assert.deepEqual(states(), [
      ['db', 30, { state: 'settled' }],
      ['web', 30, undefined],
    ])
    apply('endpoint db shop 10.0.0.3 ready')
    clock.advance(4_000)
    assert.deepEqual(states()[0], ['db', 2, { state: 'unsettled', left: 6 }])
    apply('endpoint db shop 10.0.0.3 notReady')
    assert.deepEqual(states()[0], ['db', 2, { state: 'unsettled' }])
  })

  it('the report has the shares of a split as they are configured now, and as they were served', () => {
    const tag = (name: string) => backendTag({ namespace: 'shop', name })
    const { read, apply } = reporting({
      lines: `service stable shop 10.96.0.2
              endpoint stable shop 10.0.0.1 ready
              service canary shop 10.96.0.3
              endpoint canary shop 10.0.0.2 ready
              service api shop 10.96.0.4
              annotate service api shop slicedns.io/split stable=90,canary=10,gone=50`,
      picked: (name, which) =>
        name === 'api.shop.svc.cluster.local.' ? (which === tag('stable') ? 80 : which === tag('canary') ? 20 : 0) : 0,
    })
    const backends = () =>
      read().splits.map(({ name, backends }) => [name, ...backends.map((each) => Object.values(each))])
    assert.deepEqual(backends(), [
      ['api', ['stable', 90, 0.9, 0.8, 1], ['canary', 10, 0.1, 0.2, 1], ['gone', 50, 0, 0, 0]],
    ])
    apply('endpoint stable shop 10.0.0.1 notReady')
    assert.deepEqual(backends()[0][1], ['stable', 90, 0, 0.8, 0])
    assert.deepEqual(backends()[0][2], ['canary', 10, 1, 0.2, 1])
    const counts = () => read().services.list.map(({ name, ready, notReady }) => [name, ready, notReady])
    assert.deepEqual(counts(), [
      ['stable', 0, 1],
      ['api', 1, 1],
      ['canary', 1, 0],
    ])
    apply('endpoint canary shop 10.0.0.2 notReady')
    assert.deepEqual(counts()[0], ['api', 0, 2])
  })

  it('the report has the endpoints of a service, those that are not ready first', () => {
    const { report } = reporting({
      lines: `service db shop headless
              endpoint db shop 10.0.0.1 ready hostname db-0 pod db-0
              endpoint db shop 10.0.0.2 notReady serving terminating hostname db-1 pod db-1`,
    })
    const none = { node: '', zone: '' }
    assert.deepEqual(report.endpoints('shop', 'db'), [
      { address: '10.0.0.2', ready: false, serving: true, terminating: true, hostname: 'db-1', pod: 'db-1', ...none },
      { address: '10.0.0.1', ready: true, serving: true, terminating: false, hostname: 'db-0', pod: 'db-0', ...none },
    ])
    assert.equal(report.endpoints('shop', 'missing'), undefined)
    assert.equal(report.endpoints('__proto__', 'constructor'), undefined)
  })

  it('the report has problems of annotations with their rule, and counts them at their service', () => {
    const { report, read } = reporting({
      lines: `service web shop 10.96.0.2
              annotate service web shop slicedns.io/ttl <script>`,
    })
    assert.deepEqual(
      report.problems().map(({ kind, namespace, name, key }) => [kind, namespace, name, key]),
      [['Service', 'shop', 'web', 'slicedns.io/ttl']],
    )
    assert.equal(read().services.list[0].problems, 1)
  })

  it('the report has held queries with the time that is left', () => {
    const { report, clock } = reporting({ lines: '' })
    clock.advance(500)
    const { waiting, list } = report.held()
    assert.equal(waiting, 2)
    assert.deepEqual(list, [{ name: 'db-1.db.shop.svc.cluster.local.', client: '10.1.1.1', since: 0, left: 1.5 }])
  })
})

describe('the changes of answers', () => {
  const cases: readonly (readonly [string, string, readonly (readonly unknown[])[]])[] = [
    [
      'an endpoint that becomes ready',
      'endpoint db shop 10.0.0.2 ready',
      [['db', 'A', ['10.0.0.1'], ['10.0.0.1', '10.0.0.2'], 'EndpointSlice shop/db-ipv4']],
    ],
    [
      'an endpoint that goes',
      'remove endpoint db shop 10.0.0.1',
      [['db', 'A', ['10.0.0.1'], [], 'EndpointSlice shop/db-ipv4']],
    ],
    [
      'a service that is new',
      'service new shop 10.96.0.9,fd00::9',
      [
        ['new', 'A', [], ['10.96.0.9'], 'Service shop/new'],
        ['new', 'AAAA', [], ['fd00::9'], 'Service shop/new'],
      ],
    ],
    [
      'a service that goes, and the split that it was a backend of',
      'remove service web shop',
      [
        ['web', 'A', ['10.96.0.2'], [], 'Service shop/web'],
        ['api', 'A', ['web 90 %', 'canary 10 %'], ['web 0 %', 'canary 100 %'], 'Service shop/web'],
      ],
    ],
    [
      'a split whose backend goes',
      'endpoint canary shop 10.0.0.7 notReady',
      [['api', 'A', ['web 90 %', 'canary 10 %'], ['web 100 %', 'canary 0 %'], 'EndpointSlice shop/canary-ipv4']],
    ],
    ['an endpoint that no answer depends on', 'endpoint web shop 10.0.0.6 ready', []],
    ['an annotation that changes no address', 'annotate service web shop slicedns.io/ttl 7', []],
  ]
  for (const [what, line, expected] of cases)
    it(`the changes have ${what}, with before, after and cause: ${line}`, async () => {
      const { apply, follow, changes } = reporting({
        lines: `service db shop headless
                endpoint db shop 10.0.0.1 ready
                endpoint db shop 10.0.0.2 notReady
                service web shop 10.96.0.2
                endpoint web shop 10.0.0.5 ready
                service canary shop headless
                endpoint canary shop 10.0.0.7 ready
                service api shop 10.96.0.4
                annotate service api shop slicedns.io/split web=90,canary=10`,
      })
      const following = follow()
      apply(line)
      await settled()
      // The backend's own answer changes, too.
      const found = changes.filter(({ name }) => !name.startsWith('canary.'))
      assert.deepEqual(
        found.map(({ name, type, before, after, object }) => [name.split('.')[0], type, before, after, object]),
        expected,
      )
      following.stop()
      apply('service later shop 10.96.0.10')
      await settled()
      assert.ok(!changes.some(({ name }) => name.startsWith('later')))
    })

  it('the changes show the first addresses of a large answer, and as many changes in a second as are kept', async () => {
    const endpoints = Array.from({ length: 20 }, (_, i) => `endpoint db shop 10.0.1.${i} ready`)
    const { apply, follow, changes, clock } = reporting({
      lines: ['service db shop headless', ...endpoints].join('\n'),
    })
    const following = follow()
    for (let i = 0; i < bounds.changesPerSecond + 20; i++) {
      apply(`endpoint db shop 10.0.2.${i} ready`)
      await settled()
    }
    assert.equal(changes.length, bounds.changesPerSecond)
    assert.deepEqual(changes[0].before.slice(-2), ['10.0.1.7', '… 12 more'])
    assert.deepEqual(changes[0].after.slice(-1), ['… 13 more'])
    clock.advance(1_000)
    apply('endpoint db shop 10.0.3.1 ready')
    await settled()
    assert.equal(changes.length, bounds.changesPerSecond + 1)
    following.stop()
  })
})
