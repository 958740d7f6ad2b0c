/** What observers hear of answers, and the laws of the ring that it goes through. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { transportCode } from '../../src/answer/api.ts'
import {
  createQueryConsumer,
  createQueryRing,
  type QueryRingView,
  queryFact,
  queryRecord,
} from '../../src/answer/index.ts'
import { wireToName } from '../../src/dns/name.ts'
import { rdata } from '../../src/dns/rdata.ts'
import { encodeMessage } from '../../src/dns/wire.ts'
import { messageOctets } from '../../src/plugin/size.ts'
import type { Observed } from '../../src/table/api.ts'
import type { AnswerSpec } from '../../src/table/spec.ts'
import { until } from '../support/until.ts'
import { addressesSpec, recordsSpec, servicesSpec, zoneName } from '../table/arbitraries.ts'
import { type Asked, createResponderHarness, ednsOf, type Outcome, questionMessage, replyOf } from './harness.ts'
import { breach, type Given, openGiven, route } from './query-ring-thread.ts'

const everything: Observed = { answers: true, denials: true }
const nodeWith = (...answers: [number, AnswerSpec][]) =>
  ({ zone: zoneName, below: 'closed', otherTypes: 'nodata', answers: new Map(answers) }) as const
const oneAddress: AnswerSpec = { kind: 'addresses', ttl: 5, addresses: Uint8Array.of(10, 0, 0, 1) }

/** A responder whose answers are observed, and what comes out of its ring. */
function observed(observe?: Observed, records = 8) {
  const queries = createQueryRing(records)
  const parts = createResponderHarness(observe ? { observe } : {}, { queries })
  parts.table.put(parts.space, parts.profileId, zoneName, nodeWith([1, oneAddress]))
  const consumer = createQueryConsumer(queries)
  return {
    ...parts,
    consumer,
    /** Asks as a way in does. True when it was observed. */
    tell(name: string, type: number, asked: Asked = {}): boolean {
      parts.ask(name, type, asked)
      if (!parts.responder.observed()) return false
      parts.responder.observe(route)
      return true
    },
    taken(most = Number.POSITIVE_INFINITY) {
      const facts: ReturnType<typeof factsAt>[] = []
      consumer.drain(most, (ring, at) => facts.push(factsAt(ring, at)))
      return facts
    },
  }
}

function factsAt({ words, halves, bytes, floats }: QueryRingView, at: number) {
  const u16 = (field: number) => halves[(at + field) >> 1]
  return {
    name: wireToName(bytes, at + queryRecord.name),
    type: u16(queryRecord.type),
    class: u16(queryRecord.class),
    id: u16(queryRecord.id),
    flags: u16(queryRecord.flags),
    facts: bytes[at + queryRecord.facts],
    payloadSize: u16(queryRecord.payloadSize),
    requestOctets: u16(queryRecord.requestOctets),
    replyOctets: words[(at + queryRecord.replyOctets) >> 2],
    profileId: u16(queryRecord.profileId),
    space: words[(at + queryRecord.space) >> 2],
    receivedAt: floats[(at + queryRecord.receivedAt) >> 3],
    seconds: floats[(at + queryRecord.seconds) >> 3],
    client: [...bytes.subarray(at + queryRecord.client, at + queryRecord.client + 4), u16(queryRecord.clientPort)],
    local: [...bytes.subarray(at + queryRecord.local, at + queryRecord.local + 4), u16(queryRecord.localPort)],
  }
}

/** As CoreDNS counts: without OPT and compression. */
const octetsOf = (outcome: Outcome): number => messageOctets({ ...replyOf(outcome), edns: undefined })

