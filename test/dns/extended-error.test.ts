/** Extended DNS Errors (RFC 8914): their octets, and who gets texts, by text and by octets alike. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isInPrivateNetwork } from '../../src/answer/private-network.ts'
import { formatAddress, inPrefix } from '../../src/dns/address.ts'
import { extendedErrorData, privateNetworks } from '../../src/dns/extended-error.ts'
import { defaultPolicy, extendedErrorFor } from '../../src/plugin/extended-error.ts'

describe('the data of an extended error', () => {
  it('the data of an extended error is its code and its text in UTF-8 (RFC 8914 §2)', () => {
    assert.deepEqual(Buffer.from(extendedErrorData(22, 'né')), Buffer.from([0, 22, 0x6e, 0xc3, 0xa9]))
  })

  it('a long text is cut between characters', () => {
    const data = extendedErrorData(0, 'x€'.repeat(100))
    assert.ok(data.length <= 122)
    assert.match(new TextDecoder('utf-8', { fatal: true }).decode(data.subarray(2)), /^(x€)+x?$/)
  })
})

/** Half of them begin as a private network does. */
const addresses = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 4 }),
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
  fc
    .tuple(fc.constantFrom(...privateNetworks), fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.nat({ max: 16 }))
    .map(([{ address }, random, kept]) => {
      const octets = random.slice(0, address.length)
      octets.set(address.subarray(0, Math.min(kept, address.length)))
      return octets
    }),
)

describe('clients in private networks', () => {
  it('the data plane finds the same clients in private networks as the chain', () => {
    fc.assert(
      fc.property(addresses, (address) => {
        const expected = privateNetworks.some((network) => inPrefix(network, address))
        assert.equal(isInPrivateNetwork(address, 0, address.length === 4 ? 4 : 6), expected, formatAddress(address))
      }),
    )
  })

  const error = { code: 22, text: 'upstream.internal did not answer' }
  const lengths: readonly (readonly [client: string, octets: number | undefined])[] = [
    ['10.0.0.7', 2 + error.text.length],
    ['fe80::1%eth0', 2 + error.text.length],
    ['203.0.113.9', 2],
    ['2001:db8::1', 2],
    ['', 2],
  ]
  for (const [client, octets] of lengths)
    it(`a client at '${client}' gets ${octets} octets`, () =>
      assert.equal(extendedErrorFor(error, defaultPolicy, client)?.data.length, octets))

  it('code 0 without its text is left out, and everything is with a policy that is off', () => {
    assert.equal(extendedErrorFor({ code: 0, text: 'x' }, defaultPolicy, '203.0.113.9'), undefined)
    assert.equal(extendedErrorFor(error, { off: true, textFor: privateNetworks }, '10.0.0.7'), undefined)
  })
})
