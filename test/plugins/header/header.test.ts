/** Flags of queries and replies, on the chain and as effects of the data plane. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { opcode } from '../../../src/dns/codes.ts'
import { dataPlaneEffects } from '../../../src/plugin/capabilities/data-plane-effects.ts'
import { capabilityOf } from '../../../src/plugin/capability.ts'
import type { Next, Query, Reply } from '../../../src/plugin/query.ts'
import { header } from '../../../src/plugins/header/index.ts'
import { ask, failing, handle, replying, setUp } from '../../support/plugin-harness.ts'

describe('the plugin header', () => {
  it('header changes the flags of a query for the plugins behind', async () => {
    let passed: Query | undefined
    const next: Next = (query) => {
      passed = query
      return replying()(query)
    }
    await handle(setUp(header, 'header {\nquery clear rd\n}'), ask('a.example. A'), next)
    assert.equal(passed?.request.recursionDesired, false)
  })

  it('header changes the flags of a reply', async () => {
    const instance = setUp(header, 'header {\nresponse set ra AA\nRESPONSE clear rd\n}')
    const { message, recursionDesired } = (await handle(instance, ask('a.example. A'), replying())) as Reply
    assert.deepEqual([message.recursionAvailable, message.authoritative, recursionDesired], [true, true, false])
  })

  it('RD of a query is RD of its reply, but not where the query is a NOTIFY', async () => {
    const instance = setUp(header, 'header {\nquery set rd\n}')
    const told = async (operation: number) => {
      const query = ask('a.example. A', { request: { opcode: operation } })
      return ((await handle(instance, query, replying())) as Reply).recursionDesired
    }
    assert.deepEqual([await told(opcode.QUERY), await told(opcode.NOTIFY)], [true, undefined])
  })

  it('RD of the request is told to plugins in front, whatever rules for replies say', async () => {
    const instance = setUp(header, 'header {\nquery set rd\nresponse clear rd\n}')
    const outcome = (await handle(instance, ask('a.example. A'), replying())) as Reply
    assert.deepEqual([outcome.recursionDesired, outcome.requestRecursionDesired], [false, true])
  })

  it('RD of a query is RD of the failure that the server writes, and rules for replies do not see it', async () => {
    const told = async (text: string, operation: number) => {
      const query = ask('a.example. A', { request: { opcode: operation } })
      return (await handle(setUp(header, text), query, failing(2))).recursionDesired
    }
    assert.equal(await told('header {\nquery clear rd\n}', opcode.QUERY), false)
    assert.equal(await told('header {\nquery set rd\n}', opcode.NOTIFY), undefined)
    assert.equal(await told('header {\nresponse clear rd\n}', opcode.QUERY), undefined)
  })

  it('header has the data plane set the same flags in answers from the table', () => {
    const instance = setUp(header, 'header {\nresponse set ra\nquery clear rd\n}')
    assert.deepEqual(capabilityOf(instance, dataPlaneEffects)?.header, {
      recursionAvailable: true,
      recursionDesired: false,
    })
  })

  const wrong: readonly (readonly [string, RegExp])[] = [
    ['header', /must have a block with rules/],
    ['header {\nanswer set aa\n}', /Corefile:3:1 - 'answer' is not one of 'query', 'response'/],
    ['header {\nresponse toggle aa\n}', /Corefile:3:10 - 'toggle' is not one of 'set', 'clear'/],
    ['header {\nresponse set zz\n}', /Corefile:3:14 - 'zz' is not one of 'aa', 'ra', 'rd'/],
    ['header {\nresponse set\n}', /response must have set or clear, and flags/],
  ]
  for (const [text, message] of wrong)
    it(`the directive ${JSON.stringify(text)} is refused`, () => assert.throws(() => setUp(header, text), message))
})
