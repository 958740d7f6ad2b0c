import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createStoreUpdater } from '../../../src/k8s/api/store-updater.ts'
import { jsonObject } from '../../../src/k8s/decode/json-stream.ts'
import { createReducer } from '../../../src/k8s/decode/reduce.ts'
import { createResourceStore } from '../../../src/k8s/model/resource-store.ts'
import type { Reduced } from '../../../src/k8s/model/types.ts'
import { createCooperativeScheduler } from '../../../src/scheduling/cooperative-scheduler.ts'
import { createFakeClock } from '../../support/fake-clock.ts'
import { config, logInto } from '../harness.ts'

const maxObjects = 200_000

test('a list without end fails when there are 200,000 objects; those that are known still change', () => {
  const store = createResourceStore<Reduced>({ same: () => false, changed() {} })
  const lines: string[] = []
  const scheduler = createCooperativeScheduler(createFakeClock())
  const updater = createStoreUpdater('namespaces', store, scheduler, logInto(lines))
  const reducer = createReducer(config)
  const namespace = (name: string) =>
    jsonObject({ kind: 'Namespace', metadata: { name, resourceVersion: '7' } }, reducer)
  updater.beginList()
  for (let i = 0; i < maxObjects; i++) updater.listed(namespace(`n${i}`))
  assert.throws(() => updater.listed(namespace('one-more')), /more than 200000 namespaces/)
  assert.throws(() => updater.changed(namespace('one-more')), /more than 200000 namespaces/)
  assert.equal(updater.changed(namespace('n1')), '7')
  assert.equal(store.size, maxObjects)
})
