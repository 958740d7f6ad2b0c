/** What stands between us and the API server may answer in its place. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startApiServer } from '../../support/api-server/index.ts'
import { until } from '../../support/until.ts'
import { createClusterHarness, namespace, service } from '../harness.ts'

test('200 and an object that is no list takes nothing away', async (t) => {
  const api = await startApiServer({ streaming: false })
  t.after(() => api.stop())
  api.put(namespace('shop'), service('web'))
  const harness = createClusterHarness(t, { kind: 'kubeconfig', file: api.kubeconfig(), context: '' })
  await harness.synced()
  // An event goes to the watches that are open.
  await until(() => assert.equal(api.watches('services'), 1))
  const gone: string[] = []
  harness.subscribe('observers', { service: (_, name) => void gone.push(name) })
  const lists = (): number =>
    api.requests.filter(({ verb, resource }) => verb === 'list' && resource === 'services').length
  const before = lists()
  const octets = Buffer.from('{"message":"starting"}')
  api.fault({ on: 'list', resource: 'services', respond: { octets, contentType: 'application/json' } })
  api.event('services', 'ERROR', api.status(410, 'Expired'))
  await until(() => assert.ok(lists() >= before + 2))
  assert.deepEqual(gone, [])
  assert.notEqual(harness.view.service('shop', 'web'), undefined)
})
