/** What one question may cause where names lead to names: FQDN slices that tenants write. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { rcode } from '../../../src/dns/codes.ts'
import type { Message } from '../../../src/dns/message.ts'
import { recordText } from '../../../src/dns/rdata.ts'
import { parseRecord } from '../../../src/dns/record-text.ts'
import { replyTo } from '../../../src/dns/reply.ts'
import { queryLimits } from '../../../src/plugin/budget.ts'
import type { Outcome, Query } from '../../../src/plugin/query.ts'
import { createChaseLimitReport } from '../../../src/plugins/kubernetes/chase-limits.ts'
import { createHandler } from '../../../src/plugins/kubernetes/handler.ts'
import { createMetrics } from '../../../src/telemetry/registry.ts'
import { questionBudget } from '../../support/budget.ts'
import { knowledgeOf } from '../../support/context.ts'
import { createFakeClock } from '../../support/fake-clock.ts'
import { createFakeCluster } from '../../support/fake-cluster.ts'
import { ask, messageOf } from '../../support/plugin-harness.ts'
import { dnsSettings } from '../../support/shared-cluster.ts'

const zone = 'cluster.local.'
const host = (name: string): string => `${name}.shop.svc.${zone}`

const headless = (name: string) => ({
  kind: 'Service',
  metadata: { namespace: 'shop', name },
  spec: { clusterIP: 'None', clusterIPs: ['None'], ports: [{ name: 'http', port: 80 }] },
})

const slice = (of: string, addressType: string, endpoints: readonly string[]) => ({
  kind: 'EndpointSlice',
  metadata: {
    namespace: 'shop',
    name: `${of}-${addressType.toLowerCase()}`,
    labels: { 'kubernetes.io/service-name': of },
  },
  addressType,
  endpoints: endpoints.map((address) => ({ addresses: [address] })),
  ports: [{ name: 'http', port: 80 }],
})

/** A service whose name leads to these. */
const leadsTo = (name: string, targets: readonly string[]): object[] => [headless(name), slice(name, 'FQDN', targets)]

type Lookup = (name: string) => Promise<Outcome>

interface Asked {
  readonly message: Message
  /** Names that were asked for elsewhere, in order. */
  readonly lookups: readonly string[]
}

function createScene(objects: readonly object[], lookup: Lookup = refused) {
  const clock = createFakeClock()
  const cluster = createFakeCluster({ clock })
  cluster.apply(...objects)
  const metrics = createMetrics()
  const lines: string[] = []
  const log = { warning: (text: string) => void lines.push(text) }
  const context = knowledgeOf(cluster.view, dnsSettings({ zones: [zone] }))
  let resolved = 0
  const counted = { ...context, view: { ...cluster.view, synced: true, service: countedService } }
  function countedService(namespace: string, name: string) {
    resolved++
    return cluster.view.service(namespace, name)
  }
  const handler = createHandler({
    context: () => counted,
    answered() {},
    holdQueue: { wait: () => undefined },
    overdue: () => false,
    random: () => 0,
    clock,
    chaseLimits: createChaseLimitReport(log as never, metrics, clock),
  })
  return {
    clock,
    lines,
    resolved: () => resolved,
    async limited(bound: string) {
      const text = await metrics.text()
      return Number(
        new RegExp(`^slicedns_cname_chase_limited_total\\{bound="${bound}"\\} (.*)$`, 'm').exec(text)?.[1] ?? 0,
      )
    },
    async ask(question: string, more: Partial<Query> = {}): Promise<Asked> {
      const lookups: string[] = []
      const query: Query = {
        ...ask(question),
        receivedAt: clock.now(),
        lookup(name) {
          lookups.push(name)
          return lookup(name)
        },
        ...more,
      }
      const outcome = await handler(query, () => ({ kind: 'rcode', rcode: rcode.REFUSED, plugin: 'next' }))
      return { message: messageOf(outcome), lookups }
    },
  }
}

