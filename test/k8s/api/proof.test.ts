/** The proof of freshness: a watch that lost an event is found out, and changes that are under way are not taken for one. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ClusterConfig } from '../../../src/k8s/model/config.ts'
import { type ApiServer, type ApiServerOptions, startApiServer } from '../../support/api-server/index.ts'
import { until } from '../../support/until.ts'
import {
  addressesOf,
  type ClusterHarness,
  createClusterHarness,
  namespace,
  service,
  serviceNames,
  slice,
} from '../harness.ts'
import { createPausedClock, proveEvery } from '../paused-clock.ts'

type After = { after(task: () => unknown): void }

interface Proven {
  readonly api: ApiServer
  readonly harness: ClusterHarness
  /** Ends one pause after the other, as time does, until the check holds. */
  pass(check: () => Promise<void> | void): Promise<void>
  checks(): Promise<Record<string, number>>
}

/** A cluster that is compared as often as the test ends the pauses. */
async function prove(
  t: After,
  options: ApiServerOptions = {},
  config: Partial<ClusterConfig> = {},
  undefinedResources: readonly string[] = [],
): Promise<Proven> {
  const api = await startApiServer(options)
  t.after(() => api.stop())
  for (const plural of undefinedResources) api.undefinedResources.add(plural)
  api.put(namespace('shop'), service('web'), slice('web-1', 'web', ['10.0.0.1']))
  const { clock, endPauses } = createPausedClock()
  const source = { kind: 'kubeconfig', file: api.kubeconfig(), context: '' } as const
  const harness = createClusterHarness(t, source, { clock, proveEvery, ...config })
  await harness.synced()
  await until(() => assert.ok(api.watches('services') > 0 && api.watches('endpointslices') > 0))
  return {
    api,
    harness,
    checks: () => harness.counted('slicedns_freshness_checks_total'),
    pass: (check) =>
      until(
        async () => {
          endPauses()
          await check()
        },
        // Each step waits for its turn on a machine that has other work.
        { every: 2, within: 90_000 },
      ),
  }
}

const equal = (resource: string) => `resource=${resource},result=equal`
const different = (resource: string) => `resource=${resource},result=different`

const variants: readonly [string, ApiServerOptions][] = [
  ['in protobuf', {}],
  ['in JSON', { protobuf: false }],
]

describe('a cluster that is as the API server has it', () => {
  for (const [encoding, options] of variants) {
    test(`the same objects, ${encoding}: that is counted, with its age, and nothing is listed anew`, async (t) => {
      const { api, harness, pass, checks } = await prove(t, options)
      for (let i = 0; i < 500; i++) api.put(service(`s${i}`))
      await until(() => assert.equal(serviceNames(harness).length, 501))
      await pass(async () => assert.ok((await checks())[equal('endpointslices')] >= 2))
      const counts = await checks()
      assert.equal(counts[different('services')], 0)
      assert.equal((await harness.counted('slicedns_kubernetes_relists_total'))['resource=services'], 0)
      assert.match(await harness.metrics.text(), /^slicedns_freshness_age_seconds\{resource="services"\} \d/m)
      assert.deepEqual(harness.status().freshness?.ok, true)
      const pages = api.requests.filter(
        ({ verb, resource, query }) => verb === 'list' && resource === 'services' && query.has('limit'),
      )
      assert.match(String(pages[0].headers.accept), /as=PartialObjectMetadataList/)
      assert.equal(pages[0].query.get('limit'), '500')
    })
  }

  test('objects that are not kept are no difference: slices of no service, malformed ones, pods without address', async (t) => {
    const { api, pass, checks } = await prove(t, {}, { pods: true })
    api.put({
      kind: 'EndpointSlice',
      metadata: { namespace: 'shop', name: 'loose' },
      addressType: 'IPv4',
      endpoints: [],
    })
    api.put({ kind: 'Pod', metadata: { namespace: 'shop', name: 'pending' }, status: {} })
    api.put(service('odd', { ports: [{ port: 70_000 }] }))
    await pass(async () => assert.ok((await checks())[equal('pods')] >= 2))
    const counts = await checks()
    for (const resource of ['services', 'endpointslices', 'pods']) assert.equal(counts[different(resource)], 0)
  })

  test('a resource whose definition is missing is not compared, and the others are', async (t) => {
    const { harness, pass, checks } = await prove(t, {}, { serviceImports: true }, ['serviceimports'])
    await pass(() => assert.equal(harness.status().freshness?.ok, true))
    const counts = await checks()
    assert.equal(counts[equal('serviceimports')], 0)
    assert.ok(counts[equal('services')] > 0)
  })
})

