import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { createAnnotationReader } from '../../../src/cluster-dns/annotations/reader.ts'
import { grpcConfigAnnotation } from '../../../src/cluster-dns/features/grpc-config/parse.ts'
import { knownAnnotations } from '../../../src/cluster-dns/features/index.ts'
import { metadataAnnotation } from '../../../src/cluster-dns/features/metadata/parse.ts'
import { maxTxtOctets } from '../../../src/cluster-dns/records/txt.ts'
import { readTxt } from '../../../src/dns/values.ts'
import type { Service } from '../../../src/k8s/model/types.ts'

const key = (word: string): string => `txt.slicedns.io/${word}`

/** `octets`: what a gRPC service config leaves to the metadata. */
function read(given: Readonly<Record<string, string>>, octets = maxTxtOctets) {
  const entries = Object.keys(given)
    .sort()
    .map((word) => ({ key: key(word), word, text: given[word] }))
  const config = new Uint8Array(maxTxtOctets - octets)
  const get = (annotation: unknown) => (annotation === grpcConfigAnnotation ? config : undefined)
  const result = metadataAnnotation.parseGroup(entries, { get: get as never })
  assert.ok(result.ok)
  return { records: result.value, problems: result.flaws ?? [] }
}

const stringsOf = (record: Uint8Array): string[] =>
  readTxt(record).map((octets) => Buffer.from(octets).toString('utf8'))
/** Of each problem the key's word and the reason. */
const refused = ({ problems }: ReturnType<typeof read>): [string, string][] =>
  problems.map(({ key = '', reason }) => [key.slice('txt.slicedns.io/'.length), reason])

describe('txt.slicedns.io/KEY', () => {
  test('an empty value is a key with an empty value (RFC 6763 §6.4)', () => {
    const { records, problems } = read({ empty: '' })
    assert.deepEqual(records.map(stringsOf), [['empty=']])
    assert.deepEqual(problems, [])
  })

  test('metadata keys of another prefix are ignored', () => {
    const annotations = { [key('a')]: '1', 'txt.dns.example.org/b': '2' }
    const service = { annotations } as unknown as Service
    const records = createAnnotationReader('dns.example.org', knownAnnotations).service(service).get(metadataAnnotation)
    assert.deepEqual(records?.map(stringsOf), [['b=2']])
  })

  test('a key without characters, with others than printable ASCII, or with = is refused alone', () => {
    const found = read({ '': 'a', 'a=b': 'c', ü: 'd', 'tab\t': 'e', good: 'f' })
    assert.deepEqual(found.records.map(stringsOf), [['good=f']])
    assert.deepEqual(refused(found), [
      ['', 'syntax'],
      ['a=b', 'syntax'],
      ['tab\t', 'syntax'],
      ['ü', 'syntax'],
    ])
  })

  test('of metadata keys that differ in case the first in sort order is taken, the others are refused', () => {
    const found = read({ model: 'a', Model: 'b', MODEL: 'c' })
    assert.deepEqual(found.records.map(stringsOf), [['MODEL=c']])
    assert.deepEqual(refused(found), [
      ['Model', 'syntax'],
      ['model', 'syntax'],
    ])
  })

  test('255 octets are a string of the common record, 256 a record of two strings', () => {
    const { records } = read({ a: 'x'.repeat(253), b: 'x'.repeat(254), c: '1' })
    assert.deepEqual(records.map(stringsOf), [
      [`a=${'x'.repeat(253)}`, 'c=1'],
      [`b=${'x'.repeat(253)}`, 'x'],
    ])
  })

  test('a character is not looked at where a long value is parted: octets are', () => {
    const [record] = read({ a: 'ü'.repeat(200) }).records
    assert.equal(Buffer.concat(readTxt(record)).toString('utf8'), `a=${'ü'.repeat(200)}`)
  })

  test('a value of 256 KiB is refused with its size, the others stay', () => {
    const found = read({ big: 'x'.repeat(262_144), small: '1' })
    assert.deepEqual(found.records.map(stringsOf), [['small=1']])
    assert.deepEqual(refused(found), [['big', 'range']])
    assert.match(found.problems[0].rule, /263189 octets.*64000/)
  })

  test('metadata that does not fit beside the others is refused: thousands of keys stay within one message', () => {
    const many = Object.fromEntries(Array.from({ length: 4000 }, (_, i) => [`key${i}`, 'v'.repeat(i % 300)]))
    const { records, problems } = read(many)
    const octets = records.reduce((sum, record) => sum + 12 + record.length, 0)
    assert.ok(octets <= maxTxtOctets && octets > maxTxtOctets - 1000, `${octets} octets`)
    assert.ok(problems.length > 0 && problems.every(({ reason }) => reason === 'range'))
  })

  test('every metadata key is served whole or refused, within the octets that are left, whatever the annotations are', () => {
    const text = (maxLength: number) => fc.string({ unit: 'binary', maxLength })
    fc.assert(
      fc.property(fc.dictionary(text(12), text(600)), fc.integer({ min: 0, max: 3000 }), (given, octets) => {
        const found = read(given, octets)
        assert.ok(found.records.reduce((sum, record) => sum + 12 + record.length, 0) <= octets)
        const told = found.records.flatMap((record) => [...readTxt(record), Buffer.concat(readTxt(record))])
        const problems = new Set(refused(found).map(([word]) => word))
        for (const [word, value] of Object.entries(given)) {
          const entry = Buffer.from(`${word}=${value}`, 'utf8')
          assert.equal(
            told.some((octets) => entry.equals(octets)),
            !problems.has(word),
            JSON.stringify(word),
          )
        }
      }),
    )
  })
})
