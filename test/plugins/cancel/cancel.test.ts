import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { cancel } from '../../../src/plugins/cancel/index.ts'
import { ask, createPluginHarness, failing, handle, replying, setUp } from '../../support/plugin-harness.ts'

describe('cancel', () => {
  it('cancel gives SERVFAIL to a query that takes too long', async () => {
    const harness = createPluginHarness()
    const outcome = handle(setUp(cancel, 'cancel 2s', harness), ask('a. A'), () => new Promise(() => undefined))
    harness.clock.advance(2_000)
    const settled = await outcome
    assert.deepEqual(settled.kind === 'rcode' && [settled.rcode, settled.error?.message], [
      2,
      'no answer within 2000 ms',
    ])
  })

  it('cancel leaves answers that come in time alone, and those that came at once', async () => {
    const harness = createPluginHarness()
    const instance = setUp(cancel, 'cancel', harness)
    const atOnce = handle(instance, ask('a. A'), failing(5))
    assert.ok(!(atOnce instanceof Promise))
    const soon = await handle(instance, ask('a. A'), async (query) => replying()(query))
    assert.equal(soon.kind, 'reply')
  })

  it('cancel waits 5.001 s by default', async () => {
    const harness = createPluginHarness()
    let done = false
    const outcome = handle(setUp(cancel, 'cancel', harness), ask('a. A'), () => new Promise(() => undefined))
    void Promise.resolve(outcome).then(() => {
      done = true
    })
    harness.clock.advance(5_000)
    await new Promise(setImmediate)
    assert.equal(done, false)
    harness.clock.advance(1)
    await new Promise(setImmediate)
    assert.equal(done, true)
  })
})
