import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { debug } from '../../../src/plugins/debug/index.ts'
import { createPluginHarness, setUp } from '../../support/plugin-harness.ts'

describe('debug', () => {
  it('debug turns DEBUG lines on for as long as a configuration names it', async () => {
    const harness = createPluginHarness()
    const [old, next] = [setUp(debug, 'debug', harness), setUp(debug, 'debug', harness)]
    await old.start?.()
    await next.start?.()
    await old.stop?.()
    await harness.settled()
    assert.deepEqual(harness.lines, ['debug on'])
    await next.stop?.()
    await harness.settled()
    assert.deepEqual(harness.lines, ['debug on', 'debug off'])
  })
})
