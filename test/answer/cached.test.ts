import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { transportCode } from '../../src/answer/api.ts'
import { isRelayable, missReason } from '../../src/answer/misses.ts'
import { rcode } from '../../src/dns/codes.ts'
import type { Message, ResourceRecord } from '../../src/dns/message.ts'
import { rdata, recordText } from '../../src/dns/rdata.ts'
import { encodeMessage } from '../../src/dns/wire.ts'
import type { CachedEntry } from '../../src/table/api.ts'
import { createResponderHarness, ednsOf, questionMessage, replyOf } from './harness.ts'

const name = 'www.example.com.'
const seconds = 1000

const record = (owner: string, type: number, ttl: number, data: Uint8Array): ResourceRecord => ({
  name: owner,
  type,
  class: 1,
  ttl,
  rdata: data,
})
const a = (last: number, ttl = 30, owner = name): ResourceRecord => record(owner, 1, ttl, rdata.a(`192.0.2.${last}`))

function entry(reply: Partial<Message>, change: Partial<CachedEntry> = {}): CachedEntry {
  const type = change.type ?? 1
  const message: Message = {
    ...questionMessage(change.name ?? name, type),
    response: true,
    recursionAvailable: true,
    ...reply,
  }
  return {
    name,
    type,
    dnssecOk: false,
    checkingDisabled: false,
    authenticData: false,
    storedAt: 0,
    expiresAt: 30 * seconds,
    reply: encodeMessage(message, { limit: 65_535 }),
    ...change,
  }
}

function createCachedReplyHarness(
  change: { shuffle?: boolean } = {},
  limits: { maxCachedEntries?: number; maxCachedBytes?: number } = {},
) {
  const made = createResponderHarness({ plugin: 'cache', ...change }, {}, limits)
  return {
    ...made,
    keep: (reply: Partial<Message>, of: Partial<CachedEntry> = {}) =>
      made.table.putCached(made.space, made.profileId, entry(reply, of)),
  }
}

