/** Traffic splits as clients see them: a real API server, the built server, and c-ares, the resolver library of Node. */
import assert from 'node:assert/strict'
import type { SrvRecord } from 'node:dns'
import { Resolver } from 'node:dns/promises'
import { after, before, test } from 'node:test'
import { assertShare } from '../support/chance.ts'
import { controlPlanePrograms } from '../support/control-plane.ts'
import { createFailover, createFreshService, follow } from '../support/freshness.ts'
import { without } from '../support/peers.ts'
import { until } from '../support/until.ts'
import { namespaceObject, service, slice, startCluster, type TestCluster } from './cluster.ts'

const skip = without(...controlPlanePrograms)
const name = 'web.shop.svc.cluster.local'
const lookups = 2000
/** Queries under way at a time. */
const width = 25

let cluster: TestCluster

before(async () => {
  if (skip) return
  cluster = await startCluster()
  await cluster.create(namespaceObject('shop'))
  const ports = [{ name: 'http', port: 80 }]
  await cluster.create(service('shop', 'web', { clusterIP: '10.96.5.1', ports }))
  for (const [backend, replicas] of Object.entries({ stable: 1, canary: 9 })) {
    const octet = backend === 'stable' ? 1 : 2
    const endpoints = Array.from({ length: replicas }, (_, i) => `10.${octet}.0.${i + 1}`)
    await cluster.create(service('shop', backend, { clusterIP: 'None', ports }))
    await cluster.create(slice({ namespace: 'shop', name: `${backend}-a`, service: backend, ports, endpoints }))
  }
})

after(() => cluster?.stop())

const annotate = (value: string) =>
  cluster.change('Service', 'shop', 'web', { metadata: { annotations: { 'slicedns.io/split': value } } })

/** How many of the lookups went to `canary`. */
async function toCanary(look: () => Promise<string>): Promise<number> {
  let count = 0
  let left = lookups
  const client = async (): Promise<void> => {
    while (left-- > 0) if (/^10\.2\.|\.canary\./.test(await look())) count++
  }
  await Promise.all(Array.from({ length: width }, client))
  return count
}

/** RFC 2782: one of the records, by weight. */
function picked(records: readonly SrvRecord[]): SrvRecord {
  let left = Math.random() * records.reduce((sum, { weight }) => sum + weight, 0)
  for (const record of records) {
    left -= record.weight
    if (left < 0) return record
  }
  return records[records.length - 1]
}

test('clients land on the backends in the shares of the annotation, and follow it when it changes', {
  skip,
}, async (t) => {
  const server = await cluster.serve()
  t.after(() => server.stop())
  const resolver = new Resolver({ timeout: 2000, tries: 3 })
  resolver.setServers([`127.0.0.1:${server.ports.dns}`])
  const clients = {
    'takes the first address': async () => (await resolver.resolve4(name))[0],
    'picks SRV records by weight': async () => picked(await resolver.resolveSrv(`_http._tcp.${name}`)).name,
    'picks by weight at the bare name': async () => picked(await resolver.resolveSrv(name)).name,
    'takes the first SRV record': async () => (await resolver.resolveSrv(`_http._tcp.${name}`))[0].name,
  }
  const isSplit = async (endpoints: number) => {
    await until(async () => assert.equal((await resolver.resolveSrv(name)).length, endpoints))
  }
  for (const [value, endpoints, share] of [
    ['stable=90,canary=10', 10, 0.1],
    ['stable=25,canary=75', 10, 0.75],
    ['stable=100,canary=0', 1, 0],
  ] as const) {
    await annotate(value)
    await isSplit(endpoints)
    // The number of records may be that of before; the weights are new with the answer that shows the change.
    await until(async () => {
      const records = await resolver.resolveSrv(name)
      const all = records.reduce((sum, { weight }) => sum + weight, 0)
      const canary = records
        .filter(({ name }) => name.includes('.canary.'))
        .reduce((sum, { weight }) => sum + weight, 0)
      assert.ok(Math.abs(canary / all - share) < 0.001, `${canary} of ${all}`)
    })
    for (const [client, look] of Object.entries(clients)) {
      const count = await toCanary(look)
      assertShare(count, lookups, share, `${value}: ${client}`, 0.01)
    }
  }
})

test('a failover, primary=100,fallback=0, is in effect with the event, and so is the way back', { skip }, async (t) => {
  await createFreshService(cluster)
  await createFailover(cluster)
  const server = await cluster.serve()
  t.after(() => server.stop())
  const resolver = new Resolver()
  resolver.setServers([`127.0.0.1:${server.ports.dns}`])
  await until(() => resolver.resolve4('freshness-failover.default.svc.cluster.local'))
  const more = (changes: number) => changes < 100
  const { latencies, stale } = await follow(cluster, { port: server.ports.dns, more, patience: 10_000, of: 'failover' })
  assert.equal(stale, 0)
  const sorted = latencies.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.floor(sorted.length * share)]!.toFixed(2)
  t.diagnostic(`event to answer over ${sorted.length} failovers: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`)
})
