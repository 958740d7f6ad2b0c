import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { byText, insert, remove } from '../../src/cluster-dns/names/sorted-list.ts'

test('a list that words are put into and taken out of is that set of words, in order', () => {
  const word = fc.constantFrom('', 'a', 'aa', 'b', 'ba', 'c')
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), word)), (changes) => {
      const list: string[] = []
      const set = new Set<string>()
      for (const [isIn, text] of changes) {
        if (isIn) insert(list, text, byText)
        else remove(list, text, byText)
        set[isIn ? 'add' : 'delete'](text)
      }
      assert.deepEqual(list, [...set].sort())
    }),
  )
})
