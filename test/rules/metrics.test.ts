/** docs/metrics.md lists every metric that the sources register, with its type and labels, and no others. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { contentOf, filesIn } from './sources.ts'

interface Metric {
  readonly name: string
  readonly type: string
}

/** `metrics.counter('name'`, also across lines. Names are written out in full so that they can be found. */
function registeredIn(text: string): Metric[] {
  return [...text.matchAll(/\b(counter|gauge|histogram)\(\s*'([a-z][a-z0-9_]*)'/g)].map(([, type, name]) => ({
    name,
    type,
  }))
}

/** Rows of tables: | `name` | type | … */
function documentedIn(text: string): Metric[] {
  return [...text.matchAll(/^\| `([a-z][a-z0-9_]*)` +\| +(counter|gauge|histogram) +\|/gm)].map(([, name, type]) => ({
    name,
    type,
  }))
}

const byName = (metrics: readonly Metric[]) => [...new Set(metrics.map(({ name, type }) => `${type} ${name}`))].sort()

describe('docs/metrics.md', () => {
  it('docs/metrics.md lists every metric that there is, and nothing else', () => {
    const registered = filesIn('src/**/*.ts').flatMap((path) => registeredIn(contentOf(path)))
    assert.ok(registered.length > 20, 'the search for metrics finds them')
    assert.deepEqual(byName(documentedIn(contentOf('docs/metrics.md'))), byName(registered))
  })

  it('docs/metrics.md gives no metric twice', () => {
    const names = documentedIn(contentOf('docs/metrics.md')).map(({ name }) => name)
    assert.deepEqual(names, [...new Set(names)])
  })

  it('docs/metrics.md is compared with names however they are written', () => {
    assert.deepEqual(registeredIn("registry\n  .gauge(\n    'a_b', 'Help.', [])\nx.counter('c', '', [])"), [
      { name: 'a_b', type: 'gauge' },
      { name: 'c', type: 'counter' },
    ])
  })
})
