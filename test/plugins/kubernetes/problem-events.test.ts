/** Annotations that are ignored as Events: which, how many, and what becomes of those that cannot be written. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ObjectProblem } from '../../../src/cluster-dns/annotations/problems.ts'
import { ApiFailure, type FailureReason } from '../../../src/k8s/api/failure.ts'
import { createProblemEvents } from '../../../src/plugins/kubernetes/annotation-report/events.ts'
import { createFakeClock } from '../../support/fake-clock.ts'
import { collectingLog } from '../../support/plugin-harness.ts'

interface Created {
  readonly path: string
  // biome-ignore lint/suspicious/noExplicitAny: an Event, of which each test looks at what it is about.
  readonly object: any
}

/** What the API server answers each request with: an outcome, or why it fails. */
type Answer = 'created' | 'exists' | ApiFailure

function createProblemEventsHarness(answer: (request: number) => Answer = () => 'created') {
  const clock = createFakeClock({ wall: Date.parse('2026-01-02T03:04:05.678Z') })
  const lines: string[] = []
  const requests: Created[] = []
  const events = createProblemEvents({
    clock,
    log: collectingLog(lines),
    random: () => 0,
    async create(path, object) {
      requests.push({ path, object })
      const outcome = answer(requests.length)
      if (outcome instanceof ApiFailure) throw outcome
      return outcome
    },
  })
  return {
    events,
    lines,
    requests,
    /** Lets `milliseconds` pass, and what waits for promises go on before and after. */
    async pass(milliseconds: number) {
      await idle()
      clock.advance(milliseconds)
      await idle()
    },
  }
}

const idle = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await new Promise(setImmediate)
}

const problem = (name: string, changes: Partial<ObjectProblem> = {}): ObjectProblem => ({
  kind: 'Service',
  namespace: 'shop',
  name,
  uid: `uid-of-${name}`,
  value: 'soon',
  problem: { key: 'slicedns.io/ttl', reason: 'syntax', rule: 'must be seconds' },
  ...changes,
})

describe('an Event', () => {
  test('an Event is about the object, in its namespace', async () => {
    const { events, requests, pass } = createProblemEventsHarness()
    events.add('1', problem('web'))
    await pass(0)
    const { metadata, ...object } = requests[0].object
    assert.equal(requests[0].path, '/api/v1/namespaces/shop/events')
    assert.match(metadata.name, /^web\.[0-9a-f]{16}$/)
    assert.equal(metadata.namespace, 'shop')
    assert.deepEqual(object, {
      apiVersion: 'v1',
      kind: 'Event',
      involvedObject: { apiVersion: 'v1', kind: 'Service', namespace: 'shop', name: 'web', uid: 'uid-of-web' },
      type: 'Warning',
      reason: 'AnnotationIgnored',
      message: 'annotation slicedns.io/ttl "soon" is ignored: must be seconds',
      source: { component: 'slicedns' },
      firstTimestamp: '2026-01-02T03:04:05Z',
      lastTimestamp: '2026-01-02T03:04:05Z',
      count: 1,
    })
  })

  test('an Event of a Namespace is in default; one of an EndpointSlice names the API group', async () => {
    const { events, requests, pass } = createProblemEventsHarness()
    events.add('1', problem('shop', { kind: 'Namespace', namespace: '' }))
    events.add('2', problem('web-a', { kind: 'EndpointSlice', uid: undefined }))
    await pass(0)
    assert.equal(requests[0].path, '/api/v1/namespaces/default/events')
    assert.deepEqual(requests[0].object.involvedObject, {
      apiVersion: 'v1',
      kind: 'Namespace',
      name: 'shop',
      uid: 'uid-of-shop',
    })
    assert.deepEqual(requests[1].object.involvedObject, {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      namespace: 'shop',
      name: 'web-a',
    })
  })

  test('an Event has the name that another replica gives it, and another one for an object made anew', async () => {
    const names = await Promise.all(
      [problem('web'), problem('web'), problem('web', { uid: 'new' })].map(async (each) => {
        const { events, requests, pass } = createProblemEventsHarness()
        events.add('1', each)
        await pass(0)
        return requests[0].object.metadata.name
      }),
    )
    assert.equal(names[0], names[1])
    assert.notEqual(names[0], names[2])
  })

  test('an Event is short, and of a long name has one that the API server takes', async () => {
    const { events, requests, pass } = createProblemEventsHarness()
    const long = 'x'.repeat(253)
    events.add(
      '1',
      problem(long, { value: 'y'.repeat(1000), problem: { key: 'k', reason: 'syntax', rule: 'z'.repeat(5000) } }),
    )
    await pass(0)
    assert.ok(requests[0].object.message.length <= 1024)
    assert.ok(requests[0].object.metadata.name.length <= 253)
  })

  test('an Event of an annotation that is in effect is not a warning', async () => {
    const { events, requests, pass } = createProblemEventsHarness()
    events.add('1', problem('web', { problem: { key: 'k', reason: 'advice', rule: 'do this' } }))
    await pass(0)
    assert.equal(requests[0].object.type, 'Normal')
    assert.equal(requests[0].object.message, 'annotation k "soon": do this')
  })
})

