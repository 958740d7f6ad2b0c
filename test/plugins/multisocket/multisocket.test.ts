import assert from 'node:assert/strict'
import { availableParallelism } from 'node:os'
import { describe, it } from 'node:test'
import { udpShards } from '../../../src/plugin/capabilities/listening.ts'
import { capabilityOf } from '../../../src/plugin/capability.ts'
import { multisocket } from '../../../src/plugins/multisocket/index.ts'
import { setUp } from '../../support/plugin-harness.ts'

describe('multisocket', () => {
  it('multisocket asks for as many UDP threads as it says, or as there are CPUs', () => {
    assert.equal(capabilityOf(setUp(multisocket, 'multisocket 3'), udpShards), 3)
    assert.equal(capabilityOf(setUp(multisocket, 'multisocket'), udpShards), availableParallelism())
  })
})
