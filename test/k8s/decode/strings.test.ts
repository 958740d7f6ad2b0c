import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createStringTable } from '../../../src/k8s/decode/strings.ts'

test('shared strings are the strings that went in', () => {
  const strings = createStringTable()
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 80 }), fc.nat({ max: 5 }), (text, before) => {
      const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(text), Buffer.alloc(3)])
      assert.equal(strings.read(bytes, before, bytes.length - 3), text)
      assert.equal(strings.share(text), text)
    }),
    { numRuns: 2000 },
  )
})
