/** docs/limits.md: tables of `bound | value | reason | metric`; each metric that it names is one of docs/metrics.md. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { contentOf } from './sources.ts'

interface Row {
  readonly heading: string
  readonly cells: readonly string[]
}

const columns = ['bound', 'value', 'reason', 'metric']

/** Every row of every table, with the heading it stands under. */
function rowsIn(text: string): Row[] {
  let heading = ''
  const rows: Row[] = []
  for (const line of text.split('\n')) {
    if (line.startsWith('#')) heading = line.replace(/^#+ /, '')
    const cells = line.startsWith('|') ? line.slice(1, -1).split(' | ') : []
    if (cells.length > 0 && !/^[-: |]+$/.test(line)) rows.push({ heading, cells: cells.map((cell) => cell.trim()) })
  }
  return rows
}

const isHeader = (row: Row): boolean => row.cells.join() === columns.join()

/** What is wrong with the page, given the metrics that there are. */
function faultsIn(text: string, metrics: ReadonlySet<string>): string[] {
  const seen = new Set<string>()
  return rowsIn(text)
    .filter((row) => !isHeader(row))
    .flatMap(({ heading, cells }) => {
      const [bound, value, reason, metric] = cells
      if (cells.length !== columns.length) return [`${heading}: '${bound}' has ${cells.length} cells, not 4`]
      if (!value || !reason) return [`${heading}: '${bound}' needs a value and a reason`]
      const key = `${heading}: ${bound}`
      if (seen.has(key)) return [`${key} is there twice`]
      seen.add(key)
      if (metric === '–') return []
      const names = [...metric.matchAll(/`([a-z0-9_]+)/g)].map(([, name]) => name)
      if (names.length === 0) return [`${key} names neither a metric nor –`]
      return names.filter((name) => !metrics.has(name)).map((name) => `${key}: docs/metrics.md does not list ${name}`)
    })
}

const documented = new Set([...contentOf('docs/metrics.md').matchAll(/^\| `([a-z0-9_]+)`/gm)].map(([, name]) => name))

describe('docs/limits.md', () => {
  const text = contentOf('docs/limits.md')

  it('docs/limits.md has the columns bound, value, reason and metric in every table', () => {
    const tables = rowsIn(text).filter(isHeader).length
    assert.ok(tables >= 5)
    assert.equal(tables, [...text.matchAll(/^\|[-: |]+\|$/gm)].length)
  })

  it('docs/limits.md gives each bound a value, a reason, and a metric that docs/metrics.md lists', () => {
    assert.deepEqual(faultsIn(text, documented), [])
  })

  const header = `## A\n\n| ${columns.join(' | ')} |\n| --- | --- | --- | --- |\n`
  const examples: readonly (readonly [string, string[]])[] = [
    ['| x | 1 | because | `a_total` |', []],
    ['| x | 1 | because | – |', []],
    ['| x | 1 | because | `b_total` |', ['A: x: docs/metrics.md does not list b_total']],
    ['| x | 1 | because |', ["A: 'x' has 3 cells, not 4"]],
    ['| x | 1 |  | – |', ["A: 'x' needs a value and a reason"]],
    ['| x | 1 | because | none |', ['A: x names neither a metric nor –']],
    ['| x | 1 | because | – |\n| x | 2 | because | – |', ['A: x is there twice']],
  ]
  for (const [row, faults] of examples)
    it(`${faults.length > 0 ? 'refuses' : 'allows'} ${row}`, () =>
      assert.deepEqual(faultsIn(header + row, new Set(['a_total'])), faults))
})
