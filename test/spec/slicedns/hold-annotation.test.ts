/** `slicedns.io/hold`: a question for a StatefulSet's host that is not there yet waits for it. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { parseCorefile } from '../../../src/corefile/parser.ts'
import { readSettings } from '../../../src/corefile/read.ts'
import { rcodeName } from '../../../src/dns/codes.ts'
import type { Message } from '../../../src/dns/message.ts'
import { recordText } from '../../../src/dns/rdata.ts'
import type { Outcome, Query } from '../../../src/plugin/query.ts'
import { createHandler } from '../../../src/plugins/kubernetes/handler.ts'
import { createHoldQueue } from '../../../src/plugins/kubernetes/hold/hold-queue.ts'
import { createHoldQuota, type HoldLimits, holdLimits } from '../../../src/plugins/kubernetes/hold/quota.ts'
import { schema } from '../../../src/plugins/kubernetes/settings.ts'
import { createMetrics } from '../../../src/telemetry/registry.ts'
import { soa, spec } from '../../support/cases.ts'
import { createNotation } from '../../support/cluster-notation.ts'
import { knowledgeOf } from '../../support/context.ts'
import { createFakeClock } from '../../support/fake-clock.ts'
import { createFakeCluster } from '../../support/fake-cluster.ts'
import { ask } from '../../support/plugin-harness.ts'

const origin = 'cluster.local.'
const startedAt = 1_577_836_800
const host = (label: string) => `${label}.web.shop.svc.${origin}`

interface RoomOptions {
  readonly options?: string
  readonly limits?: Partial<HoldLimits>
  readonly hold?: string
}

/** A headless service whose hosts are waited for, and no endpoint yet. */
function createHoldHarness({ options = '', limits = {}, hold = '2s' }: RoomOptions = {}) {
  const text = `.:53 {\nkubernetes ${origin} in-addr.arpa {\n${options}\n}\n}`
  const [block] = parseCorefile(text, 'Corefile', { readFile: () => '', glob: () => [], env: () => '' }).blocks
  const settings = readSettings(schema, block.directives, ['.'])
  const clock = createFakeClock({ wall: startedAt * 1000 })
  const cluster = createFakeCluster({ ...settings.cluster, clock, availability: 'synced' })
  const notation = createNotation(cluster)
  notation.apply(`namespace shop
    service web shop headless
    annotate service web shop slicedns.io/hold ${hold}`)
  const context = knowledgeOf(cluster.view, settings.dns)
  const metrics = createMetrics()
  const quota = createHoldQuota({ ...holdLimits, ...limits })
  const holdQueue = createHoldQueue({ context: () => context, quota, clock, metrics })
  holdQueue.start(cluster)
  const published: string[] = []
  const handler = createHandler({
    context: () => context,
    answered: (_zone, name) => void published.push(name),
    holdQueue,
    overdue: () => false,
    clock,
    chaseLimits: { reached() {} },
  })
  /** Queries that have given up their place. */
  let aside = 0
  return {
    clock,
    holdQueue,
    published,
    apply: notation.apply,
    metricsText: () => metrics.text(),
    get aside() {
      return aside
    },
    /** The reply's text, or `next`; undefined while there is none. */
    ask(question: string, more: Partial<Query> & { readonly client?: Query['client'] } = {}) {
      const state: { reply: string | undefined; replies: number } = { reply: undefined, replies: 0 }
      const query: Query = {
        ...ask(question, { receivedAt: clock.now() }),
        releaseSlot() {
          aside++
          return () => void aside--
        },
        ...more,
      }
      const done = (outcome: Outcome) => {
        state.replies++
        state.reply = outcome.kind === 'reply' ? textOf(outcome.message) : 'next'
      }
      const outcome = handler(query, () => ({ kind: 'drop', plugin: 'next' }))
      if (outcome instanceof Promise) void outcome.then(done)
      else done(outcome)
      return state
    },
  }
}

function textOf({ rcode, answer, authority }: Message): string {
  return [rcodeName(rcode), ...[...answer, ...authority].map(recordText)].join('\n')
}

/** What the microtasks and the turn of the event loop after an event bring. */
const turn = () => new Promise((resolve) => setImmediate(resolve))

