import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { formatAddress, parseAddress } from '../../../src/k8s/model/address.ts'
import { type EndpointSlice, endpointFlag } from '../../../src/k8s/model/types.ts'
import { createFakeClock } from '../../support/fake-clock.ts'
import { createFakeCluster, type FakeCluster } from '../../support/fake-cluster.ts'

const service = (name: string, spec: object = {}, metadata: object = {}) => ({
  kind: 'Service',
  metadata: { namespace: 'shop', name, ...metadata },
  spec,
})

const slice = (name: string, of: string, addresses: readonly string[], more: object = {}) => ({
  kind: 'EndpointSlice',
  metadata: { namespace: 'shop', name, labels: { 'kubernetes.io/service-name': of } },
  addressType: addresses.some((address) => address.includes(':')) ? 'IPv6' : 'IPv4',
  endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true }, ...more })),
  ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
})

function recorded(cluster: FakeCluster): string[] {
  const events: string[] = []
  cluster.subscribe('observers', {
    service: (namespace, name) => events.push(`service ${namespace}/${name}`),
    namespace: (name) => events.push(`namespace ${name}`),
    serviceImport: (namespace, name) => events.push(`import ${namespace}/${name}`),
    address: (address) => events.push(`address ${formatAddress(address)}`),
    sync: () => events.push('sync'),
  })
  return events
}

function addressesOf(cluster: FakeCluster, name: string): string[] {
  return cluster.view.slices('shop', name).flatMap((one) => places(one).map(({ address }) => address))
}

function places(one: EndpointSlice) {
  const size = one.addressType === 'IPv4' ? 4 : 16
  return Array.from({ length: one.count }, (_, place) => ({
    address: formatAddress(one.addresses, place * size, size),
    flags: one.flags[place],
  }))
}

describe('a Service in the model', () => {
  test('a Service in the model is found by name, by namespace and by ClusterIP, and is gone from all three when deleted', () => {
    const cluster = createFakeCluster()
    cluster.apply(service('web', { clusterIP: '10.96.3.4', ports: [{ port: 80 }] }))
    const { view } = cluster
    assert.deepEqual(view.service('shop', 'web')?.clusterIPs, ['10.96.3.4'])
    assert.deepEqual([...view.servicesIn('shop')], [...view.services()])
    assert.equal(view.serviceByClusterIP('10.96.3.4')?.name, 'web')
    cluster.remove('Service', 'shop', 'web')
    assert.equal(view.service('shop', 'web'), undefined)
    assert.deepEqual([...view.services()], [])
    assert.equal(view.serviceByClusterIP('10.96.3.4'), undefined)
  })

  test('a Service in the model reports each change once, and nothing when the reduced form stays the same', () => {
    const cluster = createFakeCluster()
    cluster.apply({ kind: 'Namespace', metadata: { name: 'shop' } })
    const events = recorded(cluster)
    cluster.apply(service('web', { clusterIP: '10.96.3.4', ports: [{ port: 80 }] }))
    cluster.apply(
      service('web', { clusterIP: '10.96.3.4', ports: [{ port: 80, nodePort: 30080 }], selector: { app: 'web' } }),
    )
    assert.deepEqual(events, ['service shop/web'])
  })

  test('a Service in the model that takes over the ClusterIP of another keeps it when the other is deleted later', () => {
    const cluster = createFakeCluster()
    cluster.apply(service('old', { clusterIP: '10.96.3.4' }), service('new', { clusterIP: '10.96.3.4' }))
    cluster.remove('Service', 'shop', 'old')
    assert.equal(cluster.view.serviceByClusterIP('10.96.3.4')?.name, 'new')
  })

  test('a Service in the model finds an IPv6 ClusterIP by its canonical text whatever the object writes', () => {
    const cluster = createFakeCluster()
    cluster.apply(service('web', { clusterIPs: ['fd00:0:0::0A'] }))
    assert.equal(cluster.view.serviceByClusterIP('fd00::a')?.name, 'web')
  })

  test('a Service in the model keeps the annotations that were asked for and no others', () => {
    const cluster = createFakeCluster({ annotationPrefixes: ['slicedns.io/'] })
    cluster.apply(service('web', {}, { annotations: { 'slicedns.io/ttl': '5', 'kubectl.kubernetes.io/x': '{}' } }))
    assert.deepEqual(cluster.view.service('shop', 'web')?.annotations, { 'slicedns.io/ttl': '5' })
  })
})

