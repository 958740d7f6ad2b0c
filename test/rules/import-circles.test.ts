/** No file reaches itself by its imports, those of types included: a file is understood with what it imports, and alone. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { filesIn, importsOf } from './sources.ts'

type Graph = ReadonlyMap<string, readonly string[]>

/** The first way found from a file back to itself, its files in order; undefined where there is none. */
function circleOf(graph: Graph): readonly string[] | undefined {
  const done = new Set<string>()
  const way: string[] = []
  const visit = (file: string): readonly string[] | undefined => {
    if (way.includes(file)) return [...way.slice(way.indexOf(file)), file]
    if (done.has(file)) return undefined
    way.push(file)
    for (const target of graph.get(file) ?? []) {
      const circle = visit(target)
      if (circle) return circle
    }
    way.pop()
    done.add(file)
    return undefined
  }
  for (const file of graph.keys()) {
    const circle = visit(file)
    if (circle) return circle
  }
  return undefined
}

describe('imports', () => {
  it('no file of src/ reaches itself', () => {
    const graph = new Map(
      filesIn('src/**/*.ts').map((path) => [
        path,
        importsOf(path).flatMap(({ kind, target }) => (kind === 'file' ? [target] : [])),
      ]),
    )
    assert.ok(graph.size > 0)
    assert.equal(circleOf(graph)?.join(' -> '), undefined)
  })

  for (const { name, graph, circle } of [
    { name: 'a file that imports itself', graph: { a: ['a'] }, circle: 'a -> a' },
    {
      name: 'a ring of three files behind another one',
      graph: { x: ['a'], a: ['b'], b: ['c'], c: ['a'] },
      circle: 'a -> b -> c -> a',
    },
    { name: 'two ways to one file', graph: { a: ['b', 'c'], b: ['d'], c: ['d'], d: [] }, circle: undefined },
  ] as const)
    it(`${name} ${circle === undefined ? 'is none' : 'is a circle'}`, () =>
      assert.equal(circleOf(new Map<string, readonly string[]>(Object.entries(graph)))?.join(' -> '), circle))
})
