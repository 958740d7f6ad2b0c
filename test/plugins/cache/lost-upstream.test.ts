/** What a cache keeps of a chain that has written nothing: CoreDNS 1.15 keeps its SERVFAIL (docs/coredns-behaviour.md §12.3). */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { rcode } from '../../../src/dns/codes.ts'
import { parseRecord } from '../../../src/dns/record-text.ts'
import { replyTo } from '../../../src/dns/reply.ts'
import type { Next, Outcome, Query, RcodeOnly } from '../../../src/plugin/query.ts'
import { cache } from '../../../src/plugins/cache/index.ts'
import {
  type Asked,
  ask,
  createPluginHarness,
  handle,
  messageOf,
  replying,
  setUp,
} from '../../support/plugin-harness.ts'
import { cluster, createCacheHarness, seconds, www } from './support.ts'

const question = 'www.example.org. A'
const lost: RcodeOnly = { kind: 'rcode', rcode: rcode.SERVFAIL, plugin: 'forward', error: new Error('i/o timeout') }

const answered: Outcome = {
  kind: 'reply',
  plugin: 'forward',
  message: replyTo(ask(question).request, { answer: [{ ...parseRecord(www), ttl: 1 }] }),
}

/** A cache in front of a plugin that ends with this outcome, and the queries that reached the plugin. */
function inFrontOf(outcome: Outcome, directive = 'cache') {
  const plugin = createPluginHarness()
  const instance = setUp(cache, directive, plugin, { others: cluster })
  instance.start?.()
  const asked: Query[] = []
  const made = {
    plugin,
    asked,
    outcome,
    next: ((query): Outcome => {
      asked.push(query)
      return made.outcome
    }) as Next,
    ask: async (text: string, settings?: Asked, change: Partial<Query> = {}): Promise<Outcome> =>
      handle(instance, { ...ask(text, settings), ...change }, made.next),
  }
  return made
}

describe('a cache whose upstream is lost', () => {
  it('the first client gets the outcome itself, the next ones a cached SERVFAIL without RA and AA', async () => {
    const { ask, asked } = inFrontOf(lost)
    assert.equal(await ask(question), lost)
    const {
      rcode: code,
      recursionAvailable,
      authoritative,
      questions,
      id,
    } = messageOf(await ask('WWW.example.org. A', { request: { id: 99 } }))
    assert.deepEqual(
      [code, recursionAvailable, authoritative, questions[0].name, id],
      [rcode.SERVFAIL, false, false, 'WWW.example.org.', 99],
    )
    assert.equal(asked.length, 1)
  })

  it('the SERVFAIL of a lost upstream holds for a second, or as long as `servfail` says', async () => {
    for (const [directive, holds] of [
      ['cache', 1],
      ['cache {\nservfail 5s\n}', 5],
      ['cache {\nservfail 2s\n}', 2],
      ['cache {\nservfail 0\n}', 0],
      ['cache {\ndisable denial\n}', 0],
    ] as const) {
      const made = inFrontOf(lost, directive)
      await made.ask(question)
      made.next = replying({ answer: [www] })
      if (holds > 0) {
        made.plugin.clock.advance(holds * seconds - 1)
        assert.equal(messageOf(await made.ask(question)).rcode, rcode.SERVFAIL, directive)
        made.plugin.clock.advance(2)
      }
      assert.equal(messageOf(await made.ask(question)).rcode, rcode.NOERROR, directive)
    }
  })

  it('a question that goes on failing is asked after 1, 2, 4 and then every 5 seconds, and after an answer as at first', async () => {
    const made = inFrontOf(lost)
    const askedAt: number[] = []
    for (let second = 0; second <= 25; second++) {
      const before = made.asked.length
      // The name recovers once, for as long as its answer lasts.
      made.outcome = second === 17 ? answered : lost
      await made.ask(question)
      if (made.asked.length > before) askedAt.push(second)
      made.plugin.clock.advance(1 * seconds)
    }
    assert.deepEqual(askedAt, [0, 1, 3, 7, 12, 17, 22, 23, 25])
  })

  it('the SERVFAIL of a lost upstream is kept by name, type, DO and CD', async () => {
    const { ask, asked } = inFrontOf(lost)
    await ask(question)
    for (const other of ['www.example.org. AAAA', 'other.example.org. A']) await ask(other)
    await ask(question, { edns: { dnssecOk: true } })
    await ask(question, { request: { checkingDisabled: true } })
    assert.equal(asked.length, 5)
  })

  it('a stale answer wins over a lost upstream, whose failure is not kept then', async () => {
    const made = inFrontOf(lost, 'cache 30 {\nserve_stale 1h verify\n}')
    const { next } = made
    made.next = replying({ answer: [www] })
    await made.ask(question)
    made.plugin.clock.advance(40 * seconds)
    made.next = next
    for (let i = 0; i < 3; i++) assert.equal(messageOf(await made.ask(question)).rcode, rcode.NOERROR)
    assert.equal(made.asked.length, 3)
  })

  it('a stale answer wins over a SERVFAIL that the upstream wrote', async () => {
    const made = createCacheHarness('cache 30 {\nserve_stale 1h verify\n}')
    await made.ask(question)
    made.plugin.clock.advance(40 * seconds)
    made.said = { rcode: 'SERVFAIL' }
    for (let i = 0; i < 3; i++) assert.equal(messageOf(await made.ask(question)).rcode, rcode.NOERROR)
  })

  const passing: readonly (readonly [string, RcodeOnly])[] = [
    ['a failure without an error', { kind: 'rcode', rcode: rcode.SERVFAIL, plugin: 'template' }],
    ['the failure of a cluster name', { ...lost, plugin: 'kubernetes' }],
    ['REFUSED', { ...lost, rcode: rcode.REFUSED }],
    ['a failure that is about one question alone', { ...lost, ofQuestion: true }],
  ]
  for (const [what, outcome] of passing) {
    it(`${what} is not kept`, async () => {
      const { ask, asked } = inFrontOf(outcome)
      await ask(question)
      await ask(question)
      assert.equal(asked.length, 2)
    })
  }

  it('a NOTIFY passes by a SERVFAIL that is kept for its name and type', async () => {
    const { ask, asked } = inFrontOf(lost)
    await ask('example.org. SOA')
    for (const code of [4, 5]) await ask('example.org. SOA', { request: { opcode: code } })
    assert.equal(asked.length, 3)
  })

  it('the failure of a query whose client has gone is not kept', async () => {
    const { ask: of, asked } = inFrontOf(lost)
    const budget = ask(question).budget
    const gone = { ...budget, ended: 'gone' as const, detach: () => ({ ...budget.detach(), ended: 'gone' as const }) }
    await of(question, {}, { budget: gone as Query['budget'] })
    await of(question)
    assert.equal(asked.length, 2)
  })
})