const denied = (ttl: number) => `NXDOMAIN\n${shortSoa(ttl)}`
const shortSoa = (ttl: number, serial = startedAt) => soa(ttl, origin, serial)

describe('hold: a question for a host of a StatefulSet that has no ready endpoint yet', () => {
  const found = {
    A: `NOERROR\n${host('web-1')} 5 IN A 10.0.0.2`,
    SRV: `NOERROR\n${host('web-1')} 5 IN SRV 0 100 80 ${host('web-1')}`,
    // The endpoint has no such address, yet: the name is there without one.
    AAAA: `NOERROR\n${shortSoa(1, startedAt + 1)}`,
  }
  for (const [type, wanted] of Object.entries(found)) {
    test(`a waiting ${type} question is answered once, by the event that brings the endpoint`, async () => {
      const { ask, apply, clock, published } = createHoldHarness()
      const asked = ask(`${host('web-1')} ${type}`)
      clock.advance(1000)
      await turn()
      assert.equal(asked.replies, 0)
      apply('endpoint web shop 10.0.0.2 ready hostname web-1')
      await turn()
      assert.equal(asked.reply, wanted)
      clock.advance(10_000)
      apply('endpoint web shop 10.0.0.3 ready hostname web-1')
      await turn()
      assert.equal(asked.replies, 1)
      assert.deepEqual(published, type === 'AAAA' ? [] : [host('web-1')])
    })
  }

  test('a waiting question is denied when its time is up, for one second at most', async () => {
    const { ask, apply, clock } = createHoldHarness()
    const asked = ask(`${host('web-1')} A`)
    clock.advance(1999)
    await turn()
    assert.equal(asked.reply, undefined)
    clock.advance(1)
    await turn()
    assert.equal(asked.reply, denied(1))
    apply('endpoint web shop 10.0.0.2 ready hostname web-1')
    await turn()
    assert.equal(asked.replies, 1)
  })

  test('a question waits for readiness, not for an endpoint that is not ready', async () => {
    const { ask, apply } = createHoldHarness()
    const asked = ask(`${host('web-1')} A`)
    apply('endpoint web shop 10.0.0.2 notReady hostname web-1')
    await turn()
    assert.equal(asked.reply, undefined)
    apply('endpoint web shop 10.0.0.2 ready hostname web-1')
    await turn()
    assert.equal(asked.reply, found.A)
  })

  test('a question goes on waiting while other endpoints come', async () => {
    const { ask, apply } = createHoldHarness()
    const [first, second] = [ask(`${host('web-1')} A`), ask(`${host('web-2')} A`)]
    apply('endpoint web shop 10.0.0.3 ready hostname web-2')
    await turn()
    assert.deepEqual([first.replies, second.replies], [0, 1])
  })

  test('a waiting question does not hear of an endpoint that went before its turn came', async () => {
    const { ask, apply } = createHoldHarness()
    const asked = ask(`${host('web-1')} A`)
    apply('endpoint web shop 10.0.0.2 ready hostname web-1\nremove endpoint web shop 10.0.0.2')
    await turn()
    assert.equal(asked.reply, undefined)
  })

  test('a name in capitals is waited for, and answered in them', async () => {
    const { ask, apply } = createHoldHarness()
    const query = { qname: host('WEB-1').replace('web-1', 'WEB-1') }
    const asked = ask(`${host('web-1')} A`, query)
    apply('endpoint web shop 10.0.0.2 ready hostname web-1')
    await turn()
    assert.equal(asked.reply, `NOERROR\n${query.qname} 5 IN A 10.0.0.2`)
  })

  test('a waiting question counts its time from when it was received', async () => {
    const { ask, clock } = createHoldHarness()
    clock.advance(5000)
    const late = ask(`${host('web-1')} A`, { receivedAt: 3500 })
    const tooLate = ask(`${host('web-1')} A`, { receivedAt: 3000 })
    assert.equal(tooLate.reply, denied(1))
    clock.advance(500)
    await turn()
    assert.equal(late.reply, denied(1))
  })

  test('a waiting question goes to the next plugin when its time is up, where missing names do', async () => {
    const { ask, clock } = createHoldHarness({ options: 'fallthrough' })
    const asked = ask(`${host('web-1')} A`)
    assert.equal(asked.reply, undefined)
    clock.advance(2000)
    await turn()
    assert.equal(asked.reply, 'next')
  })

  test('a waiting question gives up its place in the queue, and takes one again', async () => {
    const harness = createHoldHarness()
    harness.ask(`${host('web-1')} A`)
    harness.ask(`${host('web-2')} A`)
    assert.equal(harness.aside, 2)
    harness.apply('endpoint web shop 10.0.0.2 ready hostname web-1')
    await turn()
    assert.equal(harness.aside, 1)
    harness.clock.advance(2000)
    assert.equal(harness.aside, 0)
  })
})

