/** Models that are filled by hand, and snapshots of them. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jsonObject } from '../../../src/k8s/decode/json-stream.ts'
import { createReducer } from '../../../src/k8s/decode/reduce.ts'
import { type ClusterModel, createClusterModel } from '../../../src/k8s/model/cluster-model.ts'
import type { ResourceStore } from '../../../src/k8s/model/resource-store.ts'
import type { Reduced, Resource } from '../../../src/k8s/model/types.ts'
import { type Expected, readSnapshot } from '../../../src/k8s/snapshot/read.ts'
import { type Origin, writeSnapshot } from '../../../src/k8s/snapshot/write.ts'
import { systemClock } from '../../../src/scheduling/clock.ts'
import { createCooperativeScheduler } from '../../../src/scheduling/cooperative-scheduler.ts'
import type { KubeObject } from '../../support/api-server/index.ts'

export const everyResource: readonly Resource[] = [
  'services',
  'namespaces',
  'endpointslices',
  'pods',
  'serviceimports',
  'importedslices',
]

export const keep = {
  annotationPrefixes: ['slicedns.io/', 'txt.slicedns.io/'],
  podNames: true,
  podLabels: true,
  zones: true,
  sliceUids: true,
}

export const now = 1_796_000_000_000
export const origin: Origin = { time: now - 60_000, cluster: 'ours', options: 'these' }
const expected: Expected = { cluster: 'ours', options: 'these', now, maxAge: 24 * 3600 * 1000 }
const scheduler = createCooperativeScheduler(systemClock)

export function emptyModel(): ClusterModel {
  return createClusterModel(everyResource, systemClock, (error) => assert.ifError(error))
}

/** Objects that reduce to nothing are left out. */
export function modelOf(
  objects: readonly { readonly resource: Resource; readonly object: KubeObject }[],
): ClusterModel {
  const model = emptyModel()
  const reducer = createReducer(keep)
  for (const { resource, object } of objects) {
    const wire = jsonObject(JSON.parse(JSON.stringify(object)), reducer)
    const reduced = wire.reduce(resource, wire.meta(), undefined)
    if (reduced) (model.stores[resource] as ResourceStore<Reduced>).put(reduced)
  }
  for (const resource of everyResource) model.listed(resource)
  return model
}

export function contentOf(model: ClusterModel): Record<string, Reduced[]> {
  return Object.fromEntries(everyResource.map((resource) => [resource, [...model.stores[resource].all()]]))
}

export const write = (file: string, model: ClusterModel, changes: Partial<Origin> = {}): Promise<number> =>
  writeSnapshot(file, { ...origin, ...changes }, model, everyResource, scheduler)

/** Returns the age of what was read. */
export const read = async (
  file: string,
  model: ClusterModel,
  changes: Partial<Expected & { readonly watched: readonly Resource[] }> = {},
): Promise<number> => {
  const { watched = everyResource, ...rest } = changes
  const deps = { model, watched, reducer: createReducer(keep), scheduler }
  let age = Number.NaN
  await readSnapshot(file, { ...expected, ...rest }, deps, (facts) => {
    age = facts.age
  })
  return age
}

/** A folder that is removed when the test ends. */
export function temporaryFolder(t: { after(task: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'slicedns-snapshot-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
