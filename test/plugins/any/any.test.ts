/** RFC 8482: a query of type ANY gets one HINFO record, and nobody else is asked. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { recordText } from '../../../src/dns/rdata.ts'
import { any } from '../../../src/plugins/any/index.ts'
import { ask, handle, messageOf, replying, setUp } from '../../support/plugin-harness.ts'

const next = replying({ answer: ['a.example. 60 IN A 192.0.2.1'] })

describe('the plugin any', () => {
  it('any answers a query of type ANY with one HINFO record of its own', async () => {
    const { answer, authoritative } = messageOf(await handle(setUp(any, 'any'), ask('a.example. ANY'), next))
    assert.deepEqual(answer.map(recordText), ['a.example. 8482 IN HINFO "ANY obsoleted" "See RFC 8482"'])
    assert.equal(authoritative, false)
  })

  it('any passes queries of other types on', async () => {
    const { answer } = messageOf(await handle(setUp(any, 'any'), ask('a.example. A'), next))
    assert.deepEqual(answer.map(recordText), ['a.example. 60 IN A 192.0.2.1'])
  })

  it('any takes neither arguments nor a block', () => {
    assert.throws(() => setUp(any, 'any x'), /Corefile:2:5/)
    assert.throws(() => setUp(any, 'any {\n}'), /takes no block/)
  })
})