describe('EndpointSlices in the model', () => {
  test('EndpointSlices without `ready` count as ready, without `serving` as ready is, and terminating as it is', () => {
    const cluster = createFakeCluster()
    const { ready, serving, terminating } = endpointFlag
    const cases: [object, number][] = [
      [{}, ready | serving],
      [{ ready: false }, 0],
      [{ ready: false, serving: true, terminating: true }, serving | terminating],
      [{ ready: true, serving: false }, ready],
    ]
    for (const [conditions, flags] of cases) {
      cluster.apply(slice('web-1', 'web', ['10.0.0.1'], { conditions }))
      assert.equal(cluster.view.slices('shop', 'web')[0].flags[0], flags, JSON.stringify(conditions))
    }
  })

  test('EndpointSlices in the model are listed by name, whatever the order they came in', () => {
    const cluster = createFakeCluster()
    cluster.apply(slice('c', 'web', ['10.0.0.3']), slice('a', 'web', ['10.0.0.1']), slice('b', 'web', ['10.0.0.2']))
    assert.deepEqual(addressesOf(cluster, 'web'), ['10.0.0.1', '10.0.0.2', '10.0.0.3'])
  })

  for (const order of ['added to the new slice first', 'removed from the old slice first']) {
    test(`EndpointSlices in the model never lose an endpoint that is in two of them: moved between slices, ${order}`, () => {
      const cluster = createFakeCluster()
      cluster.apply(slice('a', 'web', ['10.0.0.1', '10.0.0.2']), slice('b', 'web', ['10.0.0.3']))
      const steps = [slice('b', 'web', ['10.0.0.3', '10.0.0.2']), slice('a', 'web', ['10.0.0.1'])]
      if (order.startsWith('removed')) steps.reverse()
      cluster.apply(steps[0])
      if (order.startsWith('added')) assert.ok(addressesOf(cluster, 'web').includes('10.0.0.2'))
      cluster.apply(steps[1])
      assert.deepEqual(addressesOf(cluster, 'web'), ['10.0.0.1', '10.0.0.3', '10.0.0.2'])
      assert.deepEqual(
        cluster.view.endpointsByAddress(parseAddress('10.0.0.2')!).map(({ slice, index }) => [slice.name, index]),
        [['b', 1]],
      )
    })
  }

  test('EndpointSlices report addresses that were gained, lost, or changed in readiness or host name, and no others', () => {
    const cluster = createFakeCluster()
    cluster.apply(slice('web-1', 'web', ['10.0.0.1', '10.0.0.2']))
    const events = recorded(cluster)
    cluster.apply(slice('web-1', 'web', ['10.0.0.2', '10.0.0.3']))
    assert.deepEqual(events.splice(0), ['service shop/web', 'address 10.0.0.3', 'address 10.0.0.1'])
    const half = slice('web-1', 'web', ['10.0.0.2', '10.0.0.3'])
    half.endpoints[1].conditions.ready = false
    cluster.apply(half)
    assert.deepEqual(events.splice(0), ['service shop/web', 'address 10.0.0.3'])
  })

  test('EndpointSlices report no addresses before the first list is complete, for `sync` comes then', () => {
    const cluster = createFakeCluster({ availability: 'pending' })
    const events = recorded(cluster)
    cluster.apply(slice('web-1', 'web', ['10.0.0.1', '10.0.0.2']))
    for (const resource of ['services', 'namespaces', 'pods'] as const) cluster.setAvailability(resource, 'synced')
    assert.ok(!events.some((event) => event.startsWith('address')), events.join(', '))
    cluster.setAvailability('endpointslices', 'synced')
    assert.equal(events.splice(0).at(-1), 'sync')
    cluster.apply(slice('web-1', 'web', ['10.0.0.1']), slice('web-2', 'web', ['10.0.0.3', '10.0.0.4']))
    cluster.remove('EndpointSlice', 'shop', 'web-2')
    const addresses = events.filter((event) => event.startsWith('address'))
    assert.deepEqual(
      addresses,
      ['2', '3', '4', '3', '4'].map((last) => `address 10.0.0.${last}`),
    )
  })

  test('EndpointSlices count for both services when one is given to another', () => {
    const cluster = createFakeCluster()
    cluster.apply(slice('x', 'web', ['10.0.0.1']))
    const events = recorded(cluster)
    cluster.apply(slice('x', 'api', ['10.0.0.1']))
    assert.deepEqual(events, ['service shop/api', 'service shop/web', 'address 10.0.0.1'])
    assert.deepEqual([addressesOf(cluster, 'web'), addressesOf(cluster, 'api')], [[], ['10.0.0.1']])
  })

  test('EndpointSlices keep the names of FQDN slices and leave out addresses of another type', () => {
    const cluster = createFakeCluster()
    cluster.apply({ ...slice('x', 'web', ['db.example.com']), addressType: 'FQDN' })
    assert.deepEqual(cluster.view.slices('shop', 'web')[0].fqdns, ['db.example.com'])
    cluster.apply(slice('y', 'api', ['10.0.0.1', 'fd00::1']))
    assert.equal(cluster.view.slices('shop', 'api')[0].addressType, 'IPv6')
    assert.deepEqual(addressesOf(cluster, 'api'), ['fd00::1'])
  })

  test('EndpointSlices keep host names, pod names and zones only where there are some', () => {
    const cluster = createFakeCluster()
    cluster.apply(slice('x', 'web', ['10.0.0.1']), slice('y', 'db', ['10.0.0.2'], { hostname: 'db-0', zone: 'a' }))
    assert.equal(cluster.view.slices('shop', 'web')[0].hostnames, undefined)
    assert.deepEqual(cluster.view.slices('shop', 'db')[0].hostnames, ['db-0'])
    assert.deepEqual(cluster.view.slices('shop', 'db')[0].zones, ['a'])
    assert.equal(cluster.view.slices('shop', 'db')[0].podNames, undefined)
  })
})