const refused: Lookup = async () => ({ kind: 'rcode', rcode: rcode.SERVFAIL, plugin: 'forward' })

const recordsOf = ({ message }: Asked): string[] => message.answer.map(recordText)

/** `layers` layers of `width` services, each of which leads to all of the next; the last layer has an address. */
function lattice(width: number, layers: number): object[] {
  const name = (layer: number, i: number): string => `s${layer}-${i}`
  return Array.from({ length: layers }, (_, layer) => layer).flatMap((layer) =>
    Array.from({ length: width }, (_, i) => {
      if (layer === layers - 1) return [headless(name(layer, i)), slice(name(layer, i), 'IPv4', [`10.0.0.${i + 1}`])]
      const next = Array.from({ length: width }, (_, j) => host(name(layer + 1, j)))
      return leadsTo(name(layer, i), next)
    }).flat(),
  )
}

describe('CNAMEs that lead to CNAMEs of the cluster', () => {
  test('CNAMEs that lead to CNAMEs of the cluster are followed to the addresses, each CNAME and each address once', async () => {
    const { ask } = createScene(lattice(2, 3))
    assert.deepEqual(recordsOf(await ask(`${host('s0-0')} A`)), [
      `${host('s0-0')} 5 IN CNAME ${host('s1-0')}`,
      `${host('s1-0')} 5 IN CNAME ${host('s2-0')}`,
      `${host('s2-0')} 5 IN A 10.0.0.1`,
      `${host('s1-0')} 5 IN CNAME ${host('s2-1')}`,
      `${host('s2-1')} 5 IN A 10.0.0.2`,
      `${host('s0-0')} 5 IN CNAME ${host('s1-1')}`,
      `${host('s1-1')} 5 IN CNAME ${host('s2-0')}`,
      `${host('s1-1')} 5 IN CNAME ${host('s2-1')}`,
    ])
  })

  test('CNAMEs that lead to CNAMEs of the cluster have each name visited once, however many paths lead to it: 6 names in each of 10 layers', async () => {
    const { ask, resolved } = createScene(lattice(6, 10))
    const before = resolved()
    const asked = await ask(`${host('s0-0')} A`)
    assert.equal(asked.message.rcode, rcode.NOERROR)
    assert.ok(asked.message.answer.length > 6)
    // Some lookups of the Service for each of 55 names; one visit for each path would be 10 million.
    assert.ok(resolved() - before < 55 * 20, `${resolved() - before} lookups`)
  })

  test('CNAMEs that lead to CNAMEs of the cluster that lead in a circle end, and leave out the CNAME that closes it', async () => {
    const objects = [
      ...leadsTo('a', [host('b')]),
      ...leadsTo('b', [host('a'), host('c')]),
      headless('c'),
      slice('c', 'IPv4', ['10.0.0.3']),
    ]
    assert.deepEqual(recordsOf(await createScene(objects).ask(`${host('a')} A`)), [
      `${host('a')} 5 IN CNAME ${host('b')}`,
      `${host('b')} 5 IN CNAME ${host('c')}`,
      `${host('c')} 5 IN A 10.0.0.3`,
    ])
  })

  test('stop at the bound of names; what was found is the answer, a metric and one line say so', async () => {
    const many = Array.from({ length: 200 }, (_, i) => `t${i}`)
    const objects = [
      ...leadsTo('fan', many.map(host)),
      ...many.flatMap((name, i) => [headless(name), slice(name, 'IPv4', [`10.0.1.${i}`])]),
    ]
    const { ask, limited, lines } = createScene(objects)
    const asked = await ask(`${host('fan')} A`)
    await ask(`${host('fan')} A`)
    assert.equal(asked.message.rcode, rcode.NOERROR)
    assert.equal(asked.message.answer.length, 2 * queryLimits.names)
    assert.equal(await limited('names'), 2)
    assert.deepEqual(lines, [
      `not all CNAMEs of ${host('fan')} were followed: they lead to more than 64 names of the cluster`,
    ])
  })

  test('stop where no message holds more, and the answer is marked as cut', async () => {
    const addresses = Array.from({ length: 1000 }, (_, i) => `10.1.${i >> 8}.${i & 255}`)
    const names = Array.from({ length: 30 }, (_, i) => `t${i}`)
    const objects = [
      ...leadsTo('fan', names.map(host)),
      ...names.flatMap((name) => [headless(name), slice(name, 'IPv4', addresses)]),
    ]
    const { ask, limited } = createScene(objects)
    const { message } = await ask(`${host('fan')} A`)
    assert.equal(message.truncated, true)
    assert.ok(message.answer.length > 3000 && message.answer.length < 65_535 / 12, `${message.answer.length} records`)
    assert.equal(await limited('octets'), 1)
  })
})