describe('a cached reply', () => {
  it('a cached reply is repeated with the header, question and case of the client, AA, RA and rcode as stored', () => {
    const { ask, keep } = createCachedReplyHarness()
    keep({ answer: [a(1)] })
    const reply = replyOf(ask('WWW.Example.com.', 1, { recursionDesired: false }))
    assert.deepEqual(reply.questions, [{ name: 'WWW.Example.com.', type: 1, class: 1 }])
    assert.deepEqual(reply.answer.map(recordText), ['WWW.Example.com. 30 IN A 192.0.2.1'])
    assert.equal(reply.id, 0xbeef)
    assert.equal(reply.authoritative, false)
    assert.equal(reply.recursionAvailable, true)
    assert.equal(reply.recursionDesired, false)
    keep({ answer: [a(1)], authoritative: true })
    assert.equal(replyOf(ask(name, 1)).authoritative, true)
  })

  it('a cached reply ages: each TTL is what was stored less the whole seconds since, and never below 0', () => {
    const { ask, keep } = createCachedReplyHarness()
    const soa = record(
      'example.com.',
      6,
      3,
      rdata.soa({
        mname: 'ns.example.com.',
        rname: 'h.example.com.',
        serial: 1,
        refresh: 2,
        retry: 3,
        expire: 4,
        minimum: 5,
      }),
    )
    keep({ answer: [a(1, 30)], authority: [soa], additional: [a(9, 3_000_000_000)] })
    const ttls = (now: number) => {
      const { answer, authority, additional } = replyOf(ask(name, 1, { now }))
      return [...answer, ...authority, ...additional].map(({ ttl }) => ttl)
    }
    assert.deepEqual(ttls(0), [30, 3, 0])
    assert.deepEqual(ttls(999), [30, 3, 0])
    assert.deepEqual(ttls(1000), [29, 2, 0])
    assert.deepEqual(ttls(29_999), [1, 0, 0])
  })

  it('a cached reply keeps its TTLs under keepttl', () => {
    const { ask, keep } = createCachedReplyHarness()
    keep({ answer: [a(1)] }, { keepTtl: true })
    assert.equal(replyOf(ask(name, 1, { now: 25 * seconds })).answer[0].ttl, 30)
  })

  it('a cached reply is a miss from the moment it expires', () => {
    const { ask, keep } = createCachedReplyHarness()
    keep({ answer: [a(1)] })
    assert.equal(replyOf(ask(name, 1, { now: 30 * seconds - 1 })).answer.length, 1)
    assert.equal(ask(name, 1, { now: 30 * seconds }), 'miss: the cached reply has expired')
  })

  it('a cached reply that is a failure is left to the plugins, and is no question for the relay', () => {
    const { ask, keep } = createCachedReplyHarness()
    for (const code of [rcode.SERVFAIL, rcode.NOTIMP]) {
      keep({ rcode: code })
      assert.equal(ask(name, 1), 'miss: the cached reply is a failure, which the plugins log')
    }
    assert.ok(!isRelayable(missReason.failure))
  })

  it('a cached reply belongs to one name, type, DO and CD, whoever asks over whatever', () => {
    const { ask, keep } = createCachedReplyHarness()
    keep({ answer: [a(1)] })
    keep({ answer: [a(2)] }, { dnssecOk: true })
    keep({ answer: [a(3)] }, { checkingDisabled: true })
    const last = (how = {}) => replyOf(ask(name, 1, how)).answer[0].rdata[3]
    assert.equal(last(), 1)
    assert.equal(last({ by: transportCode.stream, edns: ednsOf() }), 1)
    assert.equal(last({ edns: ednsOf({ dnssecOk: true }) }), 2)
    assert.equal(last({ checkingDisabled: true }), 3)
    assert.match(String(ask(name, 28)), /^miss/)
    assert.match(String(ask(name, 1, { checkingDisabled: true, edns: ednsOf({ dnssecOk: true }) })), /^miss/)
  })

  it('a cached reply has AD for clients that asked with DO or AD (RFC 6840 §5.7)', () => {
    const { ask, keep } = createCachedReplyHarness()
    keep({ answer: [a(1)] }, { authenticData: true })
    keep({ answer: [a(1)] }, { authenticData: true, dnssecOk: true })
    assert.equal(replyOf(ask(name, 1)).authenticData, false)
    assert.equal(replyOf(ask(name, 1, { authenticData: true })).authenticData, true)
    assert.equal(replyOf(ask(name, 1, { edns: ednsOf({ dnssecOk: true }) })).authenticData, true)
  })

  it('a cached reply is cut at whole records in the order answer, authority, additional', () => {
    const { ask, keep } = createCachedReplyHarness()
    keep({
      answer: Array.from({ length: 25 }, (_, i) => a(i)),
      additional: Array.from({ length: 10 }, (_, i) => a(i, 30, 'ns.example.com.')),
    })
    const reply = replyOf(ask(name, 1))
    assert.deepEqual([reply.answer.length, reply.truncated], [25, true])
    assert.ok(reply.additional.length > 0 && reply.additional.length < 10)
    assert.equal(replyOf(ask(name, 1, { edns: ednsOf() })).truncated, false)
  })

  it('a cached reply has its addresses in random order, after the CNAME that leads to them', () => {
    const { ask, keep } = createCachedReplyHarness({ shuffle: true })
    const alias = record(name, 5, 30, rdata.name('lb.example.com.'))
    keep({ answer: [alias, ...[1, 2, 3, 4, 5, 6].map((i) => a(i, 30, 'lb.example.com.'))] })
    const orders = new Set<string>()
    for (let i = 0; i < 60; i++) {
      const { answer } = replyOf(ask(name, 1))
      assert.equal(answer[0].type, 5)
      assert.ok(answer.slice(1).every((r) => r.name === 'lb.example.com.'))
      const lasts = answer.slice(1).map(({ rdata }) => rdata[3])
      assert.deepEqual([...lasts].sort(), [1, 2, 3, 4, 5, 6])
      orders.add(lasts.join())
    }
    assert.ok(orders.size > 20, `${orders.size} orders`)
  })

  it('a cached reply gives way to a compiled node, whichever came first', () => {
    const { ask, keep, table, space, profileId } = createCachedReplyHarness()
    const node = { zone: 'cluster.local.', below: 'closed', otherTypes: 'nodata', answers: new Map() } as const
    const inZone = 'late.cluster.local.'
    keep({ answer: [a(1, 30, inZone)] }, { name: inZone })
    assert.equal(replyOf(ask(inZone, 1)).answer.length, 1)
    table.put(space, profileId, 'cluster.local.', node)
    assert.equal(replyOf(ask(inZone, 1)).rcode, 3, 'a closed node above it denies it')
    table.put(space, profileId, inZone, node)
    assert.equal(replyOf(ask(inZone, 1)).answer.length, 0)
    keep({ answer: [a(1, 30, inZone)] }, { name: inZone })
    assert.equal(replyOf(ask(inZone, 1)).answer.length, 0)
    table.put(space, profileId, inZone, { ...node, otherTypes: 'chain' })
    assert.equal(replyOf(ask(inZone, 1)).answer.length, 1, 'what is for the chain may have been cached')
  })

  it('a cached reply is replaced, and removed, by its key', () => {
    const { ask, keep, table, space } = createCachedReplyHarness()
    keep({ answer: [a(1)] })
    keep({ answer: [a(2)] })
    assert.equal(replyOf(ask(name, 1)).answer[0].rdata[3], 2)
    assert.equal(table.stats().cachedEntries, 1)
    table.removeCached(space, name, 1, false, false)
    assert.match(String(ask(name, 1)), /^miss/)
    assert.equal(table.stats().cachedBytes, 0)
  })

  it('a cached reply is not kept when it cannot be repeated, and what it replaces is gone', () => {
    const fine = entry({ answer: [a(1)] }).reply
    const bad: [string, Uint8Array][] = [
      ['cut', entry({ answer: [a(1)], truncated: true }).reply],
      ['with an OPT', entry({ answer: [a(1)], edns: ednsOf() }).reply],
      ['for another name', entry({ answer: [a(1)] }, { name: 'wwx.example.com.' }).reply],
      ['for another type', entry({ answer: [a(1)] }, { type: 28 }).reply],
      ['broken off', fine.subarray(0, fine.length - 3)],
      ['empty', new Uint8Array(0)],
    ]
    for (const [what, reply] of bad) {
      const { ask, keep } = createCachedReplyHarness()
      keep({ answer: [a(1)] })
      keep({}, { reply })
      assert.match(String(ask(name, 1)), /^miss/, what)
    }
  })

  it('cached replies are bounded: the oldest is evicted first, by number and by octets', () => {
    const few = createCachedReplyHarness({}, { maxCachedEntries: 3 })
    const names = [1, 2, 3, 4, 5].map((i) => `n${i}.example.com.`)
    for (const n of names) few.keep({ answer: [a(1, 30, n)] }, { name: n })
    assert.deepEqual(
      names.map((n) => typeof few.ask(n, 1)),
      ['string', 'string', 'object', 'object', 'object'],
    )
    const small = createCachedReplyHarness({}, { maxCachedBytes: 4096 })
    for (let i = 0; i < 500; i++)
      small.keep({ answer: [a(1, 30, `m${i}.example.com.`)] }, { name: `m${i}.example.com.` })
    assert.ok(small.table.stats().cachedBytes <= 4096)
    assert.equal(typeof small.ask('m499.example.com.', 1), 'object')
  })

  it('a cached reply denies: NXDOMAIN with its SOA', () => {
    const { ask, keep } = createCachedReplyHarness()
    const soa = record(
      'example.com.',
      6,
      60,
      rdata.soa({
        mname: 'ns.example.com.',
        rname: 'h.example.com.',
        serial: 1,
        refresh: 2,
        retry: 3,
        expire: 4,
        minimum: 5,
      }),
    )
    keep({ rcode: 3, authority: [soa] })
    const reply = replyOf(ask(name, 1, { now: 10 * seconds }))
    assert.deepEqual([reply.rcode, reply.authority[0].ttl], [3, 50])
  })
})
