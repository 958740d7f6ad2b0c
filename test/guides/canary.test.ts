/** docs/canary.md as it stands, on a real API server and the built server; the test plays the controllers. */
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { after, before, describe, test } from 'node:test'
import { type as dnsType } from '../../src/dns/codes.ts'
import { parseMessage } from '../../src/dns/wire.ts'
import { service, slice, startCluster, type TestCluster } from '../e2e/cluster.ts'
import { controlPlanePrograms } from '../support/control-plane.ts'
import { without } from '../support/peers.ts'
import { question } from '../support/question.ts'
import { readA } from '../support/record.ts'
import type { RunningServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import { type Kubectl, kubectl, readGuide } from './guide.ts'
import { commandsOf } from './pages.ts'

const skip = without(...controlPlanePrograms, 'kubectl')
const guide = readGuide('canary')

let cluster: TestCluster
let server: RunningServer
let cli: Kubectl

before(async () => {
  if (skip) return
  cluster = await startCluster()
  cli = kubectl(cluster.kubeconfig(cluster.adminToken))
  server = await cluster.serve()
})

after(async () => {
  await server?.stop()
  await cluster?.stop()
})

/** Gives a Service ready pods, or takes them away. */
async function pods(of: string, ...endpoints: readonly string[]): Promise<void> {
  const path = `/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/${of}-1?fieldManager=test&force=true`
  const object = slice({
    namespace: 'default',
    name: `${of}-1`,
    service: of,
    ports: [{ name: 'http', port: 80 }],
    endpoints,
  })
  const { status } = await cluster.requestAs(cluster.adminToken, 'APPLY', path, object)
  assert.ok(status < 300)
}

const addressOf = async (of: string): Promise<string> =>
  (await cluster.request('GET', `/api/v1/namespaces/default/services/${of}`)).spec.clusterIP

const asked = 2000
/** Many standard deviations: chance does not fail the test, another weight does. */
const tolerance = (share: number): number => 6 * Math.sqrt((share * (1 - share)) / asked)

/** The share of answers for `shop` that name this Service's address; each has one address. */
async function shareOf(address: string): Promise<number> {
  const socket = createSocket('udp4')
  socket.connect(server.ports.dns, '127.0.0.1')
  await once(socket, 'connect')
  let found = 0
  for (let id = 0; id < asked; id++) {
    const reply = once(socket, 'message', { signal: AbortSignal.timeout(5000) })
    socket.send(question('shop.default.svc.cluster.local A', id))
    const [octets] = (await reply) as [Buffer]
    const records = parseMessage(octets).answer.filter(({ type }) => type === dnsType.A)
    assert.equal(records.length, 1)
    assert.ok(records[0]!.ttl <= 5, 'a draw is kept for five seconds at most')
    if (readA(records[0]!.rdata) === address) found++
  }
  socket.close()
  return found / asked
}

/** Waits until `shop` is answered with one of these Services, and no other. */
async function untilAnsweredBy(...services: readonly string[]): Promise<void> {
  const wanted = (await Promise.all(services.map(addressOf))).sort()
  await until(async () => {
    const seen = new Set<string>()
    for (let i = 0; i < 10 || (i < 400 && seen.size < wanted.length); i++) {
      const { answer } = await server.dig('shop.default.svc.cluster.local', 'A')
      for (const record of answer) seen.add(record.split(' ').at(-1)!)
    }
    assert.deepEqual([...seen].sort(), wanted)
  })
}

async function hasShare(canary: string, share: number): Promise<void> {
  const found = await shareOf(await addressOf(canary))
  assert.ok(Math.abs(found - share) <= tolerance(share), `${canary} has ${found}, and should have ${share}`)
}

describe('docs/canary.md', { skip }, () => {
  test('each line of docs/canary.md that is typed by hand moves the traffic to what it says', async () => {
    await cli.apply(guide.next('yaml').text)
    await pods('shop-stable', '10.1.0.1', '10.1.0.2', '10.1.0.3')
    await pods('shop-canary', '10.2.0.1')
    await untilAnsweredBy('shop')
    const steps = commandsOf(guide.next('console').text)
    assert.equal(steps.length, 4)
    for (const command of steps) {
      await cli.shell(`$ ${command}`)
      const share = Number(/shop-canary=(\d+)/.exec(command)![1]) / 100
      await untilAnsweredBy(...(share < 1 ? ['shop-stable'] : []), 'shop-canary')
      await hasShare('shop-canary', share)
    }
    await cli.shell(guide.next('console').text)
    await untilAnsweredBy('shop-stable')
    await cli.shell(guide.next('console').text)
    await untilAnsweredBy('shop')
  })

  test('a version without a ready pod drops out', async () => {
    await cli.shell('$ kubectl annotate service shop slicedns.io/split=shop-stable=50,shop-canary=50')
    await untilAnsweredBy('shop-stable', 'shop-canary')
    await pods('shop-canary')
    await untilAnsweredBy('shop-stable')
  })

  test('Argo Rollouts: the split is over the two Services that the Rollout names', async () => {
    await openDefinition('argoproj.io', 'v1alpha1', 'rollouts', 'Rollout')
    await cli.apply(guide.next('yaml').text)
    await pods('shop-canary', '10.3.0.1')
    await cli.shell(guide.next('console').text)
    await untilAnsweredBy('shop-stable', 'shop-canary')
    await hasShare('shop-canary', 0.05)
  })

  test('Flagger: the canary has its share while it has pods, and nothing afterwards', async () => {
    await openDefinition('flagger.app', 'v1beta1', 'canaries', 'Canary')
    await cli.apply(guide.next('yaml').text)
    const ports = [{ name: 'http', port: 80 }]
    for (const name of ['shop-release', 'shop-release-primary', 'shop-release-canary']) {
      await cluster.create(service('default', name, { ports }))
    }
    await pods('shop-release-primary', '10.4.0.1')
    await untilAnsweredBy('shop-release-primary')
    await pods('shop-release-canary', '10.5.0.1')
    await untilAnsweredBy('shop-release-primary', 'shop-release-canary')
    await hasShare('shop-release-canary', 0.05)
    await pods('shop-release-canary')
    await untilAnsweredBy('shop-release-primary')
    guide.end()
  })
})

/** A custom resource with any content: what the controllers' own definitions would check is not checked. */
async function openDefinition(group: string, version: string, plural: string, kind: string): Promise<void> {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
  await cluster.request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural, kind, singular: kind.toLowerCase(), listKind: `${kind}List` },
      versions: [{ name: version, served: true, storage: true, schema }],
    },
  })
  await until(() => cluster.request('GET', `/apis/${group}/${version}/namespaces/default/${plural}`))
}
