/** What changes in the cluster changes in the answers, at once, whatever happens to the API server in between. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { controlPlanePrograms } from '../support/control-plane.ts'
import { createFreshService, follow, freshHost } from '../support/freshness.ts'
import { without } from '../support/peers.ts'
import { type RunningServer, untilReady } from '../support/server.ts'
import { until } from '../support/until.ts'
import { endpoint, namespaceObject, service, slice, startCluster, type TestCluster } from './cluster.ts'

const skip = without(...controlPlanePrograms, 'dig')
const zone = 'shop.svc.cluster.local.'
const plainCache = (corefile: string) => corefile.replace(/cache 30 \{[^}]*\}/, 'cache 30')

let cluster: TestCluster

before(async () => {
  if (skip) return
  cluster = await startCluster()
  await cluster.create(namespaceObject('shop'))
})

after(() => cluster?.stop())

/** Waits until the name has exactly these records' data, in whatever order. */
async function untilAnswer(server: RunningServer, name: string, type: string, data: readonly string[]): Promise<void> {
  await until(async () => {
    const { rcode, answer } = await server.dig(name, type)
    const found = answer.map((record) => record.split(' ').slice(4).join(' '))
    assert.deepEqual(found, [...data].sort(), `${name} ${type}: ${rcode}`)
  })
}

async function untilRcode(server: RunningServer, name: string, rcode: string): Promise<void> {
  await until(async () => assert.equal((await server.dig(name, 'A')).rcode, rcode, name))
}

test('a service is created, scaled, rolled, changes type and goes', { skip }, async (t) => {
  const server = await cluster.serve()
  t.after(() => server.stop())
  const name = `peers.${zone}`
  assert.equal((await server.dig(name, 'A')).rcode, 'NXDOMAIN')

  await cluster.create(service('shop', 'peers', { clusterIP: 'None', ports: [{ name: 'http', port: 80 }] }))
  await cluster.create(slice({ namespace: 'shop', name: 'peers-a', service: 'peers', endpoints: ['10.1.0.1'] }))
  await untilAnswer(server, name, 'A', ['10.1.0.1'])

  await t.test('scaled: the new endpoints join', async () => {
    const endpoints = ['10.1.0.1', '10.1.0.2', '10.1.0.3'].map(endpoint)
    await cluster.change('EndpointSlice', 'shop', 'peers-a', { endpoints })
    await untilAnswer(server, name, 'A', ['10.1.0.1', '10.1.0.2', '10.1.0.3'])
  })
  await t.test('rolled: one that is not ready leaves, one in another slice comes', async () => {
    const endpoints = [{ address: '10.1.0.1', ready: false }, '10.1.0.2', '10.1.0.3'].map(endpoint)
    await cluster.change('EndpointSlice', 'shop', 'peers-a', { endpoints })
    await cluster.create(slice({ namespace: 'shop', name: 'peers-b', service: 'peers', endpoints: ['10.1.0.4'] }))
    await untilAnswer(server, name, 'A', ['10.1.0.2', '10.1.0.3', '10.1.0.4'])
  })
  await t.test('an endpoint that moves between slices stays in every answer', async () => {
    const seen: number[] = []
    let over = false
    const asking = (async () => {
      while (!over) seen.push((await server.dig(name, 'A')).answer.length)
    })()
    await cluster.change('EndpointSlice', 'shop', 'peers-b', { endpoints: ['10.1.0.4', '10.1.0.3'].map(endpoint) })
    await cluster.change('EndpointSlice', 'shop', 'peers-a', { endpoints: [endpoint('10.1.0.2')] })
    await cluster.change('EndpointSlice', 'shop', 'peers-a', { metadata: { annotations: { seen: 'all' } } })
    await until(() => assert.ok(seen.length > 20))
    over = true
    await asking
    assert.deepEqual([...new Set(seen)], [3])
  })
  await t.test('an ExternalName in its place', async () => {
    await cluster.change('Service', 'shop', 'peers', {
      spec: { type: 'ExternalName', externalName: 'www.example.org', clusterIP: null, clusterIPs: null },
    })
    await untilAnswer(server, name, 'CNAME', ['www.example.org.'])
  })
  await t.test('deleted: the name is gone', async () => {
    await cluster.remove('Service', 'shop', 'peers')
    await untilRcode(server, name, 'NXDOMAIN')
  })
})

