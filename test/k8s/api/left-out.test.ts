/** Annotations that were left out for want of room come back when there is some, without an event of their object. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ClusterConfig } from '../../../src/k8s/model/config.ts'
import { systemClock } from '../../../src/scheduling/clock.ts'
import {
  type ApiServer,
  type ApiServerOptions,
  type KubeObject,
  startApiServer,
} from '../../support/api-server/index.ts'
import { until } from '../../support/until.ts'
import { type ClusterHarness, createClusterHarness, namespace, service, slice } from '../harness.ts'

type After = { after(task: () => unknown): void }

/** Octets: a namespace may have 2 MiB. */
const long = 'x'.repeat(500_000)

function annotated<T extends KubeObject>(object: T, text: string): T {
  return { ...object, metadata: { ...object.metadata, annotations: { 'slicedns.io/split': text } } }
}

/** Half a minute behind a failure would make the tests long. */
const clock: typeof systemClock = {
  ...systemClock,
  after: (milliseconds, task) => systemClock.after(milliseconds === 30_000 ? 10 : milliseconds, task),
}

/** Six Services whose annotations take a namespace's room and half as much again: those of `s4` and `s5` are left out. */
async function crowded(t: After, options: ApiServerOptions = {}, config: Partial<ClusterConfig> = {}) {
  const api = await startApiServer(options)
  t.after(() => api.stop())
  api.put(namespace('shop'), ...[0, 1, 2, 3, 4, 5].map((i) => annotated(service(`s${i}`), long)))
  const source = { kind: 'kubeconfig', file: api.kubeconfig(), context: '' } as const
  const harness = createClusterHarness(t, source, { clock, ...config })
  await harness.synced()
  await until(() => assert.equal(api.watches('services'), 1))
  assert.deepEqual(withText(harness), ['s0', 's1', 's2', 's3'])
  return { api, harness }
}

const withText = ({ view }: ClusterHarness): string[] =>
  [...view.servicesIn('shop')].filter(({ annotations }) => annotations['slicedns.io/split']).map(({ name }) => name)

const listsOf = (api: ApiServer): number =>
  api.requests.filter(({ verb, resource }) => verb === 'list' && resource === 'services').length

describe('annotations that were left out for want of room', () => {
  for (const [title, makeRoom] of Object.entries({
    'an object that had room is deleted': (api: ApiServer) => api.delete('Service', 'shop', 's0'),
    'the annotations of one become shorter': (api: ApiServer) => api.put(annotated(service('s0'), '')),
    'one becomes too short to count': (api: ApiServer) => api.put(annotated(service('s0'), 'short')),
  }))
    for (const options of [{}, { transport: 'http', protobuf: false }] as const)
      test(`left-out annotations come back when ${title} (${'protobuf' in options ? 'JSON' : 'protobuf'})`, async (t) => {
        const { api, harness } = await crowded(t, options)
        makeRoom(api)
        await until(() => assert.ok(withText(harness).includes('s4')))
        assert.equal(harness.view.service('shop', 's4')?.annotations['slicedns.io/split'], long)
        assert.equal(harness.view.service('shop', 's4')?.annotationsLeftOut, undefined)
        assert.ok(!withText(harness).includes('s5'))
      })

  test('left-out annotations of an EndpointSlice and of a Namespace come back, too', async (t) => {
    const { api, harness } = await crowded(t)
    api.put(annotated(slice('web-1', 's0', ['10.0.0.1']), long), annotated(namespace('shop'), long))
    await until(() => assert.ok(harness.view.namespace('shop')?.annotationsLeftOut))
    await until(() => assert.ok([...harness.view.allSlices()][0]?.annotationsLeftOut))
    for (const name of ['s0', 's1', 's2', 's3', 's4', 's5']) api.delete('Service', 'shop', name)
    await until(() => assert.equal(harness.view.namespace('shop')?.annotations['slicedns.io/split'], long))
    await until(() => assert.equal([...harness.view.allSlices()][0]?.annotations['slicedns.io/split'], long))
  })

  test('left-out annotations are read with one request for each object for which there is room', async (t) => {
    const { api, harness } = await crowded(t)
    const before = listsOf(api)
    api.delete('Service', 'shop', 's0')
    await until(() => assert.ok(withText(harness).includes('s4')))
    api.delete('Service', 'shop', 's1')
    await until(() => assert.ok(withText(harness).includes('s5')))
    assert.equal(listsOf(api) - before, 2)
  })

  test('left-out annotations are asked for again when the API server fails', async (t) => {
    const { api, harness } = await crowded(t)
    api.fault({ on: 'list', resource: 'services', respond: { status: 500 }, times: 3 })
    api.delete('Service', 'shop', 's0')
    await until(() => assert.ok(withText(harness).includes('s4')))
    assert.ok(harness.lines.some((line) => line.includes('annotations that fit again cannot be read')))
  })

  test('an object that has changed meanwhile is left to the watch', async (t) => {
    const { api, harness } = await crowded(t)
    const stale = api.store.list('Service').find(({ metadata }) => metadata.name === 's4')!
    // The one that is read is older than what the watch has sent.
    api.fault({
      on: 'list',
      resource: 'services',
      respond: {
        octets: Buffer.from(
          JSON.stringify({ kind: 'ServiceList', apiVersion: 'v1', metadata: { resourceVersion: '1' }, items: [stale] }),
        ),
        contentType: 'application/json',
      },
    })
    api.put(annotated(service('s4', { clusterIP: '10.96.0.44', clusterIPs: ['10.96.0.44'] }), long))
    await until(() => assert.deepEqual(harness.view.service('shop', 's4')?.clusterIPs, ['10.96.0.44']))
    const before = listsOf(api)
    api.delete('Service', 'shop', 's0')
    // The first list is the fault's.
    await until(() => assert.ok(withText(harness).includes('s4')))
    assert.equal(listsOf(api) - before, 2)
    assert.deepEqual(harness.view.service('shop', 's4')?.clusterIPs, ['10.96.0.44'])
  })
})
