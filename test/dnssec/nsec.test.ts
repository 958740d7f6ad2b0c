/** The name behind a name in canonical order (RFC 4034 §6.1): nothing may lie between the two. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { lowerName, nameToWire, wireToName } from '../../src/dns/name.ts'
import { firstBelow, firstBeside } from '../../src/dnssec/nsec.ts'

/** Labels from right to left, their octets in lower case. */
function canonical(name: string): string[] {
  const wire = nameToWire(lowerName(name))
  const labels: string[] = []
  for (let at = 0; wire[at] > 0; at += wire[at] + 1)
    labels.unshift(Buffer.from(wire.subarray(at + 1, at + 1 + wire[at])).toString('latin1'))
  return labels
}

function compare(one: string, other: string): number {
  const [left, right] = [canonical(one), canonical(other)]
  for (let at = 0; at < Math.min(left.length, right.length); at++)
    if (left[at] !== right[at]) return left[at] < right[at] ? -1 : 1
  return left.length - right.length
}

const octet = fc.oneof(fc.constantFrom(0, 0x40, 0x41, 0x5a, 0x5b, 0x61, 0xff), fc.nat(255))
const label = fc.oneof(
  fc.array(octet, { minLength: 1, maxLength: 4 }),
  fc.array(octet, { minLength: 60, maxLength: 63 }),
)
const name = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => {
  while (labels.reduce((sum, each) => sum + each.length + 1, 1) > 255) labels.pop()
  return wireToName(Uint8Array.from([...labels.flatMap((each) => [each.length, ...each]), 0]), 0)
})
const longest = [63, 63, 63, 61]
  .map((length) => 'a'.repeat(length))
  .join('.')
  .concat('.')

describe('the end of an NSEC record', () => {
  for (const [what, next] of [
    ['the first name below', firstBelow],
    ['the first name beside', firstBeside],
  ] as const) {
    it(`${what} comes after the name`, () => {
      fc.assert(fc.property(name, (each) => assert.ok(compare(each, next(each)) < 0, `${each} ${next(each)}`)))
    })

    it(`${what} has no name between it and the name, but those below`, () => {
      fc.assert(
        fc.property(name, name, (each, other) => {
          const between = compare(each, other) < 0 && compare(other, next(each)) < 0
          assert.ok(!between || canonical(other).join('\0').startsWith(canonical(each).join('\0')), `${each} ${other}`)
        }),
        { numRuns: 2000 },
      )
    })
  }

  it('a name of 255 octets ends before the next one that is possible', () => {
    assert.equal(firstBelow(longest), longest.replace('a'.repeat(63), `${'a'.repeat(62)}b`))
    assert.equal(firstBelow('a.example.'), '\\000.a.example.')
    assert.equal(firstBeside('a.example.'), 'a\\000.example.')
  })
})
