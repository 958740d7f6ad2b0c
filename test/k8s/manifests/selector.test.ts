import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseSelector } from '../../../src/k8s/manifests/selector.ts'

describe('label selectors', () => {
  const cases: [string, Record<string, string>, boolean][] = [
    ['', {}, true],
    ['app=web', { app: 'web' }, true],
    ['app==web,tier!=db', { app: 'web' }, true],
    ['app=web,tier!=db', { app: 'web', tier: 'db' }, false],
    ['app in (web, api)', { app: 'api' }, true],
    ['app notin (web,api)', {}, true],
    ['app notin (web,api), tier', { tier: 'x' }, true],
    ['!app', { app: '' }, false],
    ['constructor', {}, false],
    ['toString notin (x)', { app: 'x' }, true],
    ['example.com/app', { 'example.com/app': '' }, true],
  ]
  for (const [text, labels, wanted] of cases) {
    test(`'${text}' ${wanted ? 'selects' : 'does not select'} ${JSON.stringify(labels)}`, () => {
      assert.equal(parseSelector(text)(labels), wanted)
    })
  }

  test('an invalid requirement of a selector is named', () => {
    assert.throws(() => parseSelector('app=web,b c'), /label selector: "b c" is not a requirement/)
  })
})
