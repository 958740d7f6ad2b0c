import assert from 'node:assert/strict'
import { it } from 'node:test'
import { reachable } from '../../../src/plugins/forward/families.ts'

const both = ['192.0.2.1', '2001:db8::1', '127.0.0.1', '::1', 'fe80::1%eth0']

for (const [what, families, servers, wanted] of [
  ['a machine with both families asks all', { ipv4: true, ipv6: true }, both, both],
  ['a machine with IPv4 alone', { ipv4: true, ipv6: false }, both, ['192.0.2.1', '127.0.0.1', '::1', 'fe80::1%eth0']],
  ['a machine with IPv6 alone', { ipv4: false, ipv6: true }, both, ['2001:db8::1', '127.0.0.1', '::1', 'fe80::1%eth0']],
  ['a list of nothing else', { ipv4: true, ipv6: false }, ['2001:db8::1'], ['2001:db8::1']],
  [
    'a machine without a network',
    { ipv4: false, ipv6: false },
    ['192.0.2.1', '2001:db8::1'],
    ['192.0.2.1', '2001:db8::1'],
  ],
] as const) {
  it(`an upstream of a family that is lacking is skipped: ${what}`, () => {
    const list = servers.map((address) => ({ address }))
    assert.deepEqual(
      reachable(list, families).map(({ address }) => address),
      wanted,
    )
  })
}