describe('hold: which names are waited for', () => {
  const waits = ['web-0 A', 'db-7 A', 'web-99999 A', 'a-b-3 SRV', 'web-1 AAAA', `${'w'.repeat(61)}-1 A`]
  const doesNot = [
    'web A',
    'web-01 A',
    'web-100000 A',
    'web- A',
    '-1 A',
    'web--1 TXT',
    'web-1 TXT',
    'web-1 MX',
    'we_b-1 A',
    '10-0-0-1x A',
    'x.web-1 A',
    '_http._tcp A',
    `${'w'.repeat(62)}-1 A`,
  ]
  for (const text of waits) {
    test(`before any endpoint is known the name ${text} waits`, () => {
      const [label, type] = text.split(' ')
      assert.equal(createHoldHarness().ask(`${host(label)} ${type}`).reply, undefined)
    })
  }
  for (const text of doesNot) {
    test(`the name ${text} does not wait, and is denied as any name`, () => {
      const [label, type] = text.split(' ')
      assert.equal(createHoldHarness().ask(`${host(label)} ${type}`).reply, denied(5))
    })
  }

  test('once endpoints are known, ready or not, the others must be of the same set', () => {
    const { ask, apply } = createHoldHarness()
    apply('endpoint web shop 10.0.0.2 notReady hostname web-1')
    assert.equal(ask(`${host('web-2')} A`).reply, undefined)
    assert.equal(ask(`${host('web-1')} A`).reply, undefined)
    assert.equal(ask(`${host('db-2')} A`).reply, denied(5))
  })

  test('no question waits for hosts of a service without the annotation, or with an address of its own', () => {
    const { ask, apply } = createHoldHarness()
    apply(`service plain shop headless
      service virtual shop 10.96.0.7
      annotate service virtual shop slicedns.io/hold 2s`)
    for (const service of ['plain', 'virtual', 'missing']) {
      assert.equal(ask(`web-1.${service}.shop.svc.${origin} A`).reply, denied(5))
    }
  })

  test('nobody waits where no client does (explain, lookups of our own)', () => {
    assert.equal(createHoldHarness().ask(`${host('web-1')} A`, { releaseSlot: undefined }).reply, denied(5))
  })

  test('no question waits for what cannot be known yet', () => {
    const { ask, apply } = createHoldHarness()
    apply('pending endpointslices')
    assert.match(ask(`${host('web-1')} A`).reply!, /^SERVFAIL/)
  })
})

describe('hold: the end of waiting', () => {
  const ends: Readonly<Record<string, (harness: ReturnType<typeof createHoldHarness>) => void>> = {
    'when the annotation goes': ({ apply }) => apply('annotate service web shop slicedns.io/hold'),
    'when the annotation becomes a wrong one': ({ apply }) => apply('annotate service web shop slicedns.io/hold 5s'),
    'when the service goes': ({ apply }) => apply('remove service web shop'),
    'when the service gets an address of its own': ({ apply }) => apply('service web shop 10.96.0.9'),
    'when the namespace goes': ({ apply }) => apply('remove namespace shop'),
    'at shutdown and at the end of a configuration': ({ holdQueue }) => holdQueue.close(),
  }
  for (const [when, end] of Object.entries(ends)) {
    test(`questions stop waiting ${when}, with an answer`, async () => {
      const harness = createHoldHarness()
      const asked = harness.ask(`${host('web-1')} A`)
      end(harness)
      await turn()
      assert.match(asked.reply!, /^NXDOMAIN\ncluster\.local\. 1 IN SOA .* 1$/)
      assert.equal(asked.replies, 1)
      assert.equal(harness.aside, 0)
    })
  }

  test('after shutdown has begun nobody begins to wait', () => {
    const { ask, holdQueue } = createHoldHarness()
    holdQueue.close()
    assert.equal(ask(`${host('web-1')} A`).reply, denied(1))
  })
})

