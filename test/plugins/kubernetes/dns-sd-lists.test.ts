/** Browsing in a namespace of thousands of services: lists that fit a message, and the work that a change makes. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { followIndexes } from '../../../src/plugins/kubernetes/indexes.ts'
import { createPublisher } from '../../../src/plugins/kubernetes/publish/publisher.ts'
import type { NodeSpec } from '../../../src/table/spec.ts'
import { createMetrics } from '../../../src/telemetry/registry.ts'
import { createNotation } from '../../support/cluster-notation.ts'
import { knowledgeOf } from '../../support/context.ts'
import { createFakeClock } from '../../support/fake-clock.ts'
import { createFakeCluster } from '../../support/fake-cluster.ts'
import { createKubernetesHarness } from '../../support/kubernetes-harness.ts'
import { dnsSettings } from '../../support/shared-cluster.ts'

const count = 2500
const type = '_http._tcp.big.svc.cluster.local.'
const services = Array.from({ length: count }, (_, i) => `service service-${i} big 10.0.${i >> 8}.${i & 255}`).join(
  '\n',
)
const idle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe(`a namespace of ${count} services`, () => {
  test(`a namespace of ${count} services is listed as far as one message goes, the first names in their order`, async () => {
    const cluster = createKubernetesHarness({ options: 'dns_sd', cluster: services })
    await cluster.settled()
    const reply = await cluster.askChain(type, 'PTR', {})
    assert.ok(reply !== 'next')
    assert.ok(reply.answer.length > 900 && reply.answer.length < count)
    assert.equal(reply.truncated, false)
    assert.equal(cluster.askTable(type, 'PTR')?.answer.length, reply.answer.length)
  })

  test(`a namespace of ${count} services has each name of browsing compiled once, however many services come at a time`, async () => {
    const cluster = createFakeCluster({ pods: false, serviceImports: false })
    const notation = createNotation(cluster)
    const context = knowledgeOf(cluster.view, dnsSettings({ zones: ['cluster.local.'], dnsSd: true }))
    followIndexes(cluster, context)
    const publisher = createPublisher({
      context,
      clock: createFakeClock(),
      threadTime: () => 0,
      latency: { published() {}, alreadyThere() {} },
      metrics: createMetrics(),
      report: (text) => assert.fail(text),
    })
    cluster.subscribe('publishing', { service: publisher.serviceChanged, namespace: publisher.namespaceChanged })
    const puts: string[] = []
    const put = (name: string, _: NodeSpec): void => void puts.push(name)
    await publisher.attach({ zone() {}, put, remove() {} }).settled
    const times = (name: string): number => puts.filter((other) => other === name).length
    notation.apply(`namespace big\n${services}`)
    await idle()
    assert.equal(times(type), 1)
    assert.equal(times('_services._dns-sd._udp.big.svc.cluster.local.'), 1)
    puts.length = 0
    notation.apply('service service-7 big 10.0.0.99')
    await idle()
    assert.deepEqual(
      puts.filter((name) => name.startsWith('_services') || name === type),
      [],
      'nothing of the lists has changed',
    )
    notation.apply('remove service service-7 big')
    await idle()
    assert.equal(times(type), 1)
  })
})
