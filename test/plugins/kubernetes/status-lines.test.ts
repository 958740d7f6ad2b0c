import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClusterStatus, WatchStatus } from '../../../src/k8s/model/cluster.ts'
import { statusLines } from '../../../src/plugins/kubernetes/explain/status-lines.ts'

const now = Date.UTC(2026, 10, 30, 12)
const watch = (resource: WatchStatus['resource'], age: number | undefined, error?: string): WatchStatus => ({
  resource,
  objects: 3,
  availability: 'synced',
  age,
  error,
})
const api = { endpoint: 'https://api:6443', connected: true, watches: [watch('services', 5), watch('namespaces', 61)] }

const cases: readonly { name: string; status: ClusterStatus; says: readonly string[] }[] = [
  { name: 'nothing while the API server speaks', status: api, says: [] },
  {
    name: 'nothing of manifests',
    status: { ...api, endpoint: '/m', watches: [watch('services', undefined)] },
    says: [],
  },
  {
    name: 'that the API server is away, why, and how old the oldest data is',
    status: { ...api, connected: false, watches: [watch('services', 192, 'refused'), watch('namespaces', 200)] },
    says: [
      'stale: https://api:6443 cannot be reached (services: refused): this is the last known state, 3 min 20 s old',
    ],
  },
  {
    name: 'that the API server is away before anything was read',
    status: { ...api, connected: false, watches: [watch('services', undefined)] },
    says: ['stale: https://api:6443 cannot be reached: this is the last known state'],
  },
  {
    name: 'that a watch has been silent for longer than bookmarks take',
    status: { ...api, watches: [watch('services', 3_720), watch('pods', 90_000)] },
    says: ['stale: https://api:6443 has said nothing for 1 h 2 min: this is the last known state'],
  },
  {
    name: 'nothing of a silence that is usual',
    status: { ...api, watches: [watch('services', 90)] },
    says: [],
  },
  {
    name: 'that answers come from a snapshot',
    status: { ...api, connected: false, snapshot: { age: 42 } },
    says: ['stale: from a snapshot, which https://api:6443 confirmed 42 s ago'],
  },
  {
    name: 'what the last comparison found',
    status: { ...api, freshness: { time: now - 65_000, ok: false, detail: 'services: 1 missing' } },
    says: ['compared with the API server 1 min 5 s ago: services: 1 missing'],
  },
]

for (const { name, status, says } of cases)
  test(`slicedns explain says of the age of the data: ${name}`, () => {
    assert.deepEqual(statusLines(status, now), says)
  })
