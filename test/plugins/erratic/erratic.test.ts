/** Bad answers by the number of the query. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Outcome } from '../../../src/plugin/query.ts'
import { erratic } from '../../../src/plugins/erratic/index.ts'
import { ask, createPluginHarness, failing, handle, setUp } from '../../support/plugin-harness.ts'

function seen(outcome: Outcome): string {
  if (outcome.kind !== 'reply') return outcome.kind === 'rcode' ? `rcode ${outcome.rcode}` : 'drop'
  return outcome.message.truncated ? 'truncated' : 'answer'
}

async function six(directive: string): Promise<readonly string[]> {
  const instance = setUp(erratic, directive)
  const outcomes: string[] = []
  for (let i = 0; i < 6; i++) outcomes.push(seen(await handle(instance, ask('a.example. A'), failing(5))))
  return outcomes
}

describe('the plugin erratic', () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['erratic', ['drop', 'answer', 'drop', 'answer', 'drop', 'answer']],
    ['erratic {\ndrop 3\n}', ['drop', 'answer', 'answer', 'drop', 'answer', 'answer']],
    ['erratic {\ndrop 0\n}', ['answer', 'answer', 'answer', 'answer', 'answer', 'answer']],
    ['erratic {\ntruncate 2\n}', ['truncated', 'truncated', 'answer', 'answer', 'truncated', 'truncated']],
  ]
  for (const [directive, expected] of cases)
    it(`six queries with ${JSON.stringify(directive)} get ${expected.join(', ')}`, async () =>
      assert.deepEqual(await six(directive), expected))

  it('erratic is ready after three queries, and no more after five', async () => {
    const instance = setUp(erratic, 'erratic')
    const found = [instance.ready?.()]
    for (let i = 0; i < 6; i++) {
      await handle(instance, ask('a.example. A'), failing(5))
      found.push(instance.ready?.())
    }
    assert.deepEqual(found, [false, false, false, true, true, false, false])
  })

  it('erratic delays replies by the clock', async () => {
    const harness = createPluginHarness()
    const instance = setUp(erratic, 'erratic {\ndelay 1 2s\n}', harness)
    let done = false
    const outcome = Promise.resolve(handle(instance, ask('a.example. A'), failing(5))).then((value) => {
      done = true
      return value
    })
    harness.clock.advance(1_999)
    await Promise.resolve()
    assert.equal(done, false)
    harness.clock.advance(1)
    assert.equal(seen(await outcome), 'answer')
  })

  it('erratic fails for types without an address', async () => {
    const outcome = await handle(setUp(erratic, 'erratic {\ndrop 0\n}'), ask('a.example. TXT'), failing(5))
    assert.equal(seen(outcome), 'rcode 2')
  })
})
