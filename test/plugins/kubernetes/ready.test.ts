/** /ready where one kind of object cannot be listed: `multicluster`, with an API server that has trouble with imports. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { recordText } from '../../../src/dns/rdata.ts'
import type { Instance } from '../../../src/plugin/contract.ts'
import { kubernetes } from '../../../src/plugins/kubernetes/index.ts'
import { type ApiServer, startApiServer } from '../../support/api-server/index.ts'
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

const startupTimeout = 3_600_000
const broken = { status: 500, reason: 'InternalError', message: 'conversion webhook failed' }

describe('kubernetes with ServiceImports that cannot be listed', () => {
  let api: ApiServer
  let process: PluginHarness
  let instance: Instance
  let fault: { remove(): void }

  beforeEach(async () => {
    api = await startApiServer()
    api.put(
      { kind: 'Namespace', metadata: { name: 'shop' } },
      {
        kind: 'Service',
        metadata: { namespace: 'shop', name: 'web' },
        spec: { clusterIP: '10.96.0.1', ports: [{ port: 80 }] },
      },
      {
        kind: 'ServiceImport',
        metadata: { namespace: 'shop', name: 'web' },
        spec: { type: 'ClusterSetIP', ips: ['10.42.0.1'], ports: [{ name: 'http', port: 80, protocol: 'TCP' }] },
      },
    )
    fault = api.fault({ on: 'any', resource: 'serviceimports', times: Number.POSITIVE_INFINITY, respond: broken })
    process = createPluginHarness()
    const directive = `kubernetes cluster.local clusterset.local {
  kubeconfig ${api.kubeconfig()}
  multicluster clusterset.local
  startup_timeout 1h
}`
    instance = setUp(kubernetes, directive, process)
    await instance.start?.()
    // A name is denied once everything else is known.
    await until(async () => assert.equal((await answerOf('nosuch.shop.svc.cluster.local.')).rcode, 3))
  })
  afterEach(async () => {
    await instance.stop?.()
    await process.settled()
    await api.stop()
  })

  const answerOf = async (name: string) => messageOf(await handle(instance, ask(`${name} A`), failing(5)))

  test('kubernetes with ServiceImports that cannot be listed is not ready before startup_timeout is over: an import may still come', () => {
    process.clock.advance(startupTimeout - 1)
    assert.equal(instance.ready?.(), false)
  })

  test('kubernetes with ServiceImports that cannot be listed is ready from startup_timeout on: the other names do not have to wait (CoreDNS never is)', async () => {
    process.clock.advance(startupTimeout)
    assert.equal(instance.ready?.(), true)
    assert.deepEqual((await answerOf('web.shop.svc.cluster.local.')).answer.map(recordText), [
      'web.shop.svc.cluster.local. 5 IN A 10.96.0.1',
    ])
    assert.equal((await answerOf('nosuch.shop.svc.cluster.local.')).rcode, 3)
    assert.equal((await answerOf('web.shop.svc.clusterset.local.')).rcode, 2)
    const warnings = process.lines.filter((line) => /unsynced Kubernetes API: multicluster names/.test(line))
    assert.equal(warnings.length, 1)
  })

  test('kubernetes with ServiceImports that cannot be listed has the imports as soon as they are listed, and is ready by that', async () => {
    fault.remove()
    await until(() => {
      process.clock.advance(1_000)
      assert.equal(instance.ready?.(), true)
    })
    assert.deepEqual((await answerOf('web.shop.svc.clusterset.local.')).answer.map(recordText), [
      'web.shop.svc.clusterset.local. 5 IN A 10.42.0.1',
    ])
  })
})
