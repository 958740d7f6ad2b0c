/** Positive replies lose authority and additional; all others stay whole. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { opcode } from '../../../src/dns/codes.ts'
import type { Message } from '../../../src/dns/message.ts'
import { dataPlaneEffects } from '../../../src/plugin/capabilities/data-plane-effects.ts'
import { capabilityOf } from '../../../src/plugin/capability.ts'
import { minimal } from '../../../src/plugins/minimal/index.ts'
import { ask, handle, messageOf, type Reply, replying, setUp } from '../../support/plugin-harness.ts'

const soa = 'example. 60 IN SOA ns.example. root.example. 1 2 3 4 5'
const ns = 'example. 60 IN NS ns.example.'
const a = 'a.example. 60 IN A 192.0.2.1'

describe('the plugin minimal', () => {
  const cases: readonly (readonly [what: string, reply: Reply, sections: readonly [number, number, number]])[] = [
    ['a reply with records', { answer: [a], authority: [ns], additional: [a] }, [1, 0, 0]],
    ['a reply without records that says nothing more', { additional: [a] }, [0, 0, 0]],
    ['NODATA', { authority: [soa], additional: [a] }, [0, 1, 1]],
    ['NXDOMAIN', { rcode: 'NXDOMAIN', authority: [soa] }, [0, 1, 0]],
    ['a delegation', { authority: [ns], additional: [a] }, [0, 1, 1]],
    ['a failure', { rcode: 'SERVFAIL', additional: [a] }, [0, 0, 1]],
  ]
  for (const [what, reply, sections] of cases)
    it(`${what} keeps ${sections.join(', ')} records`, async () => {
      const message = messageOf(await handle(setUp(minimal, 'minimal'), ask('a.example. A'), replying(reply)))
      assert.deepEqual([message.answer.length, message.authority.length, message.additional.length], sections)
    })

  const passing: readonly (readonly [what: string, question: string, request: Partial<Message>])[] = [
    ['a NOTIFY', 'a.example. SOA', { opcode: opcode.NOTIFY }],
    ['a transfer', 'example. AXFR', {}],
  ]
  for (const [what, question, request] of passing)
    it(`the reply to ${what} stays whole`, async () => {
      const reply = replying({ answer: [a], authority: [ns], additional: [a] })
      const message = messageOf(await handle(setUp(minimal, 'minimal'), ask(question, { request }), reply))
      assert.deepEqual([message.authority.length, message.additional.length], [1, 1])
    })

  it('minimal has the data plane leave the additional section out', () =>
    assert.deepEqual(capabilityOf(setUp(minimal, 'minimal'), dataPlaneEffects), { minimal: true }))
})