test('the places of an address are exactly those of the slices that exist, for any sequence of slices', () => {
  const address = fc.integer({ min: 0, max: 15 }).map((n) => (n < 8 ? `10.0.0.${n}` : `fd00::${n}`))
  const step = fc.record({
    name: fc.constantFrom('a', 'b', 'c'),
    service: fc.constantFrom('web', 'api'),
    v6: fc.boolean(),
    addresses: fc.array(address, { maxLength: 6 }),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const cluster = createFakeCluster()
      const expected = new Map<string, { service: string; addresses: readonly string[] }>()
      for (const { name, service, v6, addresses } of steps) {
        if (addresses.length === 0) {
          cluster.remove('EndpointSlice', 'shop', name)
          expected.delete(name)
          continue
        }
        const kept = addresses.filter((one) => one.includes(':') === v6)
        cluster.apply({ ...slice(name, service, kept), addressType: v6 ? 'IPv6' : 'IPv4' })
        expected.set(name, { service, addresses: kept })
      }
      for (const one of Array.from({ length: 16 }, (_, n) => (n < 8 ? `10.0.0.${n}` : `fd00::${n}`))) {
        const bytes = parseAddress(one)!
        const found = cluster.view.endpointsByAddress(bytes).map(({ slice, index }) => `${slice.name} ${index}`)
        const wanted = [...expected]
          .sort()
          .flatMap(([name, { addresses }]) => addresses.flatMap((other, i) => (other === one ? [`${name} ${i}`] : [])))
        assert.deepEqual(found, wanted)
      }
      for (const name of ['web', 'api']) {
        const wanted = [...expected].filter(([, value]) => value.service === name).map(([slice]) => slice)
        assert.deepEqual(
          cluster.view.slices('shop', name).map((slice) => slice.name),
          wanted.sort(),
        )
      }
    }),
    { numRuns: 300 },
  )
})

describe('addresses from outside', () => {
  test('addresses from outside lead to the services that have them, as externalIPs or from a load balancer, until these give them up', () => {
    const cluster = createFakeCluster()
    const named = (name: string, spec: object, ingress: object[] = []) => ({
      kind: 'Service',
      metadata: { namespace: 'shop', name },
      spec: { clusterIP: '10.96.0.1', ...spec },
      status: { loadBalancer: { ingress } },
    })
    const at = (ip: string) => cluster.view.servicesByExternalIP(ip).map(({ name }) => name)
    cluster.apply(
      named('a', { externalIPs: ['192.0.2.1', '2001:DB8::1'] }, [{ ip: '192.0.2.1' }]),
      named('b', {}, [{ ip: '192.0.2.1' }, { hostname: 'lb.example.com' }]),
    )
    assert.deepEqual([at('192.0.2.1'), at('2001:db8::1'), at('192.0.2.2')], [['a', 'b'], ['a'], []])
    cluster.apply(named('a', { externalIPs: ['192.0.2.2'] }))
    cluster.remove('Service', 'shop', 'b')
    assert.deepEqual([at('192.0.2.1'), at('2001:db8::1'), at('192.0.2.2')], [[], [], ['a']])
  })
})

