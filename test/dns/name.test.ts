import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  isSubdomain,
  labelsOf,
  lastLabels,
  lowerName,
  NameError,
  nameEnd,
  nameOctets,
  nameToWire,
  parentOf,
  parseName,
  wireToName,
} from '../../src/dns/name.ts'
import { wireName } from './arbitraries.ts'

test('a name is made absolute and keeps its case', () => {
  assert.equal(parseName('Example.COM'), 'Example.COM.')
  assert.equal(parseName('example.com.'), 'example.com.')
  assert.equal(parseName('.'), '.')
})

test('an octet has one spelling, whichever way it was written (RFC 1035 §5.1)', () => {
  for (const [written, spelled] of [
    ['\\097.', 'a.'],
    ['a\\.b.c', 'a\\.b.c.'],
    ['a\\046b', 'a\\.b.'],
    ['a b', 'a\\ b.'],
    ['tab\t', 'tab\\009.'],
    ['back\\\\slash', 'back\\\\slash.'],
    ['ends-in-dot\\.', 'ends-in-dot\\..'],
    ['ü', '\\195\\188.'],
  ]) {
    assert.equal(parseName(written), spelled, written)
  }
})

test('a text that is not a domain name is refused with a reason', () => {
  for (const text of [
    '',
    '..',
    '.a',
    'a..b',
    `${'a'.repeat(64)}.`,
    `${'abcdefg.'.repeat(32)}`,
    'a\\',
    'a\\25',
    'a\\256',
  ]) {
    assert.throws(() => parseName(text), NameError, text)
  }
})

test('an invalid name costs no stack trace: clients could cause one with each query', () => {
  assert.throws(
    () => parseName('a..b'),
    (error: Error) => error.stack === `NameError: ${error.message}`,
  )
  assert.match(new Error('any other').stack!, /\n {4}at /)
})

test('a name of 255 octets is the longest', () => {
  const longest = [63, 63, 63, 61].map((octets) => `${'a'.repeat(octets)}.`).join('')
  assert.equal(nameToWire(parseName(longest)).length, 255)
  assert.throws(() => parseName(`b${longest}`), NameError)
})

test('octets read as a name and written back are the same octets', () => {
  fc.assert(
    fc.property(wireName, (wire) => {
      const name = wireToName(wire, 0)
      assert.deepEqual(nameToWire(name), wire)
      assert.equal(nameOctets(name), wire.length)
      assert.equal(parseName(name), name)
      assert.equal(nameEnd(wire, 0, wire.length), wire.length)
    }),
  )
})

test('labels joined again are the name, and each parent has one label less', () => {
  fc.assert(
    fc.property(wireName, (wire) => {
      const name = wireToName(wire, 0)
      const labels = labelsOf(name)
      assert.equal(`${labels.join('.')}.`, name)
      assert.deepEqual(labelsOf(parentOf(name)), labels.slice(1))
      assert.ok(isSubdomain(lowerName(parentOf(name)), lowerName(name)))
    }),
  )
})

test('the last labels of a name are so many at most, dots inside of labels left aside', () => {
  fc.assert(
    fc.property(wireName, fc.nat(130), (wire, most) => {
      const name = wireToName(wire, 0)
      const labels = labelsOf(name)
      assert.deepEqual(labelsOf(lastLabels(name, most)), labels.slice(Math.max(0, labels.length - most)))
    }),
  )
  assert.equal(lastLabels('a\\.b\\\\.c.', 2), 'a\\.b\\\\.c.')
  assert.equal(lastLabels('a\\.b\\\\.c.', 1), 'c.')
  assert.equal(lastLabels('a.', 0), '.')
})

test('a name is below another only at a label border', () => {
  assert.ok(isSubdomain('.', 'a.'))
  assert.ok(isSubdomain('example.com.', 'example.com.'))
  assert.ok(isSubdomain('example.com.', 'www.example.com.'))
  assert.ok(!isSubdomain('example.com.', 'badexample.com.'))
  assert.ok(!isSubdomain('example.com.', 'bad\\.example.com.'))
  assert.ok(isSubdomain('example.com.', 'odd\\\\.example.com.'))
  assert.ok(!isSubdomain('www.example.com.', 'example.com.'))
})