describe('CNAMEs that lead out of the cluster', () => {
  const fan = (count: number) =>
    leadsTo(
      'fan',
      Array.from({ length: count }, (_, i) => `t${i}.example.org.`),
    )

  const found: Lookup = async (name) => {
    const records = [parseRecord(`${name} 60 IN A 192.0.2.1`)]
    const { request } = ask(`${name} A`)
    return { kind: 'reply', plugin: 'forward', message: replyTo(request, { answer: records }) }
  }

  test('CNAMEs that lead out of the cluster are asked for at once, no more than 8 of them, and answer with what was found', async () => {
    const { ask, limited } = createScene(fan(1000), found)
    const asked = await ask(`${host('fan')} A`)
    assert.deepEqual(
      asked.lookups,
      Array.from({ length: 8 }, (_, i) => `t${i}.example.org.`),
    )
    assert.equal(asked.message.answer.length, 16)
    assert.equal(await limited('lookups'), 1)
  })

  test('CNAMEs that lead out of the cluster are asked for one a question while 512 others are in work', async () => {
    const never = new Promise<Outcome>(() => {})
    const { ask, clock } = createScene(fan(8), () => never)
    const asking = Array.from({ length: 100 }, () => ask(`${host('fan')} A`))
    clock.advance(queryLimits.time)
    const asked = (await Promise.all(asking)).map(({ lookups }) => lookups.length)
    assert.equal(asked[0], 8)
    assert.equal(asked[99], 1)
    assert.equal(
      asked.reduce((sum, count) => sum + count - 1, 0),
      512,
    )
  })

  test('share the bound of the question that they belong to', async () => {
    const { ask, clock } = createScene(fan(20), found)
    const budget = questionBudget(clock.now())
    await ask(`${host('fan')} A`, { budget })
    const asked = await ask(`${host('fan')} A`, { budget })
    assert.deepEqual(asked.lookups, [])
    assert.equal(asked.message.rcode, rcode.SERVFAIL)
  })

  test('lookups out of the cluster end with the deadline of the question: the unanswered ones have no records', async () => {
    const never = new Promise<Outcome>(() => {})
    const { ask, clock, limited } = createScene(fan(3), (name) => (name.startsWith('t1') ? found(name) : never))
    const asking = ask(`${host('fan')} A`)
    clock.advance(queryLimits.time - 1)
    await new Promise(setImmediate)
    clock.advance(1)
    const asked = await asking
    assert.ok(recordsOf(asked).includes('t1.example.org. 60 IN A 192.0.2.1'))
    assert.equal(await limited('deadline'), 1)
  })

  test('lookups out of the cluster count the time that the question spent before them', async () => {
    const { ask, clock } = createScene(fan(2), () => new Promise(() => {}))
    const receivedAt = clock.now()
    clock.advance(queryLimits.time - 1)
    const asking = ask(`${host('fan')} A`, { receivedAt })
    clock.advance(1)
    assert.equal((await asking).message.answer.filter(({ type }) => type === 1).length, 0)
  })
})