describe('pods and imports', () => {
  test('a pod is found by namespace and address, also when several share one', () => {
    const cluster = createFakeCluster()
    const pod = (namespace: string, name: string, podIP: string) => ({
      kind: 'Pod',
      metadata: { namespace, name },
      status: { podIP },
    })
    cluster.apply(pod('shop', 'a', '10.0.0.1'), pod('shop', 'b', '10.0.0.1'), pod('bank', 'c', '10.0.0.2'))
    assert.equal(cluster.view.hasPod('shop', '10.0.0.1'), true)
    assert.equal(cluster.view.hasPod('bank', '10.0.0.1'), false)
    cluster.remove('Pod', 'shop', 'a')
    assert.deepEqual(
      cluster.view.podsByIP('10.0.0.1').map(({ name }) => name),
      ['b'],
    )
    cluster.apply(pod('bank', 'c', '10.0.0.9'))
    assert.deepEqual(cluster.view.podsByIP('10.0.0.2'), [])
  })

  test('a pod is found by each of its addresses, and by none that it has lost', () => {
    const cluster = createFakeCluster()
    const pod = (podIP: string, ...podIPs: string[]) => ({
      kind: 'Pod',
      metadata: { namespace: 'shop', name: 'a' },
      status: { podIP, podIPs: podIPs.map((ip) => ({ ip })) },
    })
    const found = () =>
      ['10.0.0.1', 'fd00::1', '10.0.0.2'].map((ip) => Number(cluster.view.hasPod('shop', ip))).join('')
    const cases = [
      [pod('10.0.0.1', '10.0.0.1', 'fd00::1'), '110'],
      [pod('10.0.0.1'), '100'],
      [pod('', 'fd00::1', '10.0.0.2'), '011'],
    ] as const
    for (const [object, wanted] of cases) {
      cluster.apply(object)
      assert.equal(found(), wanted)
    }
    cluster.apply(pod('10.0.0.1', 'fd00::1'))
    cluster.remove('Pod', 'shop', 'a')
    assert.equal(found(), '000')
  })

  test('a pod whose deletion was asked for keeps its address until it is gone, and says so', () => {
    const clock = createFakeClock({ wall: 1_000_000 })
    const cluster = createFakeCluster({ clock })
    const events = recorded(cluster)
    const pod = (deletionTimestamp?: string) => ({
      kind: 'Pod',
      metadata: { namespace: 'shop', name: 'a', deletionTimestamp },
      status: { podIP: '10.0.0.1' },
    })
    cluster.apply(pod())
    const { serial } = cluster.view
    clock.advance(5000)
    cluster.apply(pod('2026-01-01T00:00:00Z'))
    assert.deepEqual(cluster.view.podsByIP('10.0.0.1'), [
      { namespace: 'shop', name: 'a', ips: ['10.0.0.1'], labels: {}, terminating: true },
    ])
    assert.equal(cluster.view.hasPod('shop', '10.0.0.1'), true)
    assert.deepEqual(events, ['namespace shop'])
    assert.equal(cluster.view.serial, serial, 'as in CoreDNS, that alone is no change of the zone')
  })

  test('an imported slice belongs to its ServiceImport and not to a Service', () => {
    const cluster = createFakeCluster()
    const events = recorded(cluster)
    cluster.apply(
      { kind: 'ServiceImport', metadata: { namespace: 'shop', name: 'db' }, spec: { type: 'Headless', ports: [] } },
      {
        ...slice('imported', '', ['10.0.0.1']),
        metadata: {
          namespace: 'shop',
          name: 'imported',
          labels: {
            'multicluster.kubernetes.io/service-name': 'db',
            'multicluster.kubernetes.io/source-cluster': 'east',
          },
        },
      },
    )
    assert.deepEqual(events, ['namespace shop', 'import shop/db', 'import shop/db'])
    assert.equal(cluster.view.importedSlices('shop', 'db')[0].cluster, 'east')
    assert.deepEqual(cluster.view.slices('shop', 'db'), [])
    assert.deepEqual(cluster.view.endpointsByAddress(parseAddress('10.0.0.1')!), [])
  })
})