test('hold: an answer that cannot be made is the failure of one question, and of no other', async () => {
  const { ask: wait, holdQueue, apply } = createHoldHarness()
  const failing = holdQueue.wait({ ...ask(`${host('web-1')} A`), releaseSlot: () => () => undefined }, origin, () => {
    throw new Error('a bug')
  })
  const other = wait(`${host('web-1')} A`)
  apply('endpoint web shop 10.0.0.2 ready hostname web-1')
  await assert.rejects(failing as Promise<unknown>, /a bug/)
  await turn()
  assert.match(other.reply!, /^NOERROR/)
})

describe('hold: bounds', () => {
  const client = (address: string) => ({ client: { address, port: 4000 } })
  const bounds: Readonly<Record<string, Partial<HoldLimits>>> = {
    'in all': { all: 2 },
    'for a service': { service: 2 },
    'from a client': { client: 2 },
  }
  for (const [what, limits] of Object.entries(bounds)) {
    test(`beyond the bound ${what} a question is denied at once, until a place is free`, async () => {
      const { ask, apply } = createHoldHarness({ limits })
      ask(`${host('web-1')} A`)
      ask(`${host('web-2')} A`)
      assert.equal(ask(`${host('web-3')} A`).reply, denied(1))
      apply('endpoint web shop 10.0.0.2 ready hostname web-1')
      await turn()
      assert.equal(ask(`${host('web-3')} A`).reply, undefined)
    })
  }

  test('a client that has taken its share leaves places for others', () => {
    const { ask } = createHoldHarness({ limits: { client: 1 } })
    ask(`${host('web-1')} A`, client('192.0.2.7'))
    assert.equal(ask(`${host('web-1')} A`, client('192.0.2.7')).reply, denied(1))
    assert.equal(ask(`${host('web-1')} A`, client('192.0.2.8')).reply, undefined)
  })

  test('the metrics of hold tell how many questions wait, and what became of those that did', async () => {
    const harness = createHoldHarness({ limits: { client: 3 } })
    for (const label of ['web-1', 'web-2', 'web-3', 'web-4']) harness.ask(`${host(label)} A`)
    harness.apply('endpoint web shop 10.0.0.2 ready hostname web-1')
    await turn()
    assert.match(await harness.metricsText(), /^slicedns_held_queries 2$/m)
    harness.clock.advance(1000)
    harness.ask(`${host('web-5')} A`)
    harness.clock.advance(1000)
    harness.apply('remove service web shop')
    await turn()
    const text = await harness.metricsText()
    assert.match(text, /^slicedns_held_queries 0$/m)
    const counts = { answered: 1, timeout: 2, released: 1, refused: 1 }
    for (const [outcome, count] of Object.entries(counts)) {
      assert.match(text, new RegExp(`^slicedns_held_queries_total\\{outcome="${outcome}"\\} ${count}$`, 'm'))
    }
  })

  test('all questions that may wait for one endpoint are answered', async () => {
    const harness = createHoldHarness()
    const asked = Array.from({ length: holdLimits.service }, (_, i) =>
      harness.ask(`${host('web-0')} A`, client(`10.1.${i >> 8}.${i & 255}`)),
    )
    harness.apply('endpoint web shop 10.0.0.1 ready hostname web-0')
    while (asked.some(({ replies }) => replies === 0)) await turn()
    assert.ok(asked.every(({ replies }) => replies === 1))
    assert.equal(harness.aside, 0)
  })
})

