import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ClusterConfig } from '../../src/k8s/model/config.ts'
import { clusterKey } from '../../src/k8s/open.ts'
import { config } from './harness.ts'

describe('the key of a cluster', () => {
  const base: ClusterConfig = { ...config, source: { kind: 'kubeconfig', file: 'k', context: '' } }

  test('the key of a cluster is the same for the same configuration, however it is written', () => {
    const { source, ...rest } = base
    assert.equal(clusterKey({ ...rest, source: { context: '', file: 'k', kind: 'kubeconfig' } }), clusterKey(base))
    assert.equal(
      clusterKey({ ...base, annotationPrefixes: ['a', 'b'] }),
      clusterKey({ ...base, annotationPrefixes: ['b', 'a'] }),
    )
    assert.equal(source.kind, 'kubeconfig')
  })

  test('the key of a cluster differs where what is watched or kept differs', () => {
    const others: Partial<ClusterConfig>[] = [
      { labels: 'a=b' },
      { namespaceLabels: 'a=b' },
      { pods: true },
      { podNames: true },
      { source: { kind: 'kubeconfig', file: 'k', context: 'other' } },
      { source: { kind: 'in-cluster' } },
      { source: { kind: 'endpoint', url: 'https://a', tls: { cert: 'c', key: 'k', ca: 'a' } } },
      { source: { kind: 'endpoint', url: 'https://a', tls: { cert: 'd', key: 'k', ca: 'a' } } },
    ]
    const keys = [base, ...others.map((other) => ({ ...base, ...other }))].map(clusterKey)
    assert.equal(new Set(keys).size, keys.length)
  })
})