describe('Events', () => {
  test('Events come ten at once, then one a second', async () => {
    const { events, requests, pass } = createProblemEventsHarness()
    for (let i = 0; i < 20; i++) events.add(String(i), problem(`s${i}`))
    await pass(0)
    assert.equal(requests.length, 10)
    await pass(1_000)
    assert.equal(requests.length, 11)
    for (let i = 0; i < 20; i++) await pass(1_000)
    assert.equal(requests.length, 20)
  })

  test('Events are created once; another replica may have been first', async () => {
    const { events, requests, pass, lines } = createProblemEventsHarness(() => 'exists')
    events.add('1', problem('web'))
    await pass(60_000)
    assert.equal(requests.length, 1)
    assert.deepEqual(lines, [])
  })

  test('Events are created again when the API server has forgotten them, as long as they hold', async () => {
    const { events, requests, pass } = createProblemEventsHarness()
    events.add('1', problem('web'))
    events.add('2', problem('db'))
    await pass(3_599_000)
    assert.equal(requests.length, 2)
    events.remove('2')
    await pass(1_000)
    assert.deepEqual(
      requests.map(({ object }) => object.involvedObject.name),
      ['web', 'db', 'web'],
    )
  })

  test('Events of what no longer holds are not written', async () => {
    const { events, requests, pass } = createProblemEventsHarness()
    for (let i = 0; i < 12; i++) events.add(String(i), problem(`s${i}`))
    await pass(0)
    events.remove('10')
    await pass(1_000)
    assert.deepEqual(requests.at(-1)!.object.involvedObject.name, 's11')
  })

  test('Events are a thousand at most', async () => {
    const { events, lines, requests, pass } = createProblemEventsHarness()
    for (let i = 0; i < 1_100; i++) events.add(String(i), problem(`s${i}`))
    assert.deepEqual(lines, ['[WARNING] events: limit reached: reporting only 1000 ignored annotations as Events'])
    for (let i = 0; i < 1_000; i++) await pass(1_000)
    assert.equal(requests.length, 1_000)
  })

  test('Events end with their writer', async () => {
    const { events, requests, pass } = createProblemEventsHarness()
    for (let i = 0; i < 20; i++) events.add(String(i), problem(`s${i}`))
    await pass(0)
    events.stop()
    await pass(4_000_000)
    assert.equal(requests.length, 10)
  })
})

const failing = (reason: FailureReason, message: string = reason) => new ApiFailure(reason, `https://api: ${message}`)

describe('Events that cannot be written', () => {
  test('Events that cannot be written for want of the right are one line that says what is missing, and are tried again every five minutes', async () => {
    const { events, requests, lines, pass } = createProblemEventsHarness((n) =>
      n < 4 ? failing('forbidden', '403 Forbidden') : 'created',
    )
    events.add('1', problem('web'))
    events.add('2', problem('db'))
    await pass(299_000)
    assert.equal(requests.length, 1)
    await pass(1_000)
    await pass(300_000)
    assert.equal(requests.length, 3)
    assert.deepEqual(lines, [
      '[ERROR] events: creating Events is forbidden: the ClusterRole needs the rule {apiGroups: [""], resources: ["events"], verbs: ["create"]}; https://api: 403 Forbidden (retrying until it works)',
    ])
    await pass(300_000)
    assert.equal(lines[1], '[INFO] writing Events works again after 900.0 s')
    assert.deepEqual(new Set(requests.slice(3).map(({ object }) => object.involvedObject.name)), new Set(['web', 'db']))
  })

  test('Events that cannot be written because their namespace goes, or they are refused, are given up', async () => {
    const reasons = [
      failing('forbidden', 'unable to create new content in namespace shop because it is being terminated'),
      failing('missing'),
      failing('refused'),
    ]
    const { events, requests, lines, pass } = createProblemEventsHarness((n) => reasons[n - 1] ?? 'created')
    for (let i = 0; i < 4; i++) events.add(String(i), problem(`s${i}`))
    await pass(600_000)
    assert.equal(requests.length, 4)
    assert.deepEqual(
      lines.filter((line) => !line.startsWith('[DEBUG]')),
      [],
    )
  })

  test('Events that cannot be written because the server is busy wait as long as it says', async () => {
    const { events, requests, pass } = createProblemEventsHarness((n) =>
      n === 1 ? new ApiFailure('throttled', 'busy', 7_000) : 'created',
    )
    events.add('1', problem('web'))
    await pass(6_999)
    assert.equal(requests.length, 1)
    await pass(1)
    assert.equal(requests.length, 2)
  })

  test('Events that cannot be written for another reason are tried again, with pauses that grow', async () => {
    const { events, requests, lines, pass } = createProblemEventsHarness(() => failing('server', '500'))
    events.add('1', problem('web'))
    for (let i = 0; i < 100; i++) await pass(1_000)
    assert.ok(requests.length > 4 && requests.length < 20, String(requests.length))
    assert.match(lines[0], /^\[ERROR\] events: creating Events failed: https:\/\/api: 500/)
  })
})