describe('the serial of a zone', () => {
  const at = (wall: number) => createFakeClock({ wall: wall * 1000 })

  test('the serial is 0 before any change and then the time of the last one that CoreDNS counts', () => {
    const clock = at(1000)
    const cluster = createFakeCluster({ clock })
    assert.equal(cluster.view.serial, 0)
    const steps: [string, object, boolean][] = [
      ['a Service is added', service('web', { clusterIP: '10.96.0.9', ports: [{ port: 80 }] }), true],
      ['its ClusterIP changes', service('web', { clusterIP: '10.96.0.8', ports: [{ port: 80 }] }), false],
      ['its port changes', service('web', { clusterIP: '10.96.0.8', ports: [{ port: 81 }] }), true],
      ['a slice is added', slice('web-1', 'web', ['10.0.0.1']), true],
      ['an endpoint stops being ready', slice('web-1', 'web', ['10.0.0.1'], { conditions: { ready: false } }), true],
      ['an unready endpoint changes', slice('web-1', 'web', ['10.0.0.2'], { conditions: { ready: false } }), false],
      ['a Namespace is added', { kind: 'Namespace', metadata: { name: 'other' } }, false],
    ]
    let serial = 0
    for (const [what, object, counts] of steps) {
      clock.advance(10_000)
      cluster.apply(object)
      if (counts) serial = clock.wall() / 1000
      assert.equal(cluster.view.serial, serial, what)
    }
  })
})

describe('a serial that a secondary has', () => {
  const start = 1000
  const named = (name: string, port: number) => service(name, { clusterIP: '10.96.0.9', ports: [{ port }] })
  const open = () => {
    const clock = createFakeClock({ wall: start * 1000 })
    const cluster = createFakeCluster({ clock })
    cluster.apply(named('web', 80))
    return { clock, cluster }
  }

  test('a serial that somebody has a zone under grows with the next change, though it comes in the same second, and once', () => {
    const { clock, cluster } = open()
    cluster.apply(named('web', 81))
    assert.equal(cluster.view.serial, start)
    cluster.sealSerials()
    cluster.apply(named('web', 82))
    assert.equal(cluster.view.serial, start + 1)
    cluster.apply(named('web', 83))
    assert.equal(cluster.view.serial, start + 1)
    clock.advance(1000)
    cluster.apply(named('web', 84))
    assert.equal(cluster.view.serial, start + 1, 'the time has caught up')
    clock.advance(5000)
    cluster.sealSerials()
    cluster.apply(named('web', 85))
    assert.equal(cluster.view.serial, start + 6)
  })

  test('a serial that somebody has a zone under grows with changes that CoreDNS does not count', () => {
    const { cluster } = open()
    for (const [change, counted] of [
      [{ kind: 'Namespace', metadata: { name: 'other' } }, 'a namespace'],
      [service('web', { clusterIP: '10.96.0.8', ports: [{ port: 80 }] }), 'a ClusterIP'],
    ] as const) {
      const before = cluster.view.serial
      cluster.sealSerials()
      cluster.apply(change)
      assert.equal(cluster.view.serial, before + 1, counted)
    }
  })

  test('a serial that somebody has a zone under grows for zones of external addresses too, when a service with some comes or goes', () => {
    const { cluster } = open()
    assert.equal(cluster.view.externalSerial, 0)
    cluster.sealSerials()
    cluster.apply(service('lb', { clusterIP: '10.96.0.7', externalIPs: ['192.0.2.1'] }))
    assert.equal(cluster.view.externalSerial, start)
  })
})

describe('the availability of resources', () => {
  test('the cluster is synced when services and namespaces are and nothing else is pending', () => {
    const cluster = createFakeCluster({ availability: 'pending', pods: false, serviceImports: false })
    const events = recorded(cluster)
    cluster.setAvailability('services', 'synced')
    cluster.setAvailability('endpointslices', 'forbidden')
    assert.equal(cluster.view.synced, false)
    cluster.setAvailability('namespaces', 'synced')
    assert.equal(cluster.view.synced, true)
    cluster.setAvailability('services', 'synced')
    assert.deepEqual(events, ['sync', 'sync', 'sync'])
    assert.equal(cluster.view.availability('pods'), 'off')
  })

  test('the availability of the cluster does not wait for what other clusters export', () => {
    const cluster = createFakeCluster({ availability: 'pending', pods: false })
    for (const resource of ['services', 'namespaces', 'endpointslices'] as const)
      cluster.setAvailability(resource, 'synced')
    assert.equal(cluster.view.availability('serviceimports'), 'pending')
    assert.equal(cluster.view.availability('importedslices'), 'pending')
    assert.equal(cluster.view.synced, true)
  })

  test('a cluster whose services are forbidden is not synced', () => {
    const cluster = createFakeCluster({ pods: false, serviceImports: false })
    cluster.setAvailability('services', 'forbidden')
    assert.equal(cluster.view.synced, false)
  })
})
