/** The plugin as the server sees it: started over a folder of manifests, asked, explained, stopped. */

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { recordText } from '../../../src/dns/rdata.ts'
import { exampleQuestions, explainLines } from '../../../src/plugin/capabilities/explain.ts'
import { capabilityOf } from '../../../src/plugin/capability.ts'
import type { Instance } from '../../../src/plugin/contract.ts'
import { kubernetes } from '../../../src/plugins/kubernetes/index.ts'
import {
  ask,
  createPluginHarness,
  failing,
  handle,
  messageOf,
  type PluginHarness,
  setUp,
} from '../../support/plugin-harness.ts'
import { until } from '../../support/until.ts'

const root = join(import.meta.dirname, '../../..')
const directive = `kubernetes cluster.local in-addr.arpa {
  manifests examples
  pods insecure
}`

/** Reading the folder takes real time; waiting for its files to settle takes the harness's. */
const untilReady = (process: PluginHarness, instance: Instance): Promise<void> =>
  until(() => {
    process.clock.advance(100)
    assert.equal(instance.ready?.(), true)
  })

describe('kubernetes over the examples', () => {
  const process = createPluginHarness()
  let instance: Instance
  before(async () => {
    instance = setUp(kubernetes, directive, process, { root })
    await instance.start?.()
    assert.equal(instance.ready?.(), false)
    await untilReady(process, instance)
  })
  after(() => instance.stop?.())

  test('kubernetes answers the names of the examples', async () => {
    const outcome = await handle(instance, ask('gateway.inference.svc.cluster.local. AAAA'), failing(2))
    assert.deepEqual(messageOf(outcome).answer.map(recordText), [
      'gateway.inference.svc.cluster.local. 5 IN AAAA fd00:10:96::c:14',
    ])
    assert.equal(outcome.plugin, 'kubernetes')
  })

  const questions = [...readFileSync(join(root, 'examples/README.md'), 'utf8').matchAll(/^\| `(\S+) ([A-Z]+)`/gm)]
  for (const [, name, type] of questions) {
    test(`kubernetes answers what examples/README.md proposes: ${name} ${type}`, async () => {
      const { answer } = messageOf(await handle(instance, ask(`${name}. ${type}`), failing(2)))
      assert.notEqual(answer.length, 0)
    })
  }
  test('the questions that examples/README.md proposes are found', () => assert.ok(questions.length >= 10))

  test('kubernetes passes on what is in none of its zones', async () => {
    const outcome = await handle(instance, ask('www.example.com. A'), failing(5))
    assert.equal(outcome.plugin, 'test')
  })

  test('kubernetes refuses zone transfers as a handler', async () => {
    for (const type of ['AXFR', 'IXFR']) {
      const outcome = await handle(instance, ask(`cluster.local. ${type}`), failing(2))
      assert.deepEqual(outcome, { kind: 'rcode', rcode: 5, plugin: 'kubernetes', extendedError: { code: 18 } })
    }
  })

  test('kubernetes offers one question of each kind to explain', () => {
    assert.deepEqual(capabilityOf(instance, exampleQuestions)?.(), [
      'gateway.inference.svc.cluster.local. A',
      'llm.inference.svc.cluster.local. A',
      '_http._tcp.llm.inference.svc.cluster.local. SRV',
      'models.inference.svc.cluster.local. CNAME',
    ])
  })

  const explained: readonly [string, readonly RegExp[]][] = [
    ['www.example.com. A', [/not in its zones/]],
    [
      'llm-canary.inference.svc.cluster.local. A',
      [
        /headless/,
        /llm-canary-mrx7d \(1 of 2 ready\)/,
        /^ready: [\d.]+/m,
        /^not ready: [\d.]+/m,
        /ttl 5 \(option ttl\)/,
      ],
    ],
    ['gateway.inference.svc.cluster.local. A', [/ClusterIP 10\.96\.12\.20 fd00/, /grpc\/tcp 9000/]],
    ['models.inference.svc.cluster.local. A', [/ExternalName models\.example\.com/, /resolved per query/]],
    ['nothing.inference.svc.cluster.local. A', [/no Service inference\/nothing/, /NXDOMAIN/]],
    [
      'llm-canry.inference.svc.cluster.local. A',
      [/no Service inference\/llm-canry: did you mean inference\/llm-canary\?/],
    ],
    ['gateway.shop.svc.cluster.local. A', [/no Service shop\/gateway: there is one in Namespace inference/]],
    ['llm.inferense.svc.cluster.local. A', [/no Namespace inferense: did you mean inference\?/]],
    ['llm.inference.svc.cluster.local. A', [/^ready: .*10\.244\.1\.2 \(llm-0 on gpu-a\)/m]],
    ['kube-dns.kube-system.svc.cluster.local. A', [/^ready: .*\(slicedns-5d78c9869d-4mz7k\)/m]],
    ['a.nowhere.svc.cluster.local. A', [/no Namespace nowhere/]],
    ['1.0.96.10.in-addr.arpa. PTR', [/10\.96\.0\.1 is the ClusterIP of default\/kubernetes/]],
    ['2.1.244.10.in-addr.arpa. PTR', [/slices with it: llm-4hq2v \(2 of 2 ready\)/]],
    ['www.cluster.local. A', [/not a name that a cluster can have/]],
  ]
  for (const [question, wanted] of explained) {
    test(`kubernetes explains the question ${question}`, () => {
      const text = capabilityOf(instance, explainLines)!(ask(question)).join('\n')
      for (const pattern of wanted) assert.match(text, pattern)
    })
  }
})

