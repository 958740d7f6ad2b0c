/** Signatures against those in RFCs: Ed25519 has one signature for a text, so they are equal to the last bit. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { rdataText } from '../../src/dns/rdata.ts'
import { parseRecord } from '../../src/dns/record-text.ts'
import { createSigningKey } from '../../src/dnssec/key.ts'
import { canonicalRRset, signRRset } from '../../src/dnssec/rrsig.ts'

describe('RRSIG records', () => {
  it('the signature of RFC 8080 §6.1 is made from its key and record', async () => {
    const dnskey = parseRecord('example.com. 3600 IN DNSKEY 257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=')
    const fields = new Map([
      ['algorithm', '15 (ED25519)'],
      ['privatekey', 'ODIyNjAzODQ2MjgwODAxMjI2NDUxOTAyMDQxNDIyNjI='],
    ])
    const key = createSigningKey(dnskey, fields)
    const mx = parseRecord('example.com. 3600 IN MX 10 mail.example.com.')
    const terms = { signer: 'example.com.', originalTtl: 3600, inception: 1438207200, expiration: 1440021600 }
    const rdata = await signRRset(key, mx, canonicalRRset([mx], 3600), terms)
    assert.equal(
      rdataText(46, rdata),
      'MX 15 2 3600 20150819220000 20150729220000 3613 example.com. ' +
        'oL9krJun7xfBOIWcGHi7mag5/hdZrKWw15jPGrHpjQeRAvTdszaPD+QLs3fx8A4M3e23mRZ9VrbpMngwcrqNAg==',
    )
  })

  const same: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ['order', ['a. 1 IN A 192.0.2.2', 'a. 1 IN A 192.0.2.1'], ['a. 1 IN A 192.0.2.1', 'a. 1 IN A 192.0.2.2']],
    ['TTL', ['a. 1 IN A 192.0.2.1'], ['a. 7 IN A 192.0.2.1']],
    ['the case of names', ['A. 1 IN MX 1 B.c.'], ['a. 1 IN MX 1 b.C.']],
    ['a record that is there twice', ['a. 1 IN A 192.0.2.1', 'a. 1 IN A 192.0.2.1'], ['a. 1 IN A 192.0.2.1']],
  ]
  for (const [what, one, other] of same)
    it(`one signature is for sets that differ in ${what}`, () => {
      const [first, second] = [one, other].map((lines) => canonicalRRset(lines.map(parseRecord), 3600))
      assert.deepEqual(first, second)
    })

  it('names in NSEC, SVCB and HTTPS records keep their case (RFC 6840 §5.1)', () => {
    for (const rdata of ['NSEC B. A', 'SVCB 1 B.', 'HTTPS 1 B.']) {
      const canonical = canonicalRRset([parseRecord(`A. 1 IN ${rdata}`)], 3600)
      assert.ok(Buffer.from(canonical).includes('\x01B'), rdata)
      assert.ok(!Buffer.from(canonical).includes('\x01A'), rdata)
    }
  })
})
