/** The reflectors against the test API server: what they ask, and what they make of every answer. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ClusterConfig } from '../../../src/k8s/model/config.ts'
import { type Clock, systemClock } from '../../../src/scheduling/clock.ts'
import { type ApiServer, type ApiServerOptions, startApiServer } from '../../support/api-server/index.ts'
import { createFakeClock } from '../../support/fake-clock.ts'
import { until } from '../../support/until.ts'
import { addressesOf, createClusterHarness, namespace, service, serviceNames, slice } from '../harness.ts'

type After = { after(task: () => unknown): void }

async function serve(t: After, options: ApiServerOptions = {}): Promise<ApiServer> {
  const api = await startApiServer(options)
  t.after(() => api.stop())
  api.put(namespace('shop'), service('web'), slice('web-1', 'web', ['10.0.0.1', '10.0.0.2']))
  return api
}

const sourceOf = (api: ApiServer): ClusterConfig['source'] => ({
  kind: 'kubeconfig',
  file: api.kubeconfig(),
  context: '',
})

const variants: readonly [string, ApiServerOptions][] = [
  ['HTTP/2, protobuf, streamed list', {}],
  ['HTTP/2, protobuf, pages', { streaming: false }],
  ['HTTP/2, JSON, streamed list', { protobuf: false }],
  ['HTTP/2, JSON, pages', { protobuf: false, streaming: false }],
  ['HTTPS without HTTP/2', { transport: 'https' }],
  ['plain HTTP, JSON, pages', { transport: 'http', protobuf: false, streaming: false }],
]

for (const [name, options] of variants) {
  describe(name, () => {
    test('the model becomes what the server has, and follows each change', async (t) => {
      const api = await serve(t, options)
      const harness = createClusterHarness(t, sourceOf(api))
      await harness.synced()
      assert.deepEqual(serviceNames(harness), ['web'])
      assert.deepEqual(addressesOf(harness, 'web'), ['10.0.0.1', '10.0.0.2'])
      await until(() => assert.equal(api.watches('services') + api.watches('endpointslices'), 2))
      api.put(service('api'), slice('web-1', 'web', ['10.0.0.2', '10.0.0.3']))
      api.delete('Service', 'shop', 'web')
      await until(() => {
        assert.deepEqual(serviceNames(harness), ['api'])
        assert.deepEqual(addressesOf(harness, 'web'), ['10.0.0.2', '10.0.0.3'])
      })
    })

    test('a list of 1,200 objects arrives whole', async (t) => {
      const api = await serve(t, options)
      for (let i = 0; i < 1200; i++) api.put(service(`s${i}`))
      const harness = createClusterHarness(t, sourceOf(api))
      await harness.synced()
      assert.equal(serviceNames(harness).length, 1201)
    })

    test('the API server is killed, changes what it has, forgets its history and returns: nothing was missing meanwhile', async (t) => {
      const api = await serve(t, options)
      const harness = createClusterHarness(t, sourceOf(api))
      await harness.synced()
      api.kill()
      api.put(service('api'), slice('web-1', 'web', ['10.0.0.9']))
      api.delete('Service', 'shop', 'web')
      api.compact()
      await until(() => assert.match(harness.lines.join('\n'), /connection refused|closed by the other side/))
      assert.deepEqual(serviceNames(harness), ['web'])
      assert.equal(harness.view.synced, true)
      const seen = new Set<string>()
      harness.subscribe('observers', { service: (_, name) => seen.add(name) })
      await api.restart()
      await until(() => {
        assert.deepEqual(serviceNames(harness), ['api'])
        assert.deepEqual(addressesOf(harness, 'web'), ['10.0.0.9'])
      })
      assert.deepEqual([...seen].sort(), ['api', 'web'])
      await until(() => assert.match(harness.lines.join('\n'), /works again after/))
    })

    test('a list that is taken anew reports nothing but what changed', async (t) => {
      const api = await serve(t, options)
      for (let i = 0; i < 50; i++) api.put(service(`s${i}`))
      const harness = createClusterHarness(t, sourceOf(api))
      await harness.synced()
      await until(() => assert.equal(api.watches('services'), 1))
      const reported: string[] = []
      harness.subscribe('observers', {
        service: (_, name) => reported.push(name),
        address: () => reported.push('address'),
      })
      api.compact()
      api.put(service('one-more'))
      await until(() => assert.deepEqual(reported, ['one-more']))
      api.event('services', 'ERROR', api.status(410, 'Expired'))
      await until(async () =>
        assert.equal((await harness.counted('slicedns_kubernetes_relists_total'))['resource=services'], 1),
      )
      api.put(service('s7', { ports: [{ port: 81 }] }))
      await until(() => assert.deepEqual(reported, ['one-more', 's7']))
    })
  })
}

describe('the requests of a reflector', () => {
  const asked = (api: ApiServer, resource: string, verb: string) =>
    api.requests.filter((request) => request.resource === resource && request.verb === verb)

  const watched = (api: ApiServer, resource: string) => until(() => assert.equal(api.watches(resource), 1))

  test('the first list is one response of whatever version, the next is streamed and none older than what was seen', async (t) => {
    const api = await serve(t)
    const harness = createClusterHarness(t, sourceOf(api))
    await harness.synced()
    const [first, ...others] = asked(api, 'services', 'list')
    assert.deepEqual([...first.query], [['resourceVersion', '0']])
    assert.deepEqual(others, [])
    await watched(api, 'services')
    const version = String(api.store.version)
    api.event('services', 'ERROR', api.status(410, 'Expired'))
    await until(() => assert.equal(asked(api, 'services', 'stream').length, 1))
    const [{ query }] = asked(api, 'services', 'stream')
    assert.deepEqual(
      ['sendInitialEvents', 'resourceVersionMatch', 'allowWatchBookmarks', 'resourceVersion'].map((key) =>
        query.get(key),
      ),
      ['true', 'NotOlderThan', 'true', version],
    )
    const seconds = Number(query.get('timeoutSeconds'))
    assert.ok(seconds >= 300 && seconds <= 600, String(seconds))
  })

  test('a first list that fails is streamed, of the latest version', async (t) => {
    const api = await serve(t)
    api.fault({ on: 'list', resource: 'services', respond: { status: 500, message: 'no way' } })
    const harness = createClusterHarness(t, sourceOf(api))
    await harness.synced()
    assert.deepEqual(serviceNames(harness), ['web'])
    assert.equal(asked(api, 'services', 'stream')[0].query.get('resourceVersion'), null)
    assert.equal(asked(api, 'services', 'list').length, 1)
  })

  test('where lists are not streamed they come in pages of 500 of the latest version', async (t) => {
    const api = await serve(t, { streaming: false })
    for (let i = 0; i < 1000; i++) api.put(service(`s${i}`))
    const harness = createClusterHarness(t, sourceOf(api))
    await harness.synced()
    await watched(api, 'services')
    api.put(service('one-more'))
    api.event('services', 'ERROR', api.status(410, 'Expired'))
    await until(() => assert.equal(asked(api, 'services', 'list').length, 4))
    const [, ...pages] = asked(api, 'services', 'list')
    assert.deepEqual(
      pages.map(({ query }) => [query.get('limit'), query.get('resourceVersion')]),
      Array(3).fill(['500', null]),
    )
  })

  test('a watch goes on from the last bookmark, so that a quiet resource never expires', async (t) => {
    const api = await serve(t)
    const harness = createClusterHarness(t, sourceOf(api))
    await harness.synced()
    await watched(api, 'namespaces')
    for (let i = 0; i < 5; i++) api.put(slice('web-1', 'web', [`10.0.1.${i}`]))
    api.bookmark()
    const version = String(api.store.version)
    await until(() => assert.deepEqual(addressesOf(harness, 'web'), ['10.0.1.4']))
    api.endWatches('namespaces')
    await until(() => assert.equal(asked(api, 'namespaces', 'watch').at(-1)?.query.get('resourceVersion'), version))
  })

  test('labels for services and slices, namespace labels for namespaces, running pods alone', async (t) => {
    const api = await serve(t)
    const harness = createClusterHarness(t, sourceOf(api), {
      labels: 'app=web',
      namespaceLabels: 'team in (a,b)',
      pods: true,
      serviceImports: true,
    })
    await harness.synced()
    const selectors = (resource: string) =>
      [...new Set(asked(api, resource, 'list').map(({ query }) => query.get('labelSelector')))].sort()
    assert.deepEqual(selectors('services'), ['app=web'])
    assert.deepEqual(selectors('namespaces'), ['team in (a,b)'])
    assert.deepEqual(selectors('serviceimports'), ['team in (a,b)'])
    assert.deepEqual(selectors('endpointslices'), ['app=web', 'app=web,multicluster.kubernetes.io/service-name'])
    assert.equal(
      asked(api, 'pods', 'list')[0].query.get('fieldSelector'),
      'status.phase!=Succeeded,status.phase!=Failed,status.phase!=Unknown',
    )
  })

  test('one connection to the API server carries all watches', async (t) => {
    const api = await serve(t)
    const harness = createClusterHarness(t, sourceOf(api), { pods: true, serviceImports: true })
    await harness.synced()
    assert.equal(api.connections, 1)
  })
})

describe('responses to a list that are not a list', { concurrency: true }, () => {
  test('410 for a page starts the list anew', async (t) => {
    const api = await serve(t, { streaming: false })
    for (let i = 0; i < 700; i++) api.put(service(`s${i}`))
    api.fault({ on: 'list', when: ({ query }) => query.has('continue'), respond: { status: 410, reason: 'Expired' } })
    const harness = createClusterHarness(t, sourceOf(api))
    await harness.synced()
    await until(() => assert.equal(api.watches('services'), 1))
    api.put(service('one-more'))
    api.event('services', 'ERROR', api.status(410, 'Expired'))
    const pages = () =>
      api.requests.filter(
        ({ resource, verb, query }) => resource === 'services' && verb === 'list' && query.has('limit'),
      )
    await until(() =>
      assert.deepEqual(
        pages().map(({ query }) => query.has('continue')),
        [false, true, false, true],
      ),
    )
    assert.equal(serviceNames(harness).length, 702)
  })

  test('a server that lags behind what was seen is asked for what it has', async (t) => {
    const api = await serve(t)
    const harness = createClusterHarness(t, sourceOf(api))
    await harness.synced()
    api.kill()
    // A backup has been restored.
    api.store.setVersion(5)
    api.put(service('restored'))
    await api.restart()
    await until(() => assert.deepEqual(serviceNames(harness), ['restored', 'web']))
    api.put(service('after'))
    await until(() => assert.deepEqual(serviceNames(harness), ['after', 'restored', 'web']))
  })

  test('503 is waited out as long as it says', async (t) => {
    const api = await serve(t)
    api.fault({
      on: 'list',
      resource: 'services',
      respond: { status: 503, headers: { 'retry-after': '1' } },
    })
    const harness = createClusterHarness(t, sourceOf(api))
    const startedAt = performance.now()
    await harness.synced()
    // Timers may fire a millisecond early.
    assert.ok(performance.now() - startedAt >= 990)
  })

  test('a message of 100 KB is cut in the log, which says how much was left out', async (t) => {
    const api = await serve(t)
    api.fault({ on: 'any', resource: 'services', times: 3, respond: { forbidden: true } })
    api.fault({ on: 'any', resource: 'services', respond: { status: 500, message: 'x'.repeat(50_000) } })
    const clock = createFakeClock()
    const harness = createClusterHarness(t, sourceOf(api), { clock })
    await until(() => {
      clock.advance(1000)
      assert.equal(harness.view.synced, true)
    })
    const [line] = harness.lines.filter((text) => text.includes('xxxx'))
    assert.ok(line.length < 1400, `${line.length}`)
    assert.match(line, /x… \d{5} more octets/)
  })

  for (const status of [429, 500, 502, 504]) {
    test(`${status} is tried again, with the reason logged when it goes on`, async (t) => {
      const api = await serve(t)
      api.fault({ on: 'any', resource: 'services', times: 3, respond: { status, message: 'no way' } })
      const clock = createFakeClock()
      const harness = createClusterHarness(t, sourceOf(api), { clock })
      await until(() => {
        clock.advance(1000)
        assert.equal(harness.view.synced, true)
      })
      assert.match(
        harness.lines.join('\n'),
        new RegExp(`ERROR. cannot watch services: https://127.*: ${status} no way`),
      )
      assert.match(harness.lines.join('\n'), /INFO. watching services works again/)
    })
  }

  test('a dropped connection is opened again', async (t) => {
    const api = await serve(t)
    api.fault({ on: 'list', resource: 'services', respond: { drop: true } })
    const harness = createClusterHarness(t, sourceOf(api))
    await harness.synced()
    assert.deepEqual(serviceNames(harness), ['web'])
  })

  test('a custom resource without definition is an empty set', async (t) => {
    const api = await serve(t)
    api.undefinedResources.add('serviceimports')
    const harness = createClusterHarness(t, sourceOf(api), { serviceImports: true })
    await harness.synced()
    assert.equal(harness.view.availability('serviceimports'), 'synced')
    assert.deepEqual([...harness.view.serviceImports()], [])
  })

  const versions = ['v1alpha1', 'v1beta1'] as const
  for (const served of versions)
    test(`ServiceImports are read in the version that the server has: ${served}`, async (t) => {
      const api = await serve(t)
      const define = (wanted: string) => {
        for (const version of versions) {
          const name = `serviceimports.multicluster.x-k8s.io/${version}`
          if (version === wanted) api.undefinedResources.delete(name)
          else api.undefinedResources.add(name)
        }
      }
      const imported = (name: string) => ({
        kind: 'ServiceImport',
        metadata: { namespace: 'shop', name },
        spec: { type: 'Headless' },
      })
      define(served)
      api.put(imported('db'))
      const harness = createClusterHarness(t, sourceOf(api), { serviceImports: true })
      await harness.synced()
      const names = () => [...harness.view.serviceImports()].map(({ name }) => name).sort()
      assert.deepEqual(names(), ['db'])
      api.put(imported('web'))
      await until(() => assert.deepEqual(names(), ['db', 'web']))
      define(versions.find((version) => version !== served)!)
      const seen: number[] = []
      harness.subscribe('observers', { serviceImport: () => seen.push(names().length) })
      api.endWatches('serviceimports')
      api.put(imported('cache'))
      await until(() => assert.deepEqual(names(), ['cache', 'db', 'web']))
      assert.deepEqual(seen, [3], 'the set was never empty in between')
    })

  test('a custom resource is found when its definition is installed later', async (t) => {
    const api = await serve(t)
    const clock = createFakeClock()
    api.undefinedResources.add('serviceimports')
    const harness = createClusterHarness(t, sourceOf(api), { serviceImports: true, clock })
    await harness.synced()
    api.undefinedResources.delete('serviceimports')
    api.put({ kind: 'ServiceImport', metadata: { namespace: 'shop', name: 'db' }, spec: { type: 'Headless' } })
    await until(() => {
      clock.advance(1000)
      assert.equal(harness.view.serviceImport('shop', 'db')?.type, 'Headless')
    })
  })

  test('a custom resource that cannot be listed holds up nothing else, and is asked for again', async (t) => {
    const api = await serve(t)
    const clock = createFakeClock()
    const broken = { status: 500, reason: 'InternalError', message: 'conversion webhook failed' }
    const fault = api.fault({ on: 'any', resource: 'serviceimports', times: Infinity, respond: broken })
    const harness = createClusterHarness(t, sourceOf(api), { serviceImports: true, clock })
    await until(() => assert.equal(harness.view.synced, true))
    assert.equal(harness.view.availability('serviceimports'), 'pending')
    fault.remove()
    await until(() => {
      clock.advance(1000)
      assert.equal(harness.view.availability('serviceimports'), 'synced')
    })
  })

  for (const [name, options] of variants)
    test(`ServiceImports and their slices are followed: ${name}`, async (t) => {
      const api = await serve(t, options)
      const imported = (ips: string[]) => ({
        kind: 'ServiceImport',
        metadata: { namespace: 'shop', name: 'db' },
        spec: { type: 'ClusterSetIP', ips, ports: [{ name: 'pg', port: 5432, protocol: 'TCP' }] },
      })
      const importedSlice = (address: string, zone: string) => ({
        kind: 'EndpointSlice',
        metadata: {
          namespace: 'shop',
          name: 'imported-db',
          labels: {
            'multicluster.kubernetes.io/service-name': 'db',
            'multicluster.kubernetes.io/source-cluster': 'east',
          },
        },
        addressType: 'IPv4',
        endpoints: [{ addresses: [address], zone }],
        ports: [{ name: 'pg', port: 5432, protocol: 'TCP' }],
      })
      api.put(imported(['10.42.0.1']), importedSlice('10.7.0.1', 'a'))
      const harness = createClusterHarness(t, sourceOf(api), { serviceImports: true, zones: true })
      await harness.synced()
      const facts = () => {
        const [found] = harness.view.importedSlices('shop', 'db')
        const ips = harness.view.serviceImport('shop', 'db')?.ips
        return { ips, cluster: found?.cluster, zones: found?.zones, addresses: found && [...found.addresses] }
      }
      assert.deepEqual(facts(), { ips: ['10.42.0.1'], cluster: 'east', zones: ['a'], addresses: [10, 7, 0, 1] })
      assert.deepEqual(harness.view.slices('shop', 'db'), [])
      api.put(imported(['10.42.0.2']), importedSlice('10.7.0.2', 'b'))
      await until(() =>
        assert.deepEqual(facts(), { ips: ['10.42.0.2'], cluster: 'east', zones: ['b'], addresses: [10, 7, 0, 2] }),
      )
      api.delete('ServiceImport', 'shop', 'db')
      await until(() => assert.equal(harness.view.serviceImport('shop', 'db'), undefined))
    })

  test('a streamed list that stalls is given up, and comes in pages then', async (t) => {
    const api = await serve(t)
    const clock = createFakeClock()
    api.fault({ on: 'list', resource: 'services', respond: { status: 500 } })
    const contentType = 'application/vnd.kubernetes.protobuf;stream=watch'
    api.fault({ on: 'stream', resource: 'services', respond: { octets: Buffer.alloc(0), contentType, open: true } })
    const harness = createClusterHarness(t, sourceOf(api), { clock })
    await until(() => assert.equal(harness.view.availability('namespaces'), 'synced'))
    await until(() => {
      clock.advance(1000)
      assert.equal(harness.view.synced, true)
    })
    assert.ok(api.requests.some(({ resource, query }) => resource === 'services' && query.has('limit')))
  })

  test('a first list that stalls is given up, and is streamed then', async (t) => {
    const api = await serve(t)
    const clock = createFakeClock()
    const contentType = 'application/vnd.kubernetes.protobuf'
    api.fault({ on: 'list', resource: 'services', respond: { octets: Buffer.alloc(0), contentType, open: true } })
    const harness = createClusterHarness(t, sourceOf(api), { clock })
    await until(() => assert.equal(harness.view.availability('namespaces'), 'synced'))
    await until(() => {
      clock.advance(1000)
      assert.equal(harness.view.synced, true)
    })
    assert.deepEqual(serviceNames(harness), ['web'])
    assert.ok(api.requests.some(({ resource, verb }) => resource === 'services' && verb === 'stream'))
  })

  test('a response that never comes is given up, and the log says after how long', async (t) => {
    const api = await serve(t)
    const clock = createFakeClock()
    api.fault({ on: 'list', resource: 'services', respond: { stall: true } })
    const harness = createClusterHarness(t, sourceOf(api), { clock })
    await until(() => assert.equal(harness.view.availability('namespaces'), 'synced'))
    await until(() => {
      clock.advance(1000)
      assert.equal(harness.view.synced, true)
    })
    assert.match(harness.lines.join('\n'), /cannot watch services: .*: no response within 25 s/)
  })

  test('a custom resource comes in JSON while the others come in protobuf', async (t) => {
    const api = await serve(t)
    api.put({
      kind: 'ServiceImport',
      metadata: { namespace: 'shop', name: 'db' },
      spec: { type: 'ClusterSetIP', ips: ['10.42.0.1'], ports: [{ port: 5432, protocol: 'TCP' }] },
    })
    const harness = createClusterHarness(t, sourceOf(api), { serviceImports: true })
    await harness.synced()
    assert.deepEqual(harness.view.serviceImport('shop', 'db'), {
      namespace: 'shop',
      name: 'db',
      type: 'ClusterSetIP',
      ips: ['10.42.0.1'],
      ports: [{ name: '', port: 5432, protocol: 'tcp' }],
    })
  })
})

describe('a resource that RBAC forbids', () => {
  test('a resource that RBAC forbids degrades alone, is named once with the missing rule, and recovers when the rule is there', async (t) => {
    const api = await serve(t)
    const forbidden = api.forbid('endpointslices')
    const clock = createFakeClock()
    const harness = createClusterHarness(t, sourceOf(api), { clock })
    await harness.synced()
    assert.equal(harness.view.availability('endpointslices'), 'forbidden')
    assert.deepEqual(serviceNames(harness), ['web'])
    await until(async () => {
      // More than a minute: other faults would be logged again.
      clock.advance(5000)
      const errors = await harness.counted('slicedns_kubernetes_watch_errors_total')
      assert.ok(errors['reason=forbidden,resource=endpointslices'] >= 15)
    })
    const lines = harness.lines.filter((line) => line.includes('endpointslices'))
    assert.equal(lines.length, 1, lines.join('\n'))
    assert.match(
      lines[0],
      /the ClusterRole needs the rule \{apiGroups: \["discovery.k8s.io"\], resources: \["endpointslices"\], verbs: \["list", "watch"\]\}/,
    )
    assert.match(lines[0], /cannot watch resource "endpointslices" in API group "discovery.k8s.io"/)
    forbidden.allow()
    clock.advance(10_000)
    await until(() => assert.equal(harness.view.availability('endpointslices'), 'synced'))
    assert.deepEqual(addressesOf(harness, 'web'), ['10.0.0.1', '10.0.0.2'])
  })

  test('a resource that RBAC forbids stays synced if it was, and serves what it has', async (t) => {
    const api = await serve(t)
    const harness = createClusterHarness(t, sourceOf(api))
    await harness.synced()
    api.forbid('endpointslices')
    await until(() => assert.match(harness.lines.join('\n'), /may not list and watch endpointslices/))
    assert.equal(harness.view.availability('endpointslices'), 'synced')
    assert.deepEqual(addressesOf(harness, 'web'), ['10.0.0.1', '10.0.0.2'])
  })

  test('services forbidden: the cluster is not synced', async (t) => {
    const api = await serve(t)
    api.forbid('services')
    const harness = createClusterHarness(t, sourceOf(api))
    await until(() => assert.equal(harness.view.availability('services'), 'forbidden'))
    await until(() => assert.equal(harness.view.availability('namespaces'), 'synced'))
    assert.equal(harness.view.synced, false)
  })
})

describe('a watch that is not as it should be', () => {
  async function watching(t: After, options: ApiServerOptions = {}, clock: Clock = systemClock) {
    const api = await serve(t, options)
    const harness = createClusterHarness(t, sourceOf(api), { clock })
    await harness.synced()
    await until(() => {
      assert.equal(api.watches('services'), 1)
      assert.equal(api.watches('endpointslices'), 1)
    })
    return { api, harness }
  }
  const catchesUp = async (api: ApiServer, harness: Parameters<typeof serviceNames>[0]) => {
    api.put(service('afterwards'))
    await until(() => assert.ok(serviceNames(harness).includes('afterwards')))
  }

  test('an ERROR event other than 410 does not leave it dead', async (t) => {
    const { api, harness } = await watching(t)
    api.event('services', 'ERROR', api.status(500, 'InternalError', 'boom'))
    await catchesUp(api, harness)
  })

  test('garbage ends a watch, and what it may have swallowed is listed again', async (t) => {
    for (const protobuf of [true, false]) {
      const { api, harness } = await watching(t, { protobuf })
      api.bytes('services', protobuf ? Buffer.from([0, 0, 0, 3, 0xff, 0xff, 0xff]) : Buffer.from('garbage\n'))
      await until(async () =>
        assert.equal((await harness.counted('slicedns_kubernetes_relists_total'))['resource=services'], 1),
      )
      await catchesUp(api, harness)
    }
  })

  test('half an event at the end of the stream is no event', async (t) => {
    const { api, harness } = await watching(t, { protobuf: false })
    api.bytes('services', Buffer.from('{"type":"DELETED","object":{"kind":"Service","metadata":{"namespace":"sh'))
    api.endWatches('services')
    await catchesUp(api, harness)
    assert.ok(serviceNames(harness).includes('web'))
  })

  test('half an event is completed by what comes later', async (t) => {
    const { api, harness } = await watching(t, { protobuf: false })
    const event = JSON.stringify({
      type: 'ADDED',
      object: { ...service('late'), metadata: { namespace: 'shop', name: 'late' } },
    })
    api.bytes('services', Buffer.from(event.slice(0, 40)))
    api.bytes('services', Buffer.from(`${event.slice(40)}\n`))
    await until(() => assert.ok(serviceNames(harness).includes('late')))
  })

  test('events that are repeated or come late do not turn an object back', async (t) => {
    const { api, harness } = await watching(t)
    const versions = ['10.0.0.5', '10.0.0.6', '10.0.0.7'].map((address) => {
      api.put(slice('web-1', 'web', [address]))
      return api.store.list('EndpointSlice')[0]
    })
    await until(() => assert.deepEqual(addressesOf(harness, 'web'), ['10.0.0.7']))
    api.event('endpointslices', 'MODIFIED', versions[0])
    api.event('endpointslices', 'MODIFIED', versions[2])
    api.event('endpointslices', 'MODIFIED', versions[1])
    api.put(slice('mark', 'mark', ['10.0.0.8']))
    await until(() => assert.deepEqual(addressesOf(harness, 'mark'), ['10.0.0.8']))
    assert.deepEqual(addressesOf(harness, 'web'), ['10.0.0.7'])
  })

  test('an object that was deleted does not come back with an event that comes late', async (t) => {
    const { api, harness } = await watching(t)
    const [before] = api.store.list('Service')
    api.delete('Service', 'shop', 'web')
    api.event('services', 'MODIFIED', before)
    await catchesUp(api, harness)
    assert.deepEqual(serviceNames(harness), ['afterwards'])
  })

  test('a slice that loses the label of its service belongs to none', async (t) => {
    const { api, harness } = await watching(t)
    api.put({ ...slice('web-1', 'web', ['10.0.0.1']), metadata: { namespace: 'shop', name: 'web-1' } })
    await until(() => assert.deepEqual(addressesOf(harness, 'web'), []))
  })

  test('an object that is malformed is skipped and named; its last good form stays', async (t) => {
    const { api, harness } = await watching(t)
    api.put(service('web', { ports: [{ port: 99_999 }] }))
    await catchesUp(api, harness)
    assert.deepEqual(harness.view.service('shop', 'web')?.ports[0].port, 80)
    const complaints = harness.lines.filter((line) => line.includes('malformed'))
    assert.deepEqual(complaints, ['[ERROR] services shop/web: malformed, skipped: port 99999 is not from 0 to 65535'])
    api.event('services', 'ERROR', api.status(410, 'Expired'))
    await until(async () =>
      assert.equal((await harness.counted('slicedns_kubernetes_relists_total'))['resource=services'], 1),
    )
    api.put(service('after-the-list'))
    await until(() => assert.deepEqual(serviceNames(harness), ['after-the-list', 'afterwards', 'web']))
  })

  test('event types of the future are passed over', async (t) => {
    const { api, harness } = await watching(t)
    api.event('services', 'RENAMED', service('web'))
    await catchesUp(api, harness)
  })

  test('a watch that ends at once, again and again, is asked again only as time passes', async (t) => {
    const clock = createFakeClock()
    const { api, harness } = await watching(t, {}, clock)
    const end = { octets: Buffer.alloc(0), contentType: 'application/vnd.kubernetes.protobuf;stream=watch' }
    const fault = api.fault({ on: 'watch', resource: 'services', times: Infinity, respond: end })
    const asked = () => api.requests.filter(({ resource, verb }) => resource === 'services' && verb === 'watch').length
    const errors = async () =>
      (await harness.counted('slicedns_kubernetes_watch_errors_total'))['reason=broken,resource=services']
    api.endWatches('services')
    // The first time it goes on at once: a restart or a balancer may have ended it.
    await until(async () => assert.equal(await errors(), 2))
    const once = asked()
    for (let i = 0; i < 3; i++) {
      api.put(slice('mark', 'mark', [`10.9.0.${i}`]))
      await until(() => assert.deepEqual(addressesOf(harness, 'mark'), [`10.9.0.${i}`]))
    }
    assert.equal(asked(), once)
    clock.advance(800)
    await until(async () => assert.equal(await errors(), 3))
    clock.advance(1600)
    await until(async () => assert.equal(await errors(), 4))
    assert.equal(asked(), once + 2)
    assert.equal(harness.lines.length, 1)
    assert.match(harness.lines[0], /the watch of services ended at once/)
    fault.remove()
    api.put(service('afterwards'))
    await until(() => {
      clock.advance(1000)
      assert.ok(serviceNames(harness).includes('afterwards'))
    })
    await until(() => {
      clock.advance(1000)
      assert.match(harness.lines[1], /INFO. watching services works again/)
    })
  })

  test('GOAWAY: what is asked next takes a new connection, the old watches run out', async (t) => {
    const { api, harness } = await watching(t)
    api.goAway()
    api.put(service('over-the-old-one'))
    await until(() => assert.ok(serviceNames(harness).includes('over-the-old-one')))
    api.endWatches('services')
    await catchesUp(api, harness)
    assert.equal(api.connections, 2)
    api.put(slice('still', 'old', ['10.0.0.4']))
    await until(() => assert.deepEqual(addressesOf(harness, 'old'), ['10.0.0.4']))
  })
})

describe('the metrics of reflectors', () => {
  test('a reflector counts objects, the age of its watch, and requests by code', async (t) => {
    const api = await serve(t)
    const harness = createClusterHarness(t, sourceOf(api))
    await harness.synced()
    const watches = () => ['services', 'namespaces', 'endpointslices'].map(api.watches)
    await until(() => assert.deepEqual(watches(), [1, 1, 1]))
    assert.deepEqual(await harness.counted('slicedns_kubernetes_objects'), {
      'resource=services': 1,
      'resource=namespaces': 1,
      'resource=endpointslices': 1,
    })
    const ages = await harness.counted('slicedns_watch_age_seconds')
    assert.deepEqual(Object.keys(ages).sort(), ['resource=endpointslices', 'resource=namespaces', 'resource=services'])
    const host = `127.0.0.1:${api.port}`
    // A list and a watch of each.
    await until(async () =>
      assert.deepEqual(await harness.counted('coredns_kubernetes_rest_client_requests_total'), {
        [`code=200,host=${host},method=GET`]: 6,
      }),
    )
    const waits = 'coredns_kubernetes_rest_client_rate_limiter_duration_seconds'
    assert.match(await harness.metrics.text(), new RegExp(`^${waits}_sum\\{host="${host}",verb="GET"\\} 0$`, 'm'))
    assert.match(await harness.metrics.text(), new RegExp(`^${waits}_count\\{host="${host}",verb="GET"\\} 6$`, 'm'))
  })
})

test('a cluster that is stopped lets go of its connection, whatever it was doing', async (t) => {
  const api = await serve(t)
  for (const prepare of [() => {}, () => void api.fault({ on: 'list', times: 3, respond: { stall: true } })]) {
    prepare()
    const harness = createClusterHarness(t, sourceOf(api))
    const before = api.requests.length
    await until(() => assert.ok(api.requests.length > before))
    await harness.stop()
    await until(() => assert.equal(api.watches('services'), 0))
  }
})
