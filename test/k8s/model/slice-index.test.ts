import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatAddress } from '../../../src/k8s/model/address.ts'
import { createSliceIndex } from '../../../src/k8s/model/slice-index.ts'
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

test('an index that has been cleared has no slice, and takes those that it had as new ones', () => {
  const cluster = createFakeCluster()
  for (const name of ['web', 'shop'])
    cluster.apply({
      kind: 'EndpointSlice',
      metadata: { namespace: 'team', name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.1.0.1'] }],
    })
  const index = createSliceIndex()
  const address = Uint8Array.of(10, 1, 0, 1)
  const found = () => index.endpoints(address).map(({ slice }) => slice.name)
  const [web, shop] = [...cluster.view.allSlices()]
  for (const slice of [web, shop]) index.replace(undefined, slice)
  assert.deepEqual(found(), ['shop-1', 'web-1'])
  index.clear()
  assert.deepEqual([found(), index.of('team', 'web'), index.of('team', 'shop')], [[], [], []])
  index.replace(undefined, shop)
  assert.deepEqual([...index.replace(web, undefined)()], [])
  assert.deepEqual([found(), index.of('team', 'web'), index.of('team', 'shop')], [['shop-1'], [], [shop]])
  index.replace(undefined, web)
  assert.deepEqual(found(), ['shop-1', 'web-1'])
})
