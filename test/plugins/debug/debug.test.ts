import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { debug } from '../../../src/plugins/debug/index.ts'
import { createProcessRig, setUp } from '../../support/plugin-rig.ts'

describe('debug', () => {
  it('turns DEBUG lines on for as long as a configuration names it', async () => {
    const rig = createProcessRig()
    const [old, next] = [setUp(debug, 'debug', rig), setUp(debug, 'debug', rig)]
    await old.start?.()
    await next.start?.()
    await old.stop?.()
    await rig.settled()
    assert.deepEqual(rig.lines, ['debug on'])
    await next.stop?.()
    await rig.settled()
    assert.deepEqual(rig.lines, ['debug on', 'debug off'])
  })
})
