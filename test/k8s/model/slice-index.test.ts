import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatAddress } from '../../../src/k8s/model/address.ts'
import { createFakeCluster } from '../../support/fake-cluster.ts'

test('an address that a slice has twice is reported when it loses one of the two places', () => {
  const cluster = createFakeCluster()
  const put = (...endpoints: readonly (readonly [address: string, hostname: string])[]): void =>
    cluster.apply({
      kind: 'EndpointSlice',
      metadata: { namespace: 'shop', name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
      addressType: 'IPv4',
      endpoints: endpoints.map(([address, hostname]) => ({ addresses: [address], hostname })),
    })
  put(['10.1.0.1', 'a'], ['10.1.0.1', 'b'], ['10.1.0.2', 'c'])
  const told: string[] = []
  cluster.subscribe('observers', { address: (address) => void told.push(formatAddress(address)) })
  put(['10.1.0.1', 'b'], ['10.1.0.2', 'c'])
  assert.deepEqual(told, ['10.1.0.1'])
})