describe('an observed answer', () => {
  it('an observed answer carries everything that a line of the log needs', () => {
    const { tell, taken, responder, space, profileId, ask } = observed(everything)
    const name = `No.${zoneName}`
    tell(name, 28, { edns: ednsOf({ dnssecOk: true, payloadSize: 4096 }), now: 1234.5 })
    responder.publish(0.25)
    assert.deepEqual(taken(), [
      {
        name,
        type: 28,
        class: 1,
        id: 0xbeef,
        flags: 0x8503,
        facts: queryFact.edns | queryFact.dnssecOk | queryFact.denial,
        payloadSize: 4096,
        requestOctets: 12 + 18 + 4 + 11,
        replyOctets: octetsOf(ask(name, 28)),
        profileId,
        space,
        receivedAt: 1234.5,
        seconds: 0.25,
        client: [192, 0, 2, 1, 4000],
        local: [192, 0, 2, 53, 53],
      },
    ])
  })

  const wishes: readonly (readonly [string, Observed | undefined, boolean[]])[] = [
    ['nobody', undefined, [false, false, false]],
    ['who wants answers', { answers: true, denials: false }, [true, false, false]],
    ['who wants denials', { answers: false, denials: true }, [false, true, true]],
  ]
  for (const [who, wish, heard] of wishes)
    it(`an observed answer reaches ${who} by class: an answer, NODATA, NXDOMAIN`, () => {
      const { tell } = observed(wish)
      assert.deepEqual([tell(zoneName, 1), tell(zoneName, 16), tell(`a.${zoneName}`, 1)], heard)
    })

  it('an observed answer comes from the table: no miss and no reply without the table is reported', () => {
    const { tell } = observed(everything)
    assert.equal(tell('elsewhere.example.', 1), false, 'a miss')
    assert.equal(tell(zoneName, 1, { edns: ednsOf({ version: 1 }) }), false, 'BADVERS')
  })

  const kinds = [
    ['addresses', 1, addressesSpec(1)],
    ['services', 33, servicesSpec],
    ['records', 16, recordsSpec],
  ] as const
  for (const [kind, type, answers] of kinds)
    it(`an observed answer has the size of the whole reply, also where that is truncated: ${kind}`, () => {
      fc.assert(
        fc.property(answers as fc.Arbitrary<AnswerSpec>, (answer) => {
          const { table, space, profileId, ask, tell, taken, responder } = observed(everything)
          table.put(space, profileId, zoneName, nodeWith([type, answer]))
          const whole = ask(zoneName, type, { by: transportCode.stream })
          // Over 16 KiB pointers no longer reach, and the size is a little off.
          fc.pre(typeof whole === 'object' && octetsOf(whole) < 16_000)
          if (!tell(zoneName, type)) return
          responder.publish(0)
          const [{ replyOctets, facts }] = taken()
          assert.equal(replyOctets, octetsOf(whole))
          assert.equal(facts & queryFact.denial, 0)
        }),
        { numRuns: 60 },
      )
    })

  it('an observed answer has the size of a cached reply without compression, and knows its denials by their SOA', () => {
    const { table, space, profileId, tell, taken, responder } = observed(everything)
    const soa = rdata.soa({ mname: 'ns.x.', rname: 'h.x.', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 1 })
    const records = (type: number, data: Uint8Array) => [{ name: 'x.', type, class: 1, ttl: 9, rdata: data }]
    const replies = [
      { rcode: 0, answer: records(1, new Uint8Array(4)), authority: [] },
      { rcode: 3, answer: [], authority: records(6, soa) },
      { rcode: 0, answer: [], authority: records(2, rdata.name('ns.x.')) },
    ]
    for (const [i, reply] of replies.entries()) {
      const name = `n${i}.x.`
      const message = { ...questionMessage(name, 1), response: true, ...reply }
      const wire = encodeMessage(message, { limit: 65_535 })
      table.putCached(space, profileId, {
        name,
        type: 1,
        dnssecOk: false,
        checkingDisabled: false,
        authenticData: false,
        expiresAt: 1e15,
        reply: wire,
        octets: messageOctets(message),
      })
      tell(name, 1)
      responder.publish(0)
      const [{ replyOctets, facts }] = taken()
      assert.equal(replyOctets, messageOctets(message))
      assert.equal((facts & queryFact.denial) !== 0, i === 1)
    }
  })
})

describe('the ring of observed queries', () => {
  it('the ring of observed queries shows nothing before it is published, then all of a batch with what it took', () => {
    const { tell, taken, responder } = observed(everything)
    tell(zoneName, 1)
    tell(zoneName, 16)
    assert.deepEqual(taken(), [])
    responder.publish(0.5)
    assert.deepEqual(
      taken().map(({ type, seconds }) => [type, seconds]),
      [
        [1, 0.5],
        [16, 0.5],
      ],
    )
  })

  it('the ring of observed queries counts what finds no room, and has room again for what was taken', () => {
    const { tell, taken, responder, consumer } = observed(everything, 4)
    for (let i = 0; i < 6; i++) tell(zoneName, i + 1)
    responder.publish(0)
    assert.equal(consumer.dropped(), 2)
    assert.equal(taken(3).length, 3)
    for (let i = 0; i < 6; i++) tell(zoneName, i + 11)
    responder.publish(0)
    assert.deepEqual(
      taken().map(({ type }) => type),
      [4, 11, 12, 13],
    )
    assert.equal(consumer.dropped(), 5)
  })

  it('the ring of observed queries asks to be looked at once, and again after the consumer has gone to sleep', () => {
    const { tell, taken, responder, consumer } = observed(everything)
    const publish = () => tell(zoneName, 1) && responder.publish(0)
    assert.deepEqual([responder.publish(0), publish(), publish()], [false, true, false])
    assert.equal(consumer.asleep(), false)
    assert.equal(consumer.sleep(), false, 'there is something')
    taken()
    assert.equal(consumer.sleep(), true)
    assert.equal(consumer.asleep(), true)
    assert.deepEqual([publish(), publish()], [true, false])
  })

  it('the ring between two threads gives every record whole, in order, and counts every missing one', async () => {
    const records = 64
    const given: Given = { ...openGiven(), queries: createQueryRing(records), wanted: 60_000 }
    const consumer = createQueryConsumer(given.queries)
    const worker = new Worker(new URL('./query-ring-thread.ts', import.meta.url), { workerData: given })
    const told = once(worker, 'message')
    const gone = once(worker, 'exit')
    let sent: number | undefined
    let failure: string | undefined
    told.then(
      ([count]) => {
        sent = count
      },
      (error) => {
        failure = String(error)
      },
    )
    let taken = 0
    let last = -1
    await until(
      () => {
        for (let more = true; more; ) {
          const before = taken
          consumer.drain(7, (ring, at) => {
            taken++
            const found = breach(ring, at, last)
            assert.equal(found.breach, undefined)
            last = found.number
          })
          more = taken > before
        }
        assert.ok(sent !== undefined, 'the thread goes on')
      },
      { every: 1, unless: () => failure },
    )
    consumer.drain(records, (ring, at) => {
      taken++
      assert.equal(breach(ring, at, last).breach, undefined)
    })
    assert.equal(sent, given.wanted)
    assert.equal(taken + consumer.dropped(), sent)
    assert.ok(taken > records && consumer.dropped() > 0, `${taken} taken: the ring was full now and then`)
    await gone
  })
})