describe('a watch that has lost an event', () => {
  test('a lost addition and a lost deletion are found, logged with the object, counted, and mended by a list', async (t) => {
    const { api, harness, pass, checks } = await prove(t)
    // The store alone: no watch hears of it.
    api.store.put({ ...service('lost'), metadata: { namespace: 'shop', name: 'lost' } })
    api.store.delete('Service', 'shop', 'web')
    await pass(() => assert.deepEqual(serviceNames(harness), ['lost']))
    assert.equal((await checks())[different('services')], 1)
    assert.match(
      harness.lines.join('\n'),
      /services: 2 differ from the API server .*: (\+ shop\/lost, - shop\/web|- shop\/web, \+ shop\/lost); listing the resource again/,
    )
    await until(() => assert.equal(harness.status().freshness?.ok, false))
    await pass(() => assert.equal(harness.status().freshness?.ok, true))
    api.put(service('later'))
    await until(() => assert.deepEqual(serviceNames(harness), ['later', 'lost']))
  })

  for (const [encoding, options] of variants) {
    test(`lost changes of objects that stay are found, ${encoding}: of those that are kept, and that were not`, async (t) => {
      const { api, harness, pass, checks } = await prove(t, options)
      const loose = slice('loose', 'web', ['10.0.0.3'])
      const { labels, ...unlabelled } = loose.metadata
      api.put({ ...loose, metadata: unlabelled })
      api.put(slice('web-2', 'web', ['10.0.0.2']))
      await until(() => assert.deepEqual(addressesOf(harness, 'web'), ['10.0.0.1', '10.0.0.2']))
      api.store.put(slice('web-1', 'web', ['10.0.0.9']))
      api.store.put(loose)
      api.put(slice('web-2', 'web', ['10.0.0.4']))
      await pass(() => assert.deepEqual(addressesOf(harness, 'web').sort(), ['10.0.0.3', '10.0.0.4', '10.0.0.9']))
      assert.equal((await checks())[different('endpointslices')], 1)
      assert.match(
        harness.lines.join('\n'),
        /endpointslices: 2 differ .* ~ is another version\): ~ shop\/loose, ~ shop\/web-1; listing the resource again/,
      )
    })
  }

  test('a change that the watch has not reached is no difference, one that a bookmark has passed is', async (t) => {
    const { api, harness, pass, checks } = await prove(t)
    api.store.put(slice('web-1', 'web', ['10.0.0.9']))
    await pass(async () => assert.ok((await checks())[equal('endpointslices')] >= 2))
    assert.equal((await checks())[different('endpointslices')], 0)
    api.bookmark()
    await pass(() => assert.deepEqual(addressesOf(harness, 'web'), ['10.0.0.9']))
    assert.equal((await checks())[different('endpointslices')], 1)
  })

  test('an event that comes between two comparisons is no difference', async (t) => {
    const { api, harness, pass, checks } = await prove(t)
    const late = service('late')
    api.store.put(late)
    const lists = () =>
      api.requests.filter(
        ({ verb, resource, query }) => verb === 'list' && resource === 'services' && query.has('limit'),
      ).length
    await pass(() => assert.equal(lists(), 1))
    api.put(late)
    await pass(async () => assert.ok((await checks())[equal('services')] >= 1))
    assert.equal((await checks())[different('services')], 0)
    assert.deepEqual(serviceNames(harness), ['late', 'web'])
  })

  test('a list that fails proves nothing: that is counted and said, and no list is taken for it', async (t) => {
    const { api, harness, pass, checks } = await prove(t)
    const failing = api.fault({
      on: 'list',
      resource: 'services',
      when: ({ query }) => query.has('limit'),
      times: 1000,
      respond: { status: 500, message: 'etcd is slow' },
    })
    await pass(async () => assert.ok((await checks())['resource=services,result=failed'] >= 1))
    await until(() =>
      assert.match(harness.status().freshness?.detail ?? '', /services cannot be compared: .*etcd is slow/),
    )
    assert.equal((await harness.counted('slicedns_kubernetes_relists_total'))['resource=services'], 0)
    failing.remove()
    await pass(() => assert.equal(harness.status().freshness?.ok, true))
  })
})
