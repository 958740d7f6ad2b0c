/**
 * An API server, or a proxy before it, that accepts and then says nothing: in whichever phase it falls silent, what it has is known 40 s
 * later. Its connection stands and answers pings all the while.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { type ApiServer, type ApiServerOptions, type Fault, startApiServer } from '../../support/api-server/index.ts'
import { startPipe } from '../../support/api-server/pipe.ts'
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts'
import { until } from '../../support/until.ts'
import { type ClusterHarness, createClusterHarness, namespace, service, serviceNames } from '../harness.ts'

type After = { after(task: () => unknown): void }

const second = 1000
/** Seconds after which a server that has fallen silent has been given up, and those in which the next attempt comes. */
const givenUp = 31
const andAsked = 8

async function serve(t: After, options: ApiServerOptions = {}): Promise<ApiServer> {
  const api = await startApiServer(options)
  t.after(() => api.stop())
  api.put(namespace('shop'), service('web'))
  return api
}

const sourceOf = (api: ApiServer, server = api.url) =>
  ({ kind: 'kubeconfig', file: api.kubeconfig({ cluster: { server } }), context: '' }) as const

const watching = (api: ApiServer) =>
  until(() => assert.deepEqual(['services', 'namespaces', 'endpointslices'].map(api.watches), [1, 1, 1]))

const isMet = ({ requests }: ApiServer, { on, when = () => true }: Fault): boolean =>
  requests.some((request) => request.resource === 'services' && request.verb === on && when(request))

/** Files that are read, connections that are made: what takes no second of the clock, however busy the machine is. */
const isWorking = (): boolean => process.getActiveResourcesInfo().some((kind) => /Req|Connect/.test(kind))

/** What comes over a connection meanwhile is read: pings are answered. */
async function pass(clock: FakeClock, seconds: number): Promise<void> {
  for (let i = 0; i < seconds; i++) {
    clock.advance(second)
    for (let idle = 0; idle < 10; idle = isWorking() ? 0 : idle + 1) await new Promise(setImmediate)
  }
}

/** Lets no more than 40 s pass: what needs longer never comes. */
async function isKnown(clock: FakeClock, check: () => void): Promise<void> {
  await pass(clock, givenUp)
  let left = andAsked
  await until(
    async () => {
      if (left-- > 0) await pass(clock, 1)
      check()
    },
    { every: 50 },
  )
}

const knows =
  (harness: ClusterHarness, ...names: readonly string[]) =>
  () =>
    assert.deepEqual(serviceNames(harness), names)

const listType = 'application/vnd.kubernetes.protobuf'
const watchType = `${listType};stream=watch`
const says = (contentType: string, ...octets: number[]) =>
  ({ octets: Buffer.from(octets), contentType, open: true }) as const
const nothing = { stall: true } as const
/** The beginning of a list, and of a frame of 256 octets. */
const halfList = [0x6b, 0x38, 0x73, 0, 0x12, 0x20, 0x0a]
const halfEvent = [0, 0, 1, 0, 10, 5]
const refused: Fault = { on: 'list', resource: 'services', respond: { status: 500 } }
const http1 = { transport: 'http', protobuf: false } as const

const lists: readonly (readonly [string, ApiServerOptions, readonly Fault[]])[] = [
  ['the head of the first list', {}, [{ on: 'list', respond: nothing }]],
  ['the head of the first list, over HTTP/1.1', http1, [{ on: 'list', respond: nothing }]],
  ['the body of the first list', {}, [{ on: 'list', respond: says(listType) }]],
  ['the first list, in its middle', {}, [{ on: 'list', respond: says(listType, ...halfList) }]],
  ['the head of a streamed list', {}, [refused, { on: 'stream', respond: nothing }]],
  ['a streamed list, in its middle', {}, [refused, { on: 'stream', respond: says(watchType, ...halfEvent) }]],
  [
    'a page of a list',
    { streaming: false },
    [refused, { on: 'list', when: ({ query }) => query.has('limit'), respond: nothing }],
  ],
]

const watches: readonly (readonly [string, ApiServerOptions, Fault['respond']])[] = [
  ['the head of a watch', {}, nothing],
  ['the head of a watch, over HTTP/1.1', http1, nothing],
  ['a watch, between two events', {}, says(watchType)],
  ['a watch, between two events, over HTTP/1.1', http1, says('application/json')],
  ['a watch, in the middle of an event', {}, says(watchType, ...halfEvent)],
]

