import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { parseNetwork, reverseZones } from '../../src/corefile/address.ts'
import { normalizeZone, serverKeys, zonesOf } from '../../src/corefile/keys.ts'
import { parseName } from '../../src/dns/name.ts'
import { refusal, token } from './support.ts'

describe('a server-block key', () => {
  const cases: readonly { key: string; zones: readonly string[]; port: number; scheme?: string }[] = [
    { key: '.', zones: ['.'], port: 53 },
    { key: '.:1053', zones: ['.'], port: 1053 },
    { key: '.:0', zones: ['.'], port: 0 },
    { key: '.:+53', zones: ['.'], port: 53 },
    { key: 'Example.ORG', zones: ['example.org.'], port: 53 },
    { key: 'tls://example.org', zones: ['example.org.'], port: 853, scheme: 'tls' },
    { key: 'grpc://.:1443', zones: ['.'], port: 1443, scheme: 'grpc' },
    { key: 'DNS://example.org', zones: ['dns://example.org.'], port: 53 },
    { key: 'my\\.label.example', zones: ['my\\.label.example.'], port: 53 },
    { key: 'a\\065b.example', zones: ['aab.example.'], port: 53 },
    { key: 'b\u00fccher.example', zones: ['b\\195\\188cher.example.'], port: 53 },
    { key: 'two words', zones: ['two\\ words.'], port: 53 },
    { key: '192.0.2.1', zones: ['192.0.2.1.'], port: 53 },
    { key: '10.96.0.0/12', zones: Array.from({ length: 16 }, (_, i) => `${96 + i}.10.in-addr.arpa.`), port: 53 },
    { key: '192.0.2.129/32', zones: ['129.2.0.192.in-addr.arpa.'], port: 53 },
    { key: '192.0.2.77/24:5353', zones: ['2.0.192.in-addr.arpa.'], port: 5353 },
    { key: 'fd00::/8', zones: ['d.f.ip6.arpa.'], port: 53 },
    { key: '64:ff9b::192.0.2.1/96', zones: [`${'0.'.repeat(16)}b.9.f.f.4.6.0.0.ip6.arpa.`], port: 53 },
    // Digits behind the last colon are a port, also here.
    { key: '2001:db8::1', zones: ['2001:db8:.'], port: 1 },
    { key: '10.0.0.0/33', zones: ['10.0.0.0/33.'], port: 53 },
    { key: '010.0.0.0/8', zones: ['010.0.0.0/8.'], port: 53 },
  ]
  for (const { key, zones, port, scheme = 'dns' } of cases)
    test(`'${key}' serves ${zones.length > 4 ? `${zones.length} zones` : zones.join(' ')} on port ${port}`, () => {
      const [read] = serverKeys([token(key)])
      assert.deepEqual({ zones: read.zones, port: read.port, scheme: read.scheme }, { zones, port, scheme })
    })

  const bad: readonly [key: string, why: string][] = [
    ['', 'zone is not a valid domain name: '],
    [':53', 'zone is not a valid domain name: '],
    ['.a', 'zone is not a valid domain name: .a'],
    ['a..b', 'zone is not a valid domain name: a..b'],
    ['a\\', 'zone is not a valid domain name: a\\'],
    ['a:', 'expecting data after last colon: "a:"'],
    ['2001:db8::', 'expecting data after last colon: "2001:db8::"'],
    ['::1/128', 'invalid CIDR ::1/128'],
    ['0::/8', 'invalid CIDR 0::/8'],
    ['.:65536', "port 65536 of '.:65536' must be from 0 to 65535"],
    ['.:-1', "port -1 of '.:-1' must be from 0 to 65535"],
  ]
  for (const [key, why] of bad)
    test(`the key '${key}' is refused`, () => {
      assert.equal(
        refusal(() => serverKeys([token(key)])),
        `Corefile:1:1 - ${why}`,
      )
    })

  test('a server-block key without a port takes -dns.port, but only where the scheme is dns', () => {
    const ports = serverKeys(['.', 'tls://.', '.:99'].map(token), 1053).map(({ port }) => port)
    assert.deepEqual(ports, [1053, 853, 99])
  })
})

describe('ZONES arguments of a plugin', () => {
  test('ZONES arguments of a plugin that are not names are skipped', () => {
    assert.deepEqual(zonesOf(['Example.org', 'a..b', '::/0', '10.0.0.0/15'].map(token), ['whole.']), [
      'example.org.',
      '0.10.in-addr.arpa.',
      '1.10.in-addr.arpa.',
    ])
  })
  test('ZONES arguments of a plugin leave no zone, not the whole block, when none of them is a name', () => {
    assert.deepEqual(zonesOf([token('a..b')], ['whole.']), [])
  })
  test('ZONES arguments of a plugin that are absent mean the zones of the block', () => {
    assert.deepEqual(zonesOf([], ['whole.']), ['whole.'])
  })
  test('ZONES arguments of a plugin lose scheme and port', () => {
    assert.deepEqual(normalizeZone('dns://example.org:5353'), ['example.org.'])
  })
})

test('a zone is spelled as the DNS room spells names, or is refused', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
      for (const zone of normalizeZone(text)) assert.equal(parseName(zone), zone)
    }),
  )
})

test('the reverse zones of a network cover all of it and nothing else', () => {
  const networks = fc.oneof(
    fc.record({ size: fc.constant(4), length: fc.integer({ min: 0, max: 32 }) }),
    fc.record({ size: fc.constant(16), length: fc.integer({ min: 0, max: 128 }) }),
  )
  fc.assert(
    fc.property(
      networks,
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      fc.nat(127),
      ({ size, length }, random, flip) => {
        const address = random.subarray(0, size)
        const zones = reverseZones(parseNetwork(`${addressText(address)}/${length}`)!)
        const covers = (octets: Uint8Array) =>
          zones.filter((zone) => `.${reverseOf(octets)}`.endsWith(`.${zone}`)).length
        assert.equal(covers(address), 1)
        const bit = flip % (size * 8)
        const other = address.map((octet, index) => (index === bit >> 3 ? octet ^ (0x80 >> (bit & 7)) : octet))
        assert.equal(covers(other), bit < length ? 0 : 1)
      },
    ),
  )
})

function addressText(octets: Uint8Array): string {
  if (octets.length === 4) return octets.join('.')
  return Array.from({ length: 8 }, (_, i) => ((octets[2 * i] << 8) | octets[2 * i + 1]).toString(16)).join(':')
}

function reverseOf(octets: Uint8Array): string {
  const digits = octets.length === 4 ? [...octets].map(String) : [...Buffer.from(octets).toString('hex')]
  return `${digits.reverse().join('.')}.${octets.length === 4 ? 'in-addr' : 'ip6'}.arpa.`
}