describe('kubernetes with imported services and topology zones', () => {
  const process = createPluginHarness()
  const folder = mkdtempSync(join(tmpdir(), 'slicedns-kubernetes-'))
  let instance: Instance
  before(async () => {
    writeFileSync(join(folder, 'objects.yaml'), importedObjects)
    instance = setUp(
      kubernetes,
      'kubernetes clusterset.local cluster.local {\nmanifests .\nzonal\nmulticluster clusterset.local\n}',
      process,
      { root: folder },
    )
    await instance.start?.()
    await untilReady(process, instance)
  })
  after(async () => {
    await instance.stop?.()
    rmSync(folder, { recursive: true })
  })

  test("kubernetes offers questions of the cluster's own zone to explain", () => {
    assert.deepEqual(capabilityOf(instance, exampleQuestions)?.(), ['db.shop.svc.cluster.local. A'])
  })

  const explained: readonly [string, readonly RegExp[]][] = [
    [
      'web.shop.svc.clusterset.local. A',
      [
        /ServiceImport shop\/web: ClusterSetIP 10\.42\.0\.1; ports http\/tcp 80/,
        /web-east from cluster east \(1 of 1 ready\)/,
      ],
    ],
    ['db.shop.svc.clusterset.local. A', [/no ServiceImport shop\/db/, /NXDOMAIN/]],
    ['clusterset.local. SOA', [/apex of multicluster zone clusterset\.local/]],
    ['a.pin._zone.db.shop.svc.cluster.local. A', [/Service shop\/db: headless/, /topology zone a only/]],
    ['b.prefer._zone.db.shop.svc.cluster.local. A', [/topology zone b, or all endpoints if the zone is empty/]],
  ]
  for (const [question, wanted] of explained) {
    test(`kubernetes explains the question ${question}`, () => {
      const text = capabilityOf(instance, explainLines)!(ask(question)).join('\n')
      for (const pattern of wanted) assert.match(text, pattern)
    })
  }
})

const importedObjects = `
apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop}
spec: {clusterIP: None}
---
apiVersion: multicluster.x-k8s.io/v1alpha1
kind: ServiceImport
metadata: {name: web, namespace: shop}
spec: {type: ClusterSetIP, ips: [10.42.0.1], ports: [{name: http, port: 80, protocol: TCP}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: web-east
  namespace: shop
  labels: {multicluster.kubernetes.io/service-name: web, multicluster.kubernetes.io/source-cluster: east}
addressType: IPv4
endpoints: [{addresses: [10.7.0.1]}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: db-1, namespace: shop, labels: {kubernetes.io/service-name: db}}
addressType: IPv4
endpoints: [{addresses: [10.0.0.1], zone: a}]
`

describe('kubernetes over a folder that is not there', () => {
  test('kubernetes over a missing folder answers SERVFAIL, is not ready, and says so after startup_timeout', async () => {
    const process = createPluginHarness()
    const instance = setUp(
      kubernetes,
      'kubernetes cluster.local {\nmanifests nothing-here\nstartup_timeout 3s\nfallthrough\n}',
      process,
      { root },
    )
    await instance.start?.()
    const outcome = await handle(instance, ask('web.testns.svc.cluster.local. A'), failing(3))
    assert.equal(messageOf(outcome).rcode, 2)
    assert.equal(instance.ready?.(), false)
    process.clock.advance(2_999)
    assert.equal(
      process.lines.some((line) => /unsynced Kubernetes API/.test(line)),
      false,
    )
    process.clock.advance(1)
    assert.equal(
      process.lines.filter((line) => /WARNING.*plugin\/kubernetes.*unsynced Kubernetes API/.test(line)).length,
      1,
    )
    await instance.stop?.()
    await process.settled()
  })
})

describe('zones for aliases that can have no effect', () => {
  test('zones for aliases that can have no effect are logged when the plugin starts', async () => {
    const process = createPluginHarness()
    const directive =
      'kubernetes {\nmanifests nothing-here\nalias_zones apps.cluster.local svc.cluster.local apps.example\n}'
    const instance = setUp(kubernetes, directive, process, { root, zones: ['cluster.local.'] })
    await instance.start?.()
    assert.deepEqual(
      process.lines.flatMap((line) => /WARNING.*(alias_zones .*)/.exec(line)?.[1] ?? []),
      [
        "alias_zones apps.cluster.local. is in the cluster's own zone, where the search paths of pods lead: anyone who may annotate a Service can take names of one label there",
        'alias_zones svc.cluster.local. has no effect: names in svc.cluster.local. belong to Kubernetes',
        'alias_zones apps.example. has no effect: this server block answers cluster.local. only',
      ],
    )
    await instance.stop?.()
    await process.settled()
  })
})

describe('two server blocks over one cluster', () => {
  test('two server blocks share one cluster, and it is closed with the last', async () => {
    const process = createPluginHarness()
    const first = setUp(kubernetes, directive, process, { root })
    const second = setUp(kubernetes, directive.replace('cluster.local', 'other.example'), process, { root })
    await first.start?.()
    await untilReady(process, first)
    await second.start?.()
    assert.equal(second.ready?.(), true)
    await first.stop?.()
    await process.settled()
    const outcome = await handle(second, ask('web.shop.svc.other.example. A'), failing(2))
    assert.deepEqual(messageOf(outcome).answer.map(recordText), ['web.shop.svc.other.example. 5 IN A 10.96.44.7'])
    await second.stop?.()
    await process.settled()
  })
})