describe('hold: whatever happens', () => {
  const label = fc.integer({ min: 0, max: 3 }).map((ordinal) => `web-${ordinal}`)
  const address = (of: string) => `10.0.0.${Number(of.slice(4)) + 1}`
  type HoldHarness = ReturnType<typeof createHoldHarness>
  type Asked = ReturnType<HoldHarness['ask']>
  /** What was asked, and which hosts were ready when the answer was seen. */
  interface Run {
    readonly harness: HoldHarness
    readonly asked: { readonly label: string; readonly state: Asked }[]
    readonly ready: Set<string>
  }
  type Happening = (run: Run) => void

  const comes = (name: string, state: 'ready' | 'notReady'): Happening => {
    return ({ harness, ready }) => {
      harness.apply(`endpoint web shop ${address(name)} ${state} hostname ${name}`)
      if (state === 'ready') ready.add(name)
      else ready.delete(name)
    }
  }
  const happening: fc.Arbitrary<Happening> = fc.oneof(
    label.map(
      (name): Happening =>
        ({ harness, asked }) => {
          asked.push({ label: name, state: harness.ask(`${host(name)} A`) })
        },
    ),
    label.map((name) => comes(name, 'ready')),
    label.map((name) => comes(name, 'notReady')),
    fc.integer({ min: 1, max: 1500 }).map(
      (milliseconds): Happening =>
        ({ harness }) =>
          harness.clock.advance(milliseconds),
    ),
    fc.constant<Happening>(({ harness }) => harness.apply('annotate service web shop slicedns.io/hold')),
    fc.constant<Happening>(({ harness }) => harness.apply('annotate service web shop slicedns.io/hold 1s')),
  )

  test('every question has one answer, which is true when it is given, and nobody is left behind', () =>
    fc.assert(
      fc.asyncProperty(fc.array(happening, { maxLength: 25 }), async (happenings) => {
        const run: Run = { harness: createHoldHarness(), asked: [], ready: new Set() }
        for (const happen of happenings) {
          const before = new Set(run.asked.filter(({ state }) => state.replies > 0))
          happen(run)
          await turn()
          for (const asked of run.asked) {
            if (before.has(asked) || asked.state.replies === 0) continue
            assert.equal(asked.state.reply!.startsWith('NOERROR'), run.ready.has(asked.label))
          }
        }
        run.harness.holdQueue.close()
        await turn()
        assert.ok(run.asked.every(({ state }) => state.replies === 1))
        assert.equal(run.harness.aside, 0)
        assert.match(await run.harness.metricsText(), /^slicedns_held_queries 0$/m)
      }),
    ))
})

const missing = (name: string, when?: string) => ({
  name,
  ...(when === undefined ? {} : { when }),
  rcode: 'NXDOMAIN',
  authority: [soa()],
})

spec('hold: the table leaves to the chain what may be waited for', {
  cluster: `namespace shop
    service web shop headless
    service plain shop headless`,
  cases: [
    { ...missing('without the annotation it denies'), ask: `${host('web-0')} A`, by: 'table' },
    {
      ...missing('with the annotation, before there is an endpoint', 'annotate service web shop slicedns.io/hold 2s'),
      ask: `${host('web-0')} A`,
      by: 'chain',
    },
    { ...missing('the service itself is denied as before'), ask: `web.shop.svc.${origin} A`, by: 'table' },
    { ...missing('as are names that nobody can have'), ask: `a.b.c.web.shop.svc.${origin} A` },
    { ...missing('and the hosts of other services'), ask: `web-0.plain.shop.svc.${origin} A`, by: 'table' },
    {
      ...missing('with endpoints', 'endpoint web shop 10.0.0.2 ready hostname web-1'),
      ask: `${host('web-0')} A`,
      by: 'chain',
    },
    {
      name: 'an endpoint that is there is answered by the table',
      ask: `${host('web-1')} A`,
      answer: [`${host('web-1')} 5 IN A 10.0.0.2`],
      by: 'table',
    },
    {
      ...missing('when it has gone', 'remove endpoint web shop 10.0.0.2'),
      ask: `${host('web-1')} A`,
      by: 'chain',
    },
    {
      ...missing('when the annotation has gone too', 'annotate service web shop slicedns.io/hold'),
      ask: `${host('web-1')} A`,
      by: 'table',
    },
  ],
})
