/** gRPC clients that know a Service's name and nothing else: what DNS tells them decides which pods they use. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { until } from '../support/until.ts'
import {
  type ClientOptions,
  clientKinds,
  createDiscoveryHarness,
  type DiscoveryHarness,
  type HarnessOptions,
  port,
  type RunningClient,
  roundRobin,
  withoutClients,
} from './harness.ts'

const skip = withoutClients()
/** Milliseconds: in place of the 30 s between lookups that both libraries have, so that a test need not take minutes. */
const minResolution = 200

async function startDiscovery(t: { after(work: () => Promise<void>): void }, options?: HarnessOptions) {
  const opened = await createDiscoveryHarness(options)
  t.after(opened.stop)
  return opened
}

const failures = (answers: readonly string[]) => answers.filter((answer) => answer.startsWith('!'))

describe('grpc-js and grpc-go on a headless service', () => {
  const start = (cluster: DiscoveryHarness, options: ClientOptions) =>
    clientKinds.map((kind) => cluster.client(kind, { minResolution, ...options }))

  const allUse = async (clients: readonly RunningClient[], pods: readonly number[]) =>
    void (await Promise.all(clients.map((client) => client.uses(pods))))

  test('gRPC clients with round_robin follow a rollout to the new pods, and no call fails', { skip }, async (t) => {
    const cluster = await startDiscovery(t)
    await cluster.run([1, 2, 3])
    await cluster.publish([1, 2, 3])
    const clients = start(cluster, { serviceConfig: roundRobin })
    await allUse(clients, [1, 2, 3])
    // One pod at a time, as a Deployment rolls: the new one is ready, the old one leaves the slice and then ends.
    for (const pods of [
      [2, 3, 4],
      [3, 4, 5],
      [4, 5, 6],
    ]) {
      const surge = [pods[0]! - 1, ...pods]
      await cluster.run(surge)
      await cluster.publish(surge)
      await cluster.publish(pods)
      await cluster.run(pods)
      await allUse(clients, pods)
    }
    for (const { answers } of clients) assert.deepEqual(failures(answers), [])
  })

  test('gRPC clients with round_robin use every pod after scaling up, once their connections are renewed', {
    skip,
  }, async (t) => {
    const cluster = await startDiscovery(t, { maxConnectionAge: 1000 })
    await cluster.run([1, 2, 3])
    await cluster.publish([1, 2, 3])
    const clients = start(cluster, { serviceConfig: roundRobin })
    await allUse(clients, [1, 2, 3])
    await cluster.run([1, 2, 3, 4, 5, 6])
    await cluster.publish([1, 2, 3, 4, 5, 6])
    await allUse(clients, [1, 2, 3, 4, 5, 6])
  })

  test('gRPC clients stay with the pods that they have while no connection breaks, whatever the TTL', {
    skip,
  }, async (t) => {
    const cluster = await startDiscovery(t)
    await cluster.run([1, 2, 3])
    await cluster.publish([1, 2])
    const clients = start(cluster, { serviceConfig: roundRobin })
    await allUse(clients, [1, 2])
    await cluster.publish([1, 2, 3])
    // The TTL is a second: three of them pass.
    const begin = performance.now()
    await until(() => assert.ok(performance.now() - begin > 3000))
    await allUse(clients, [1, 2])
  })

  test('gRPC clients take round_robin from the grpc-config annotation, without a setting in their code', {
    skip,
  }, async (t) => {
    const cluster = await startDiscovery(t)
    await cluster.run([1, 2, 3])
    await cluster.publish([1, 2, 3])
    const plain = start(cluster, {})
    await until(() => assert.ok(plain.every(({ answers }) => answers.length >= 60)))
    for (const client of plain) {
      assert.equal(new Set(client.answers).size, 1, 'without it the first address takes all calls')
      client.stop()
    }
    await cluster.annotate({ 'slicedns.io/grpc-config': roundRobin })
    const config = '_grpc_config.backend.shop.svc.cluster.local'
    await until(async () => assert.equal((await cluster.dig(config, 'TXT')).length, 1))
    await allUse(start(cluster, {}), [1, 2, 3])
  })

  test('_grpclb._tcp: SRV of a port so named gives every backend', { skip }, async (t) => {
    const cluster = await startDiscovery(t, { ports: [{ name: 'grpclb', port }] })
    await cluster.publish([1, 2, 3])
    const found = await cluster.dig('_grpclb._tcp.backend.shop.svc.cluster.local', 'SRV')
    assert.deepEqual(
      found.sort(),
      [1, 2, 3].map((pod) => `0 33 ${port} 127-1-0-${pod}.backend.shop.svc.cluster.local.`),
    )
  })
})
