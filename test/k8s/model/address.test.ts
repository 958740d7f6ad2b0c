import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { canonicalAddress, formatAddress, parseAddress } from '../../../src/k8s/model/address.ts'

describe('addresses', () => {
  test('an address that is formatted reads back to the same octets', () => {
    const octets = fc
      .constantFrom(4, 16)
      .chain((size) => fc.array(fc.oneof(fc.constant(0), fc.nat({ max: 255 })), { minLength: size, maxLength: size }))
    fc.assert(
      fc.property(octets, (list) => {
        const bytes = Uint8Array.from(list)
        const text = formatAddress(bytes)
        assert.equal(isIP(text), bytes.length === 4 ? 4 : 6)
        assert.deepEqual(parseAddress(text), bytes)
      }),
      { numRuns: 2000 },
    )
  })

  test('a text is an address exactly when Node says so, zone indexes left out', () => {
    const near = fc.array(fc.constantFrom('0', '1', '9', '25', '255', '256', 'f', 'ffff', '::', ':', '.', 'g'), {
      maxLength: 12,
    })
    fc.assert(
      fc.property(
        fc.oneof(
          fc.ipV4(),
          fc.ipV6(),
          near.map((parts) => parts.join('')),
        ),
        (text) => {
          assert.equal(parseAddress(text) !== undefined, isIP(text) !== 0, text)
        },
      ),
      { numRuns: 5000 },
    )
  })

  test('RFC 5952: the canonical text', () => {
    const cases: Record<string, string> = {
      '2001:db8:0:0:1:0:0:1': '2001:db8::1:0:0:1',
      '2001:DB8::0': '2001:db8::',
      '0:0:0:0:0:0:0:1': '::1',
      '2001:db8:0:1:1:1:1:1': '2001:db8:0:1:1:1:1:1',
      '::ffff:c000:0201': '::ffff:192.0.2.1',
      '10.0.0.1': '10.0.0.1',
    }
    for (const [text, canonical] of Object.entries(cases)) assert.equal(canonicalAddress(text), canonical)
  })
})
