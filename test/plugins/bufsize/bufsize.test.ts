import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { dataPlaneEffects } from '../../../src/plugin/capabilities/data-plane-effects.ts'
import { capabilityOf } from '../../../src/plugin/capability.ts'
import type { Query } from '../../../src/plugin/query.ts'
import { bufsize } from '../../../src/plugins/bufsize/index.ts'
import { ask, handle, replying, setUp } from '../../support/plugin-harness.ts'

describe('bufsize', () => {
  const cases: readonly (readonly [string, number | undefined, number | undefined])[] = [
    ['bufsize', 4_096, 1_232],
    ['bufsize 512', 1_232, 512],
    ['bufsize 1400', 1_232, 1_232],
    ['bufsize 512\nbufsize 4096', 4_096, 512],
    ['bufsize', undefined, undefined],
  ]
  for (const [text, offered, passedOn] of cases)
    it(`bufsize passes on ${passedOn ?? 'no EDNS'} of ${offered ?? 'none'} with '${text.replace('\n', ' | ')}'`, () => {
      let seen: Query | undefined
      handle(setUp(bufsize, text), ask('a. A', offered ? { edns: { payloadSize: offered } } : {}), (query) => {
        seen = query
        return replying()(query)
      })
      assert.equal(seen?.request.edns?.payloadSize, passedOn)
    })

  it('bufsize holds for answers from the table, too', () => {
    assert.deepEqual(capabilityOf(setUp(bufsize, 'bufsize 700'), dataPlaneEffects), { maxPayload: 700 })
  })
})
