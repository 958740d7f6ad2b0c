import assert from 'node:assert/strict'
import { availableParallelism } from 'node:os'
import { describe, it } from 'node:test'
import { multisocket } from '../../../src/plugins/multisocket/index.ts'
import { setUp } from '../../support/plugin-harness.ts'

describe('multisocket', () => {
  it('asks for as many UDP threads as it says, or as there are CPUs', () => {
    assert.equal(setUp(multisocket, 'multisocket 3').shards, 3)
    assert.equal(setUp(multisocket, 'multisocket').shards, availableParallelism())
  })
})
