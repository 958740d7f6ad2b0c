/** Whose queries carry metadata. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { metadataScope } from '../../../src/plugin/capabilities/metadata.ts'
import { capabilityOf } from '../../../src/plugin/capability.ts'
import { metadata } from '../../../src/plugins/metadata/index.ts'
import { setUp } from '../../support/plugin-harness.ts'

describe('the plugin metadata', () => {
  it('metadata covers the zones of its block, or those that it names', () => {
    const all = capabilityOf(setUp(metadata, 'metadata'), metadataScope)!
    const one = capabilityOf(setUp(metadata, 'metadata a.example'), metadataScope)!
    assert.deepEqual([all.covers('x.b.'), one.covers('x.a.example.'), one.covers('x.b.')], [true, true, false])
  })

  it('metadata has no options, and stands once', () => {
    assert.throws(() => setUp(metadata, 'metadata {\nx\n}'), /has no options/)
    assert.throws(() => setUp(metadata, 'metadata\nmetadata'), /only be used once/)
  })
})