describe('40 s after the API server fell silent what it has is known', () => {
  for (const [what, options, faults] of lists)
    test(`the state of the API server is known when it falls silent in ${what}`, async (t) => {
      const api = await serve(t, options)
      for (const fault of faults) api.fault({ resource: 'services', ...fault })
      const clock = createFakeClock()
      const harness = createClusterHarness(t, sourceOf(api), { clock })
      await until(() => {
        clock.advance(100)
        assert.ok(isMet(api, faults.at(-1)!))
      })
      await isKnown(clock, knows(harness, 'web'))
    })

  for (const [what, options, respond] of watches)
    test(`the state of the API server is known when it falls silent in ${what}`, async (t) => {
      const api = await serve(t, options)
      const clock = createFakeClock()
      const harness = createClusterHarness(t, sourceOf(api), { clock })
      await watching(api)
      const silence = api.fault({ on: 'watch', resource: 'services', respond, times: 2 })
      const asked = () =>
        api.requests.filter(({ resource, verb }) => resource === 'services' && verb === 'watch').length
      const before = asked()
      api.endWatches('services')
      await until(() => {
        clock.advance(second)
        assert.ok(asked() > before)
      })
      silence.remove()
      api.put(service('later'))
      await isKnown(clock, knows(harness, 'later', 'web'))
    })

  test('the state of the API server is known when it falls silent in the TLS handshake', async (t) => {
    const api = await serve(t)
    const pipe = await startPipe(api.port)
    t.after(() => pipe.stop())
    pipe.isMute = true
    const clock = createFakeClock()
    const harness = createClusterHarness(t, sourceOf(api, `https://127.0.0.1:${pipe.port}`), { clock })
    await until(() => assert.equal(pipe.connections, 1))
    pipe.isMute = false
    await isKnown(clock, knows(harness, 'web'))
  })

  test('the state of the API server is known when it has been silent to every request for ten minutes', async (t) => {
    const api = await serve(t)
    const clock = createFakeClock()
    const harness = createClusterHarness(t, sourceOf(api), { clock })
    await watching(api)
    const silence = api.fault({ on: 'any', respond: nothing, times: Number.POSITIVE_INFINITY })
    api.endWatches()
    await pass(clock, 600)
    silence.remove()
    api.put(service('later'))
    await isKnown(clock, knows(harness, 'later', 'web'))
  })

  test('the state of the API server is known when it falls silent behind a start from the snapshot', async (t) => {
    const api = await serve(t)
    const snapshot = { file: join(api.folder, 'snapshot'), maxAge: 3600 * second }
    const before = createClusterHarness(t, sourceOf(api), { snapshot })
    await watching(api)
    await before.stop()
    api.put(service('later'))
    api.fault({ on: 'list', respond: nothing, times: 3 })
    const clock = createFakeClock({ wall: Date.now() })
    const harness = createClusterHarness(t, sourceOf(api), { clock, snapshot })
    await until(() => {
      clock.advance(100)
      assert.deepEqual(serviceNames(harness), ['web'])
    })
    await isKnown(clock, knows(harness, 'later', 'web'))
    // Before its folder goes: it writes there.
    await harness.stop()
  })

  test('a comparison to which the API server says nothing is given up, and the next one is made', async (t) => {
    const api = await serve(t)
    const clock = createFakeClock()
    const comparing: Fault['when'] = ({ headers }) => String(headers.accept).includes('PartialObjectMetadata')
    api.fault({ on: 'list', when: comparing, respond: nothing })
    const harness = createClusterHarness(t, sourceOf(api), { clock, proveEvery: second })
    await watching(api)
    await until(() => {
      clock.advance(100)
      assert.ok(api.requests.some(comparing))
    })
    await isKnown(clock, () => assert.equal(harness.status().freshness?.ok, true))
  })
})

describe('a watch that has nothing to say', () => {
  test('a watch without a change for 30 s is asked again, for less than 30 s, and is no failure', async (t) => {
    const api = await serve(t)
    const clock = createFakeClock()
    const harness = createClusterHarness(t, sourceOf(api), { clock })
    await watching(api)
    const times = (resource: string) =>
      api.requests
        .filter((request) => request.resource === resource && request.verb === 'watch')
        .map(({ query }) => Number(query.get('timeoutSeconds')))
    await until(() => {
      clock.advance(second)
      assert.equal(times('services').length, 2)
    })
    const [long, short] = times('services')
    assert.ok(long >= 300 && short <= 25, `${long} s, ${short} s`)
    assert.deepEqual(await harness.counted('slicedns_kubernetes_watch_errors_total'), {})
    assert.deepEqual(harness.lines, [])
  })

  test('a watch that has brought changes is asked again for minutes', async (t) => {
    const api = await serve(t)
    const harness = createClusterHarness(t, sourceOf(api))
    await watching(api)
    api.put(service('later'))
    await until(knows(harness, 'later', 'web'))
    api.endWatches('services')
    const asked = () => api.requests.filter(({ resource, verb }) => resource === 'services' && verb === 'watch')
    await until(() => assert.equal(asked().length, 2))
    assert.ok(asked().every(({ query }) => Number(query.get('timeoutSeconds')) >= 300))
  })
})
