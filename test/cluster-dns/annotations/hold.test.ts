import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { serviceProblems } from '../../../src/cluster-dns/annotations/problems.ts'
import { holdAnnotation } from '../../../src/cluster-dns/features/hold/parse.ts'
import { parseCorefile } from '../../../src/corefile/parser.ts'
import { readSettings } from '../../../src/corefile/read.ts'
import { schema } from '../../../src/plugins/kubernetes/settings.ts'
import { knowledgeOf } from '../../support/context.ts'
import { createFakeCluster } from '../../support/fake-cluster.ts'

describe('slicedns.io/hold: a Go duration above 0 and up to 3 s, in milliseconds', () => {
  const good: Readonly<Record<string, number>> = {
    '2s': 2000,
    '3s': 3000,
    '1500ms': 1500,
    '1.5s': 1500,
    '1s500ms': 1500,
    '.5s': 500,
    '0.05m': 3000,
    ' 2s\n': 2000,
  }
  for (const [text, milliseconds] of Object.entries(good)) {
    test(`${JSON.stringify(text)} is ${milliseconds} ms`, () =>
      assert.deepEqual(holdAnnotation.parse(text), { ok: true, value: milliseconds }))
  }

  const bad: Readonly<Record<string, string>> = {
    '': 'syntax',
    '2': 'syntax',
    s: 'syntax',
    '2 s': 'syntax',
    '-1s': 'syntax',
    '1d': 'syntax',
    '2s2': 'syntax',
    '٢s': 'syntax',
    '0s': 'range',
    '3.001s': 'range',
    '1h': 'range',
    ['1'.repeat(262_144)]: 'syntax',
    ['1s'.repeat(131_072)]: 'syntax',
  }
  for (const [text, reason] of Object.entries(bad)) {
    test(`${JSON.stringify(text.slice(0, 20))} is refused: ${reason}`, () => {
      const read = holdAnnotation.parse(text)
      assert.equal(!read.ok && read.reason, reason)
    })
  }
})

describe('slicedns.io/hold on a service that it does not suit', () => {
  const cases = [
    { name: 'with an address of its own: refused', spec: { clusterIP: '10.96.0.7' }, reasons: ['refused'] },
    { name: 'headless, of ready pods only: a hint', spec: { clusterIP: 'None' }, reasons: ['advice'] },
    { name: 'headless, of all pods', spec: { clusterIP: 'None', publishNotReadyAddresses: true }, reasons: [] },
  ]
  for (const { name, spec, reasons } of cases) {
    test(`the annotation hold: ${name}`, () => {
      const cluster = createFakeCluster({ availability: 'synced' })
      const annotations = { 'slicedns.io/hold': '2s' }
      cluster.apply({ kind: 'Service', metadata: { name: 'web', namespace: 'shop', annotations }, spec })
      const context = knowledgeOf(cluster.view, defaults().dns)
      const problems = serviceProblems(context, 'shop', 'web').map(({ problem }) => problem)
      assert.deepEqual(
        problems.map(({ key, reason }) => [key, reason]),
        reasons.map((reason) => ['slicedns.io/hold', reason]),
      )
    })
  }
})

function defaults() {
  const text = '.:53 {\nkubernetes cluster.local\n}'
  const [block] = parseCorefile(text, 'Corefile', { readFile: () => '', glob: () => [], env: () => '' }).blocks
  return readSettings(schema, block.directives, ['.'])
}
