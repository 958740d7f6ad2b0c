import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { searchNames } from '../../src/cli/search-path.ts'

describe('the names that a resolver of a pod asks for', () => {
  const below = (name: string) => [
    `${name}.team-a.svc.cluster.local.`,
    `${name}.svc.cluster.local.`,
    `${name}.cluster.local.`,
  ]
  const cases: readonly [name: string, asked: string[]][] = [
    ['shop', [...below('shop'), 'shop.']],
    ['shop.team-b', [...below('shop.team-b'), 'shop.team-b.']],
    ['a.b.c.d.e', [...below('a.b.c.d.e'), 'a.b.c.d.e.']],
    ['a.b.c.d.e.f', ['a.b.c.d.e.f.', ...below('a.b.c.d.e.f')]],
    ['shop.example.', ['shop.example.']],
  ]
  for (const [name, asked] of cases)
    test(`'${name}' is asked for as ${asked.length} names`, () => {
      assert.deepEqual(searchNames(name, 'team-a', 'cluster.local.'), asked)
    })
})
