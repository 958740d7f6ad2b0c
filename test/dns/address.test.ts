import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  addressOfReverseName,
  canonicalAddress,
  formatAddress,
  inPrefix,
  parseAddress,
  parsePrefix,
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

test('what is no address is none', () => {
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

test('octets to text to octets, and to a reverse name and back, are the same octets', () => {
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

test('a prefix has the addresses that share its bits', () => {
  const prefix = parsePrefix('10.1.2.3/9')!
  assert.equal(formatAddress(prefix.address), '10.0.0.0')
  assert.ok(inPrefix(prefix, parseAddress('10.127.0.1')!))
  assert.ok(!inPrefix(prefix, parseAddress('10.128.0.1')!))
  assert.ok(!inPrefix(prefix, parseAddress('::a00:1')!))
  assert.ok(inPrefix(parsePrefix('0.0.0.0/0')!, parseAddress('255.1.1.1')!))
  assert.ok(inPrefix(parsePrefix('2001:db8::1')!, parseAddress('2001:db8::1')!))
  for (const bad of ['10.0.0.0/33', '10.0.0.0/', '10.0.0.0/08', '::/129', 'x/8'])
    assert.equal(parsePrefix(bad), undefined, bad)
})
