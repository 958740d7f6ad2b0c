/** The reflectors against the real kube-apiserver: what the test API server imitates is right. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { get } from 'node:https'
import { after, before, describe, test } from 'node:test'
import { jsonList } from '../../src/k8s/decode/json-stream.ts'
import { protobufList } from '../../src/k8s/decode/protobuf-stream.ts'
import { createReducer } from '../../src/k8s/decode/reduce.ts'
import type { ClusterConfig } from '../../src/k8s/model/config.ts'
import { addressesOf, type ClusterHarness, createClusterHarness, serviceNames } from '../k8s/harness.ts'
import { createPausedClock, proveEvery } from '../k8s/paused-clock.ts'
import { type ControlPlane, controlPlanePrograms, startControlPlane } from '../support/control-plane.ts'
import { startLossyProxy } from '../support/lossy-proxy.ts'
import { without } from '../support/peers.ts'
import { until } from '../support/until.ts'

const services = '/api/v1/namespaces/shop/services'
const slices = '/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices'
const rbac = '/apis/rbac.authorization.k8s.io/v1'

describe('the real kube-apiserver', { skip: without(...controlPlanePrograms) }, () => {
  let plane: ControlPlane
  before(async () => {
    plane = await startControlPlane()
    await plane.request('POST', '/api/v1/namespaces', { metadata: { name: 'shop' } })
  })
  after(() => plane?.stop())

  const source = (token = plane.adminToken): ClusterConfig['source'] => ({
    kind: 'kubeconfig',
    file: plane.kubeconfig(token),
    context: '',
  })

  const putService = (name: string, spec: object = {}) =>
    plane.request('POST', services, { metadata: { name }, spec: { ports: [{ name: 'http', port: 80 }], ...spec } })

  const sliceObject = (name: string, addresses: readonly string[]) => ({
    metadata: { name, labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
    ports: [{ name: 'http', port: 8080 }],
  })

  const patchAddresses = (name: string, addresses: readonly string[]) =>
    plane.request('PATCH', `${slices}/${name}`, { endpoints: sliceObject(name, addresses).endpoints })

  /** Everything that the test made is gone again. */
  const clear = async () => {
    for (const path of [services, slices]) {
      const { items } = await plane.request('GET', path)
      for (const { metadata } of items) await plane.request('DELETE', `${path}/${metadata.name}`)
    }
  }

  async function opened(
    t: { after(task: () => unknown): void },
    options: Partial<ClusterConfig> = {},
  ): Promise<ClusterHarness> {
    t.after(clear)
    const harness = createClusterHarness(t, source(), options)
    await harness.synced()
    return harness
  }

  test('services and slices are followed from creation over scaling to deletion', async (t) => {
    const harness = await opened(t)
    const { spec } = await putService('web')
    await until(() => assert.deepEqual(harness.view.service('shop', 'web')?.clusterIPs, spec.clusterIPs))
    assert.equal(harness.view.serviceByClusterIP(spec.clusterIP)?.name, 'web')
    await plane.request('POST', slices, sliceObject('web-1', ['10.1.0.1']))
    await until(() => assert.deepEqual(addressesOf(harness, 'web'), ['10.1.0.1']))
    await patchAddresses('web-1', ['10.1.0.1', '10.1.0.2', '10.1.0.3'])
    await until(() => assert.deepEqual(addressesOf(harness, 'web'), ['10.1.0.1', '10.1.0.2', '10.1.0.3']))
    await patchAddresses('web-1', ['10.1.0.3'])
    await until(() => assert.deepEqual(addressesOf(harness, 'web'), ['10.1.0.3']))
    await plane.request('DELETE', `${services}/web`)
    await plane.request('DELETE', `${slices}/web-1`)
    await until(() => {
      assert.deepEqual(serviceNames(harness), [])
      assert.deepEqual(addressesOf(harness, 'web'), [])
    })
    assert.deepEqual(harness.lines, [])
  })

  test('every kind of Service is read as its JSON says', async (t) => {
    const harness = await opened(t)
    await putService('headless', { clusterIP: 'None', publishNotReadyAddresses: true })
    await putService('dual', { ipFamilyPolicy: 'RequireDualStack', externalIPs: ['192.0.2.1'] })
    await putService('node', { type: 'NodePort' })
    await putService('out', { type: 'ExternalName', externalName: 'db.example.com', ports: undefined })
    const balanced = await putService('balanced', { type: 'LoadBalancer' })
    await plane.request('PATCH', `${services}/balanced/status`, {
      status: { loadBalancer: { ingress: [{ ip: '198.51.100.7' }, { hostname: 'lb.example.com' }] } },
    })
    await until(() => assert.equal(harness.view.service('shop', 'balanced')?.ingress.length, 2))
    const { view } = harness
    const { headless, publishNotReadyAddresses, clusterIPs } = view.service('shop', 'headless')!
    assert.deepEqual(
      { headless, publishNotReadyAddresses, clusterIPs },
      {
        headless: true,
        publishNotReadyAddresses: true,
        clusterIPs: [],
      },
    )
    assert.equal(view.service('shop', 'dual')?.clusterIPs.length, 2)
    assert.deepEqual(view.service('shop', 'dual')?.externalIPs, ['192.0.2.1'])
    assert.equal(view.service('shop', 'node')?.type, 'NodePort')
    assert.equal(view.service('shop', 'out')?.externalName, 'db.example.com')
    assert.equal(view.service('shop', 'balanced')?.uid, balanced.metadata.uid)
    assert.equal(view.service('shop', 'balanced')?.createdAt, Date.parse(balanced.metadata.creationTimestamp) / 1000)
  })

  test('the real API server is asked for a list and a watch of each resource, without a request too many', async (t) => {
    const harness = await opened(t)
    const { host } = new URL(plane.url)
    // A list and a watch of each resource; watches begin when the lists are there.
    await until(async () =>
      assert.deepEqual(await harness.counted('coredns_kubernetes_rest_client_requests_total'), {
        [`code=200,host=${host},method=GET`]: 6,
      }),
    )
  })

  test('a page in protobuf is the page in JSON', async (t) => {
    t.after(clear)
    for (const name of ['a', 'b', 'c']) await putService(name)
    const reducer = createReducer({
      annotationPrefixes: [''],
      podNames: true,
      podLabels: true,
      zones: true,
      sliceUids: false,
    })
    const read = async (make: typeof jsonList, accept: string) => {
      const reader = make(reducer)
      const found: unknown[] = []
      for await (const chunk of await open(`${plane.url}${services}?limit=2`, accept)) {
        reader.push(chunk as Buffer)
        for (let item = reader.next(); item !== undefined; item = reader.next()) {
          const meta = item.meta()
          found.push(meta, item.reduce('services', meta, undefined))
        }
      }
      const { continueToken, resourceVersion } = reader.finish()
      assert.notEqual(continueToken, '')
      return { found, resourceVersion }
    }
    // Again where something was written between the two: its resourceVersion is the only thing that changes.
    await until(async () =>
      assert.deepEqual(
        await read(protobufList, 'application/vnd.kubernetes.protobuf'),
        await read(jsonList, 'application/json'),
      ),
    )
  })

  const open = async (url: string, accept: string): Promise<IncomingMessage> => {
    const headers = { accept, authorization: `Bearer ${plane.adminToken}` }
    const sent = get(url, { headers, ca: readFileSync(plane.certificateAuthority), agent: false })
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    return response
  }

  test('running pods are found by address until they have finished', async (t) => {
    const harness = await opened(t, { pods: true })
    const pods = '/api/v1/namespaces/shop/pods'
    t.after(() => plane.request('DELETE', `${pods}/job?gracePeriodSeconds=0`))
    await plane.request('POST', pods, {
      metadata: { name: 'job' },
      spec: { containers: [{ name: 'a', image: 'a' }], nodeName: 'n' },
    })
    const phase = (name: string) =>
      plane.request('PATCH', `${pods}/job/status`, {
        status: { phase: name, podIP: '10.9.0.1', podIPs: [{ ip: '10.9.0.1' }] },
      })
    await phase('Running')
    await until(() => assert.equal(harness.view.hasPod('shop', '10.9.0.1'), true))
    await phase('Succeeded')
    await until(() => assert.equal(harness.view.hasPod('shop', '10.9.0.1'), false))
  })

  test('ServiceImports without their definition count as an empty list', async (t) => {
    const harness = await opened(t, { serviceImports: true })
    assert.equal(harness.view.availability('serviceimports'), 'synced')
  })

  test('rights that were withdrawn are named in the log, and used as soon as they are back', async (t) => {
    t.after(clear)
    await plane.request('POST', '/api/v1/namespaces/shop/serviceaccounts', { metadata: { name: 'dns' } })
    const rule = (apiGroups: string[], resources: string[]) => ({ apiGroups, resources, verbs: ['list', 'watch'] })
    const some = rule([''], ['services', 'namespaces'])
    const all = [some, rule(['discovery.k8s.io'], ['endpointslices'])]
    await plane.request('POST', `${rbac}/clusterroles`, { metadata: { name: 'dns' }, rules: [some] })
    await plane.request('POST', `${rbac}/clusterrolebindings`, {
      metadata: { name: 'dns' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'dns' },
      subjects: [{ kind: 'ServiceAccount', name: 'dns', namespace: 'shop' }],
    })
    await putService('web')
    await plane.request('POST', slices, sliceObject('web-1', ['10.1.0.1']))
    const harness = createClusterHarness(t, source(await plane.serviceAccountToken('shop', 'dns')))
    await harness.synced()
    assert.equal(harness.view.availability('endpointslices'), 'forbidden')
    assert.deepEqual(serviceNames(harness), ['web'])
    assert.match(
      harness.lines.join('\n'),
      /resources: \["endpointslices"\].*system:serviceaccount:shop:dns" cannot (?:list|watch) resource "endpointslices"/,
    )
    await plane.request('PATCH', `${rbac}/clusterroles/dns`, { rules: all })
    await until(() => assert.equal(harness.view.availability('endpointslices'), 'synced'))
    assert.deepEqual(addressesOf(harness, 'web'), ['10.1.0.1'])
  })

  test('a change whose event a proxy has kept back is found by the proof of freshness, and mended', async (t) => {
    t.after(clear)
    const proxy = await startLossyProxy(plane)
    t.after(() => proxy.stop())
    const { clock, endPauses } = createPausedClock()
    const endpoint = { kind: 'endpoint', url: proxy.url } as const
    const harness = createClusterHarness(t, endpoint, { clock, proveEvery })
    await harness.synced()
    for (const name of ['web-1', 'web-2']) await plane.request('POST', slices, sliceObject(name, ['10.1.0.1']))
    await until(() => assert.deepEqual(addressesOf(harness, 'web'), ['10.1.0.1', '10.1.0.1']))
    proxy.loses = 'web-1'
    await patchAddresses('web-1', ['10.1.0.9'])
    await until(() => assert.equal(proxy.lost, 1))
    proxy.loses = undefined
    await patchAddresses('web-2', ['10.1.0.2'])
    await until(() => assert.deepEqual(addressesOf(harness, 'web'), ['10.1.0.1', '10.1.0.2']))
    await until(() => {
      endPauses()
      assert.deepEqual(addressesOf(harness, 'web'), ['10.1.0.9', '10.1.0.2'])
    })
    assert.match(harness.lines.join('\n'), /endpointslices: 1 differ .*: ~ shop\/web-1; listing the resource again/)
    const checks = await harness.counted('slicedns_freshness_checks_total')
    assert.equal(checks['resource=services,result=different'], 0)
  })

  test('an API server that is killed and comes back without its history: all is served meanwhile, and right afterwards', async (t) => {
    const harness = await opened(t)
    await putService('web')
    await plane.request('POST', slices, sliceObject('web-1', ['10.1.0.1']))
    await until(() => assert.deepEqual(addressesOf(harness, 'web'), ['10.1.0.1']))
    // Something that the watch of slices has not seen when history ends: it must be listed anew.
    await plane.kill()
    await until(() => assert.match(harness.lines.join('\n'), /connection refused/))
    await plane.compact()
    assert.deepEqual(addressesOf(harness, 'web'), ['10.1.0.1'])
    assert.equal(harness.view.synced, true)
    await plane.startAgain()
    await patchAddresses('web-1', ['10.1.0.2'])
    await until(() => assert.deepEqual(addressesOf(harness, 'web'), ['10.1.0.2']))
    await putService('api')
    await until(() => assert.deepEqual(serviceNames(harness), ['api', 'web']))
    assert.match(harness.lines.join('\n'), /works again/)
  })
})
