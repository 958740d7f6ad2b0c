import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { root } from '../../../src/plugins/root/index.ts'
import { createPluginHarness, setUp } from '../../support/plugin-harness.ts'

describe('root', () => {
  it('root warns of a folder that is not there', () => {
    const harness = createPluginHarness()
    setUp(root, 'root /', harness)
    assert.deepEqual(harness.lines, [])
    setUp(root, 'root /no/such/folder', harness)
    assert.deepEqual(harness.lines, [
      '[WARNING] plugin/root: Root path does not exist or is not a folder: /no/such/folder',
    ])
  })
})
