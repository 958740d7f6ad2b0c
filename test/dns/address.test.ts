import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  addressOfReverseName,
  canonicalAddress,
  formatAddress,
  inPrefix,
  type Prefix,
  parseAddress,
  reverseName,
} from '../../src/dns/address.ts'

const octets = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 4 }),
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
  fc.array(fc.constantFrom(0, 0, 1), { minLength: 16, maxLength: 16 }).map((list) => Uint8Array.from(list)),
)

test('IPv6 is written as RFC 5952 §4 demands', () => {
  for (const [written, canonical] of [
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['1::', '1::'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
    ['::ffff:c000:201', '::ffff:192.0.2.1'],
  ]) {
    assert.equal(canonicalAddress(written), canonical, written)
  }
})

test('a text that is not an address is not read as one', () => {
  for (const text of [
    '',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '01.2.3.4',
    '1.2.3.4/8',
    ':',
    ':::',
    '1::2::3',
    '1:2',
    'g::',
    '::%eth0',
    '1:2:3:4:5:6:7:8:9',
    '::1.2.3',
  ]) {
    // biome-ignore format: a list
    assert.equal(parseAddress(text), undefined, text)
  }
})

test('octets printed as an address or a reverse name and read back are the same octets', () => {
  fc.assert(
    fc.property(octets, (address) => {
      assert.deepEqual(parseAddress(formatAddress(address)), address)
      assert.deepEqual(addressOfReverseName(reverseName(address)), address)
    }),
  )
})

test('reverse names: RFC 1035 §3.5, RFC 3596 §2.5', () => {
  assert.equal(reverseName(parseAddress('10.1.2.3')!), '3.2.1.10.in-addr.arpa.')
  assert.equal(
    reverseName(parseAddress('2001:db8::1')!),
    '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.',
  )
  for (const partial of ['2.1.10.in-addr.arpa.', 'x.3.2.1.10.in-addr.arpa.', '300.2.1.10.in-addr.arpa.', 'ip6.arpa.']) {
    assert.equal(addressOfReverseName(partial), undefined, partial)
  }
})

test('up to three labels in front of an IPv6 address are ignored, a fourth is not', () => {
  const address = parseAddress('2001:db8::1')!
  assert.deepEqual(addressOfReverseName(`x.*.y.${reverseName(address)}`), address)
  assert.equal(addressOfReverseName(`w.x.y.z.${reverseName(address)}`), undefined)
})

test('a prefix has the addresses of its family that share its bits', () => {
  const network = (text: string, bits: number) => ({ address: parseAddress(text)!, bits })
  const has = (prefix: Prefix, text: string) => inPrefix(prefix, parseAddress(text)!)
  const prefix = network('10.0.0.0', 9)
  assert.ok(has(prefix, '10.127.0.1'))
  assert.ok(!has(prefix, '10.128.0.1'))
  assert.ok(!has(prefix, '::a00:1'))
  assert.ok(has(network('0.0.0.0', 0), '255.1.1.1'))
  assert.ok(has(network('2001:db8::1', 128), '2001:db8::1'))
})
