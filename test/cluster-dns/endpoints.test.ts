import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type EndpointGroup, endpointGroup, endpointLabel, isReady } from '../../src/cluster-dns/lookup/endpoints.ts'
import { distinctAddresses } from '../../src/cluster-dns/records/distinct-addresses.ts'
import { formatAddress } from '../../src/dns/address.ts'
import { type EndpointSlice, endpointFlag } from '../../src/k8s/model/types.ts'

const octets = fc.constantFrom(0, 1, 10, 255)

/** Slices with few different addresses, host names and pod names, so that they meet. */
const slice = fc.constantFrom(4 as const, 16 as const).chain((width) =>
  fc
    .array(
      fc.record({
        address: fc.array(octets, { minLength: width, maxLength: width }),
        ready: fc.boolean(),
        hostname: fc.constantFrom('', '', 'pet', '10-0-0-1'),
        pod: fc.constantFrom('', 'web-x', 'p'.repeat(64)),
      }),
      { maxLength: 12 },
    )
    .map(
      (endpoints): EndpointSlice => ({
        namespace: 'ns',
        name: 'slice',
        uid: undefined,
        service: 'svc1',
        cluster: '',
        addressType: width === 4 ? 'IPv4' : 'IPv6',
        ports: [],
        count: endpoints.length,
        addresses: Uint8Array.from(endpoints.flatMap(({ address }) => address)),
        fqdns: undefined,
        flags: Uint8Array.from(endpoints.map(({ ready }) => (ready ? endpointFlag.ready : 0))),
        hostnames: endpoints.map(({ hostname }) => hostname),
        podNames: endpoints.map(({ pod }) => pod),
        zones: undefined,
        targets: '',
        annotations: {},
      }),
    ),
)

const addressesOf = (group: EndpointGroup | undefined): string[] =>
  Array.from({ length: group?.count ?? 0 }, (_, i) => formatAddress(group!.addresses, i * group!.width, group!.width))

test('an endpoint is found by its label, and only by that', () => {
  fc.assert(
    fc.property(slice, fc.boolean(), (given, podNames) => {
      const width = given.addressType === 'IPv4' ? 4 : 16
      const places = Array.from({ length: given.count }, (_, place) => place)
      const labels = new Set([...places.map((place) => endpointLabel(given, place, podNames)), 'pet', 'missing', '1-2'])
      for (const label of labels) {
        const wanted = places
          .filter((place) => isReady(given, place) && endpointLabel(given, place, podNames) === label)
          .map((place) => formatAddress(given.addresses, place * width, width))
        assert.deepEqual(addressesOf(endpointGroup(given, label, [80], 'svc1.ns.', podNames)), wanted)
      }
    }),
  )
})

test('a label is a label: 1 to 63 octets, no dash at its end', () => {
  fc.assert(
    fc.property(slice, fc.boolean(), (given, podNames) => {
      for (let place = 0; place < given.count; place++) {
        assert.match(endpointLabel(given, place, podNames), /^[a-z0-9-]{0,62}[a-z0-9]$/)
      }
    }),
  )
})

test('addresses are listed once each, in order of appearance', () => {
  fc.assert(
    fc.property(fc.array(slice, { maxLength: 5 }), (slices) => {
      const groups = slices.flatMap((given) => endpointGroup(given, '', [80], 'svc1.ns.', false) ?? [])
      for (const width of [4, 16] as const) {
        const wanted = new Set(groups.filter((group) => group.width === width).flatMap(addressesOf))
        const found = distinctAddresses(groups, width)
        const texts = Array.from({ length: found.length / width }, (_, i) => formatAddress(found, i * width, width))
        assert.deepEqual(texts, [...wanted])
      }
    }),
  )
})