for (const [corefile, edit] of [
  ['kubeadm’s Corefile', (text: string) => text],
  ['plain cache 30', plainCache],
] as const) {
  test(`with ${corefile} an endpoint is in the answer after its event, and out of it again`, { skip }, async (t) => {
    const server = await cluster.serve({ edit })
    t.after(() => server.stop())
    if (edit !== plainCache) await createFreshService(cluster)
    await until(async () => assert.equal((await server.dig(freshHost, 'A')).answer.length, 1))
    const options = { port: server.ports.dns, more: (changes: number) => changes < 200, patience: 10_000 }
    const { latencies, stale } = await follow(cluster, options)
    assert.equal(stale, 0)
    const sorted = [...latencies].sort((a, b) => a - b)
    const at = (share: number) => sorted[Math.floor(sorted.length * share)]!.toFixed(2)
    t.diagnostic(`event to answer over ${sorted.length} changes: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`)
  })
}

test('a name that was denied is found as soon as it exists, plain cache 30 or not', { skip }, async (t) => {
  const server = await cluster.serve({ edit: plainCache })
  t.after(() => server.stop())
  const name = `late.${zone}`
  await untilRcode(server, name, 'NXDOMAIN')
  await cluster.create(service('shop', 'late', { clusterIP: '10.96.7.7', ports: [{ port: 80 }] }))
  await untilAnswer(server, name, 'A', ['10.96.7.7'])
})

test('the API server is killed, its history compacted, and comes back: no query fails, then all is right', {
  skip,
}, async (t) => {
  const server = await cluster.serve()
  t.after(() => server.stop())
  await cluster.create(service('shop', 'known', { clusterIP: '10.96.8.8', ports: [{ port: 80 }] }))
  await untilAnswer(server, `known.${zone}`, 'A', ['10.96.8.8'])
  let asked = 0
  let over = false
  const asking = (async () => {
    while (!over) {
      assert.equal((await server.dig(`known.${zone}`, 'A')).answer.length, 1)
      assert.equal((await server.dig(`unknown.${zone}`, 'A')).rcode, 'NXDOMAIN')
      asked += 2
    }
  })()
  await cluster.kill()
  const before = asked
  await until(() => assert.ok(asked > before + 20))
  await cluster.compact()
  await cluster.startAgain()
  const back = performance.now()
  await cluster.create(service('shop', 'new', { clusterIP: '10.96.8.9', ports: [{ port: 80 }] }))
  await untilAnswer(server, `new.${zone}`, 'A', ['10.96.8.9'])
  t.diagnostic(`answers right ${(performance.now() - back).toFixed(0)} ms after the API server's return`)
  over = true
  await asking
  assert.deepEqual(await server.http('ready', '/ready'), { status: 200, body: 'OK' })
})

test('EndpointSlices forbidden: ClusterIP names answer, headless ones SERVFAIL, until the rule is there', {
  skip,
}, async (t) => {
  const role = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'half' }
  const rules = [{ apiGroups: [''], resources: ['services', 'namespaces'], verbs: ['list', 'watch'] }]
  await cluster.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace: 'shop', name: 'half' } })
  const rbac = 'rbac.authorization.k8s.io/v1'
  await cluster.create({ apiVersion: rbac, kind: 'ClusterRole', metadata: { name: 'half' }, rules })
  await cluster.create({
    apiVersion: rbac,
    kind: 'ClusterRoleBinding',
    metadata: { name: 'half' },
    roleRef: role,
    subjects: [{ kind: 'ServiceAccount', namespace: 'shop', name: 'half' }],
  })
  await cluster.create(service('shop', 'ip', { clusterIP: '10.96.9.9', ports: [{ port: 80 }] }))
  await cluster.create(service('shop', 'none', { clusterIP: 'None', ports: [{ port: 80 }] }))
  await cluster.create(slice({ namespace: 'shop', name: 'none-a', service: 'none', endpoints: ['10.9.0.1'] }))

  const kubeconfig = cluster.kubeconfig(await cluster.serviceAccountToken('shop', 'half'))
  const server = await cluster.serve({ kubeconfig, waitFor: 'banner' })
  t.after(() => server.stop())
  await untilAnswer(server, `ip.${zone}`, 'A', ['10.96.9.9'])
  await untilRcode(server, `none.${zone}`, 'SERVFAIL')
  await server.printed(/\[(WARNING|ERROR)\] plugin\/kubernetes: .*(list|watch).*endpointslices.*discovery\.k8s\.io/)

  rules.push({ apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] })
  await cluster.change('ClusterRole', '', 'half', { rules })
  await untilAnswer(server, `none.${zone}`, 'A', ['10.9.0.1'])
  await untilReady(server)
})
