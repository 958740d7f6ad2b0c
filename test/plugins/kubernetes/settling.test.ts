/** Which services' endpoints are unsettled, for how long, and who is told. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type EndpointSlice, endpointFlag } from '../../../src/k8s/model/types.ts'
import { createSettling } from '../../../src/plugins/kubernetes/publish/settling.ts'
import { createNotation } from '../../support/cluster-notation.ts'
import { createFakeClock } from '../../support/fake-clock.ts'
import { createFakeCluster, type FakeCluster } from '../../support/fake-cluster.ts'

const settle = 60_000

function createSettlingHarness(lines = '', options: { availability?: 'pending' } = {}) {
  const clock = createFakeClock()
  const cluster = createFakeCluster({ clock, ...options })
  const { apply } = createNotation(cluster)
  apply(lines)
  const flips: string[] = []
  const settling = createSettling(cluster, settle, clock)
  const follow = () =>
    settling.subscribe((namespace, service) => {
      flips.push(`${namespace}/${service} ${settling.isUnsettled(namespace, service) ? 'unsettled' : 'settled'}`)
    })
  const followed = follow()
  return { clock, cluster, apply, flips, settling, followed }
}

const two = `endpoint db shop 10.0.0.1 ready
             endpoint db shop 10.0.0.2 ready`

describe('a service whose endpoints change', () => {
  test('a service whose endpoints change is unsettled at once and settled when the time is over; listeners hear of both', () => {
    const { clock, apply, flips, settling } = createSettlingHarness(two)
    assert.equal(settling.isUnsettled('shop', 'db'), false)
    apply('endpoint db shop 10.0.0.3 ready')
    assert.deepEqual(flips, ['shop/db unsettled'])
    clock.advance(settle - 1)
    assert.equal(settling.isUnsettled('shop', 'db'), true)
    clock.advance(1)
    assert.equal(settling.isUnsettled('shop', 'db'), false)
    assert.deepEqual(flips, ['shop/db unsettled', 'shop/db settled'])
  })

  test('a service whose endpoints change settles when the time since its last change is over, whatever other services do', () => {
    const { clock, apply, flips } = createSettlingHarness(two)
    apply('endpoint db shop 10.0.0.3 ready')
    clock.advance(20_000)
    apply('endpoint web shop 10.0.1.1 ready')
    clock.advance(20_000)
    apply('remove endpoint db shop 10.0.0.3')
    assert.deepEqual(flips, ['shop/db unsettled', 'shop/web unsettled'])
    clock.advance(settle - 20_000)
    assert.deepEqual(flips.slice(2), ['shop/web settled'])
    clock.advance(20_000)
    assert.deepEqual(flips.slice(3), ['shop/db settled'])
  })

  test('a service whose endpoints change stays unsettled after the time as long as an endpoint is not ready', () => {
    const { clock, apply, flips, settling } = createSettlingHarness(two)
    apply('endpoint db shop 10.0.0.3 notReady')
    clock.advance(2 * settle)
    assert.deepEqual(settling.why('shop', 'db'), { unready: 1, changing: undefined })
    apply('endpoint db shop 10.0.0.3 ready')
    assert.deepEqual(flips, ['shop/db unsettled', 'shop/db settled'])
  })

  test('a service whose endpoints change is explained: why, and for how long', () => {
    const { clock, apply, settling } = createSettlingHarness(two)
    assert.equal(settling.why('shop', 'db'), undefined)
    apply('endpoint db shop 10.0.0.1 notReady\nendpoint db shop 10.0.0.2 ready terminating')
    assert.deepEqual(settling.why('shop', 'db'), { unready: 2, changing: undefined })
    apply('remove endpoint db shop 10.0.0.1')
    clock.advance(10_000)
    assert.deepEqual(settling.why('shop', 'db'), { unready: 1, changing: settle - 10_000 })
  })

  test('a service whose endpoints change is settled again some time after its last slice has gone', () => {
    const { clock, apply, flips, settling } = createSettlingHarness(two)
    apply('remove slice db-ipv4 shop')
    assert.equal(settling.isUnsettled('shop', 'db'), true)
    clock.advance(settle)
    assert.deepEqual(flips, ['shop/db unsettled', 'shop/db settled'])
  })

  test('a listener that unsubscribes hears of no service any more', () => {
    const { apply, flips, followed } = createSettlingHarness(two)
    followed.unsubscribe()
    apply('endpoint db shop 10.0.0.3 ready')
    assert.deepEqual(flips, [])
  })

  test('the settling waits for nothing any more once it is stopped', () => {
    const { clock, apply, flips, settling } = createSettlingHarness(two)
    apply('endpoint db shop 10.0.0.3 ready')
    settling.stop()
    clock.advance(settle)
    assert.deepEqual(flips, ['shop/db unsettled'])
  })
})

describe('events that are no change of the endpoints', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['a new Service object over slices that were there', 'service db shop headless'],
    ['another order', 'remove slice other shop\nendpoint db shop 10.0.0.1 ready pod x'],
    ['another host name', 'endpoint db shop 10.0.0.1 ready hostname db-0'],
    ['an annotation', 'annotate slice db-ipv4 shop slicedns.io/srv-weight 3'],
    ['the same address in a second slice', 'endpoint db shop 10.0.0.1 ready slice b'],
    ['a slice that goes, and whose addresses others have', 'remove slice copy shop'],
    ['an empty slice', 'slice empty db shop IPv4'],
  ]
  for (const [name, lines] of cases)
    test(`no change of the endpoints is ${name}`, () => {
      const { apply, flips } = createSettlingHarness(
        `${two}\nendpoint db shop 10.0.0.1 ready slice copy\nslice other db shop IPv4`,
      )
      apply(lines)
      assert.deepEqual(flips, [])
    })

  test('the first list is no change of the endpoints', () => {
    const { cluster, clock, flips, settling } = createSettlingHarness(`${two}\nendpoint db shop 10.0.0.3 notReady`, {
      availability: 'pending',
    })
    assert.equal(settling.isUnsettled('shop', 'db'), false)
    cluster.setAvailability('endpointslices', 'synced')
    assert.deepEqual(settling.why('shop', 'db'), { unready: 1, changing: undefined })
    clock.advance(settle)
    assert.deepEqual(flips, [])
  })

  test('the list that comes once EndpointSlices may be read is no change of the endpoints', () => {
    const { cluster, apply, settling } = createSettlingHarness('', { availability: 'pending' })
    cluster.setAvailability('endpointslices', 'forbidden')
    apply(two)
    cluster.setAvailability('endpointslices', 'synced')
    assert.equal(settling.isUnsettled('shop', 'db'), false)
  })
})

describe('events that are a change of the endpoints', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['an address that goes', 'remove endpoint db shop 10.0.0.2'],
    ['one that another has taken the place of', 'remove endpoint db shop 10.0.0.2\nendpoint db shop 10.0.0.4 ready'],
    ['an address of the other family', 'endpoint db shop fd00::1 ready'],
    ['a name', 'endpoint db shop vm.example.org ready'],
    ['the last slice that goes', 'remove slice db-ipv4 shop'],
    ['an address that goes and comes again', 'remove slice db-ipv4 shop\nendpoint db shop 10.0.0.1 ready slice b'],
  ]
  for (const [name, lines] of cases)
    test(`a change of the endpoints is ${name}`, () => {
      const { apply, flips } = createSettlingHarness(two)
      apply(lines)
      assert.deepEqual(flips, ['shop/db unsettled'])
    })
})

describe('random slices', () => {
  /** Addresses 10.0.0.N by slice; undefined removes it. Every event is judged against a plain reading of the rules. */
  const event = fc.record({
    service: fc.constantFrom('a', 'b'),
    slice: fc.constantFrom('x', 'y', 'z'),
    addresses: fc.option(fc.uniqueArray(fc.tuple(fc.nat(4), fc.constantFrom('ready', 'notReady', 'terminating'))), {
      nil: undefined,
    }),
    passed: fc.constantFrom(0, 0, settle / 3, settle),
  })

  test('random slices are settled when the rules say so', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), (events) => {
        const { clock, cluster, settling } = createSettlingHarness()
        const changedAt = new Map<string, number>()
        for (const { service, slice, addresses, passed } of events) {
          const before = new Map(['a', 'b'].map((name) => [name, addressesOf(cluster, name)]))
          put(cluster, service, `${service}-${slice}`, addresses)
          for (const [name, was] of before) {
            if (was !== addressesOf(cluster, name)) changedAt.set(name, clock.now())
          }
          clock.advance(passed)
          for (const name of ['a', 'b']) {
            const changing = clock.now() - (changedAt.get(name) ?? Number.NEGATIVE_INFINITY) < settle
            assert.equal(settling.isUnsettled('shop', name), changing || hasUnready(cluster, name), name)
          }
        }
      }),
    )
  })

  function put(
    cluster: FakeCluster,
    service: string,
    name: string,
    addresses: readonly (readonly [number, string])[] | undefined,
  ): void {
    if (!addresses) {
      cluster.remove('EndpointSlice', 'shop', name)
      return
    }
    cluster.apply({
      kind: 'EndpointSlice',
      metadata: { namespace: 'shop', name, labels: { 'kubernetes.io/service-name': service } },
      addressType: 'IPv4',
      endpoints: addresses.map(([last, state]) => ({
        addresses: [`10.0.0.${last}`],
        conditions: { ready: state !== 'notReady', terminating: state === 'terminating' },
      })),
    })
  }

  const addressesOf = ({ view }: FakeCluster, service: string): string =>
    [...new Set(view.slices('shop', service).flatMap((slice) => places(slice).map((place) => addressAt(slice, place))))]
      .sort()
      .join(' ')

  const hasUnready = ({ view }: FakeCluster, service: string): boolean =>
    view.slices('shop', service).some(({ flags }) => flags.some((bits) => bits !== settledFlags(bits)))

  const settledFlags = (bits: number): number => (bits | endpointFlag.ready) & ~endpointFlag.terminating
  const places = ({ count }: EndpointSlice): number[] => Array.from({ length: count }, (_, place) => place)
  const addressAt = ({ addresses }: EndpointSlice, place: number): string =>
    addresses.subarray(place * 4, place * 4 + 4).join('.')
})
