import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { root } from '../../../src/plugins/root/index.ts'
import { createProcessRig, setUp } from '../../support/plugin-rig.ts'

describe('root', () => {
  it('warns of a folder that is not there', () => {
    const rig = createProcessRig()
    setUp(root, 'root /', rig)
    assert.deepEqual(rig.lines, [])
    setUp(root, 'root /no/such/folder', rig)
    assert.deepEqual(rig.lines, ['[WARNING] plugin/root: Root path does not exist or is not a folder: /no/such/folder'])
  })
})
