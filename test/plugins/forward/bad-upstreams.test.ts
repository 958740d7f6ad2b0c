/** What a client gets through `cache` and `forward` when upstreams misbehave, and after how long at most. */
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { describe, it, type TestContext } from 'node:test'
import { rcode } from '../../../src/dns/codes.ts'
import type { Message, ResourceRecord } from '../../../src/dns/message.ts'
import { recordText } from '../../../src/dns/rdata.ts'
import { parseRecord } from '../../../src/dns/record-text.ts'
import { finishReply, replyTo } from '../../../src/dns/reply.ts'
import { encodeMessage, parseMessage } from '../../../src/dns/wire.ts'
import type { Outcome } from '../../../src/plugin/query.ts'
import { cache } from '../../../src/plugins/cache/index.ts'
import type { Clock } from '../../../src/scheduling/clock.ts'
import { questionBudget } from '../../support/budget.ts'
import { createForwardHarness, type ForwardHarness } from '../../support/forward-harness.ts'
import { type Asked, ask, handle, setUp } from '../../support/plugin-harness.ts'
import { until } from '../../support/until.ts'
import { type Arrived, answering, type Script, silent } from '../../support/upstream.ts'

const second = 1000
const minute = 60 * second
/** Milliseconds: resolvers give up after five seconds. */
const patience = 4510

const a = (name: string, address: string, ttl = 60) => parseRecord(`${name} ${ttl} IN A ${address}`)
const alias = (name: string, target: string) => parseRecord(`${name} 60 IN CNAME ${target}`)
const name = 'www.example.org.'
const good = a(name, '192.0.2.1')

const records =
  (...answer: readonly ResourceRecord[]): Script =>
  ({ reply }) =>
    reply({ answer })
const octetsOf = ({ query }: Arrived, change: Partial<Message> = {}): Uint8Array =>
  encodeMessage({ ...replyTo(query, { answer: [good] }), ...change }, { limit: 0xffff })
const wrongId: Script = (arrived) => arrived.send(octetsOf(arrived, { id: arrived.query.id ^ 1 }))
const wrongQuestion: Script = (arrived) =>
  arrived.send(octetsOf(arrived, { questions: [{ name: 'other.example.org.', type: 1, class: 1 }] }))
const garbage: Script = ({ query, send }) =>
  send(Buffer.from([query.id >> 8, query.id & 0xff, 0x81, 0x80, 255, 255, 7]))
const both =
  (...scripts: readonly Script[]): Script =>
  (arrived) =>
    void scripts.map((script) => script(arrived))
const overTcp =
  (script: Script, otherwise: Script): Script =>
  (arrived) =>
    arrived.via === 'tcp' ? script(arrived) : otherwise(arrived)
const truncated: Script = ({ reply }) => reply({}, { truncated: true })
const many = (count: number): Script =>
  records(...Array.from({ length: count }, (_, i) => a(name, `192.0.2.${i % 250}`)))

const fromAnotherPort: Script = (arrived) => {
  const socket = createSocket('udp4')
  socket.send(octetsOf(arrived), arrived.port, '127.0.0.1', () => socket.close())
}

/** The length that is announced is never reached. */
const truncatedFrame: Script = ({ sendRaw, hangUp }) => {
  sendRaw(Buffer.from([0, 100, 1, 2, 3]))
  hangUp()
}
const unfinishedFrame: Script = ({ sendRaw }) => sendRaw(Buffer.from([0, 100, 1, 2, 3]))

interface Case {
  readonly what: string
  /** What the upstreams do, in the order in which they are asked. */
  readonly upstreams: (clock: Clock) => readonly Script[]
  readonly body?: string
  readonly asked?: Asked
  /** Rcode, addresses or the number of records, TC. */
  readonly wanted: readonly [keyof typeof rcode, readonly string[] | number, boolean?]
  /** Milliseconds at most. */
  readonly within: number
  /** The upstreams are asked again when the client asks again at once: nothing is kept. */
  readonly again?: true
}

const slow =
  (clock: Clock, milliseconds: number): Script =>
  (arrived) =>
    void clock.after(milliseconds, () => records(good)(arrived))

// biome-ignore format: rows
const cases: readonly Case[] = [
  { what: 'is silent', upstreams: () => [silent], wanted: ['SERVFAIL', 0], within: patience },
  { what: 'is silent beside a good one', upstreams: () => [silent, records(good)], wanted: ['NOERROR', ['192.0.2.1']], within: 150 },
  { what: 'is slow', upstreams: (clock) => [slow(clock, 700)], wanted: ['NOERROR', ['192.0.2.1']], within: 750 },
  { what: 'is slow beside a good one', upstreams: (clock) => [slow(clock, 1500), records(good)], wanted: ['NOERROR', ['192.0.2.1']], within: 150 },
  { what: 'sends the wrong ID first', upstreams: () => [both(wrongId, records(good))], wanted: ['NOERROR', ['192.0.2.1']], within: 50 },
  { what: 'sends the wrong ID only', upstreams: () => [wrongId], wanted: ['SERVFAIL', 0], within: patience },
  { what: 'repeats another question first', upstreams: () => [both(wrongQuestion, records(good))], wanted: ['NOERROR', ['192.0.2.1']], within: 50 },
  { what: 'repeats another question only', upstreams: () => [wrongQuestion], wanted: ['FORMERR', 0], within: patience },
  { what: 'repeats another question beside a good one', upstreams: () => [wrongQuestion, records(good)], wanted: ['NOERROR', ['192.0.2.1']], within: 150 },
  { what: 'repeats another question over TCP', upstreams: () => [wrongQuestion], asked: { transport: 'tcp' }, wanted: ['FORMERR', 0], within: 50 },
  { what: 'answers from another port', upstreams: () => [fromAnotherPort], wanted: ['SERVFAIL', 0], within: patience },
  { what: 'is truncated over UDP', upstreams: () => [truncated], wanted: ['NOERROR', 0, true], within: 50, again: true },
  { what: 'is truncated and then good over TCP, with prefer_udp', upstreams: () => [overTcp(records(good), truncated)], body: 'prefer_udp', wanted: ['NOERROR', ['192.0.2.1']], within: 50 },
  { what: 'closes in the middle of a frame', upstreams: () => [truncatedFrame], asked: { transport: 'tcp' }, wanted: ['SERVFAIL', 0], within: 50 },
  { what: 'never ends a frame', upstreams: () => [unfinishedFrame], asked: { transport: 'tcp' }, wanted: ['SERVFAIL', 0], within: patience },
  { what: 'sends garbage', upstreams: () => [garbage], wanted: ['FORMERR', 0], within: patience },
  { what: 'sends garbage beside a good one', upstreams: () => [garbage, records(good)], wanted: ['NOERROR', ['192.0.2.1']], within: 150 },
  { what: 'sends two answers', upstreams: () => [both(records(good), records(a(name, '192.0.2.66')))], wanted: ['NOERROR', ['192.0.2.1']], within: 50 },
  { what: 'fails beside a good one', upstreams: () => [({ reply }) => reply({ rcode: rcode.SERVFAIL }), records(good)], wanted: ['SERVFAIL', 0], within: 50 },
  { what: 'fails beside a good one, with failover', upstreams: () => [({ reply }) => reply({ rcode: rcode.SERVFAIL }), records(good)], body: 'failover SERVFAIL', wanted: ['NOERROR', ['192.0.2.1']], within: 50 },
  { what: 'denies without SOA', upstreams: () => [({ reply }) => reply({ rcode: rcode.NXDOMAIN })], wanted: ['NXDOMAIN', 0], within: 50, again: true },
  { what: 'answers with TTL 0', upstreams: () => [records(a(name, '192.0.2.1', 0))], wanted: ['NOERROR', ['192.0.2.1']], within: 50, again: true },
  { what: 'answers with TTL 2^31, which is 0', upstreams: () => [records({ ...good, ttl: 2 ** 31 })], wanted: ['NOERROR', ['192.0.2.1']], within: 50, again: true },
  { what: 'answers with a loop of aliases', upstreams: () => [records(alias(name, 'a.example.'), alias('a.example.', name))], wanted: ['NOERROR', 2], within: 50, again: true },
  { what: 'answers with records of other names', upstreams: () => [records(a('bank.example.', '192.0.2.66'), a('b.example.', '192.0.2.1'))], wanted: ['NOERROR', 2], within: 50, again: true },
  { what: 'answers with 64 KiB over TCP', upstreams: () => [many(4000)], asked: { transport: 'tcp' }, wanted: ['NOERROR', 4000], within: 50 },
  { what: 'answers with 64 KiB, more than a UDP client takes', upstreams: () => [overTcp(many(4000), truncated)], body: 'prefer_udp', asked: { edns: { payloadSize: 1232 } }, wanted: ['NOERROR', 74, true], within: 50 },
  { what: 'answers with more than the client takes', upstreams: () => [many(150)], asked: { edns: { payloadSize: 1232 } }, wanted: ['NOERROR', 74, true], within: 50 },
  { what: 'answers with more than a client without EDNS takes', upstreams: () => [many(150)], wanted: ['NOERROR', 29, true], within: 50 },
]

/** `cache` in front of `forward` in front of upstreams; the octets as they go to the client. */
async function createChain(t: TestContext, { upstreams, body = '' }: Pick<Case, 'upstreams' | 'body'>, directive = '') {
  let clock: Clock | undefined
  const later: Clock = {
    now: () => clock!.now(),
    wall: () => clock!.wall(),
    after: (milliseconds, task) => clock!.after(milliseconds, task),
    every: (milliseconds, task) => clock!.every(milliseconds, task),
  }
  const back = await createForwardHarness(t, upstreams(later), `policy sequential\n${body}`)
  clock = back.plugin.clock
  const front = setUp(cache, `cache {\n${directive}\n}`, back.plugin, { others: { forward: back.instance } })
  front.start?.()
  return { back, get: (asked?: Asked) => get(back, front.handler!, asked) }
}

async function get(
  back: ForwardHarness,
  front: NonNullable<ReturnType<typeof setUp>['handler']>,
  asked?: Asked,
): Promise<Message> {
  const { clock } = back.plugin
  const now = clock.now()
  const query = { ...ask(`${name} A`, { receivedAt: now, ...asked }), budget: questionBudget(now, clock) }
  const outcome: Outcome = await front(query, (next) =>
    handle(back.instance, next, () => assert.fail('no next plugin')),
  )
  assert.ok(outcome.kind !== 'drop')
  const message = outcome.kind === 'reply' ? outcome.message : replyTo(query.request, { rcode: outcome.rcode })
  return parseMessage(finishReply(message, query.request, { transport: query.transport }))
}

const questionsOf = ({ servers }: ForwardHarness): number =>
  servers.reduce((sum, { arrived }) => sum + arrived.length, 0)

describe('a client of an upstream', () => {
  for (const { what, asked, wanted, within, again = false, ...how } of cases) {
    it(`a client of an upstream that ${what} gets ${wanted[0]} within ${within} ms`, async (t) => {
      const { back, get } = await createChain(t, how)
      const [code, answer, isCut = false] = wanted
      let questions = 0
      for (const time of ['first', 'second']) {
        questions = questionsOf(back)
        const { value: reply, milliseconds } = await back.settle(get(asked))
        assert.deepEqual([time, reply.rcode, reply.truncated], [time, rcode[code], isCut])
        if (typeof answer === 'number') assert.equal(reply.answer.length, answer)
        else assert.deepEqual(reply.answer.map(addressOf), answer)
        assert.ok(milliseconds <= within, `${milliseconds} ms`)
      }
      assert.equal(questionsOf(back) > questions, again)
    })
  }

  it('a client of an upstream that flaps every second is answered by another one without a pause', async (t) => {
    const { back, get } = await createChain(t, { upstreams: () => [silent, records(good)] }, 'success 9984 1 0')
    for (let turn = 0; turn < 20; turn++) {
      back.servers[0].script = turn % 2 === 0 ? silent : records(good)
      const { value: reply, milliseconds } = await back.settle(get())
      assert.deepEqual(reply.answer.map(addressOf), ['192.0.2.1'])
      assert.ok(milliseconds <= 150, `${milliseconds} ms`)
      back.plugin.clock.advance(1 * second)
    }
  })

  it('a client of a lone upstream that flaps every second gets stale answers meanwhile', async (t) => {
    const { back, get } = await createChain(t, { upstreams: () => [records(good)] }, 'success 9984 1 0\nserve_stale 1h')
    await back.settle(get())
    for (let turn = 0; turn < 20; turn++) {
      back.servers[0].script = turn % 2 === 0 ? silent : records(good)
      back.plugin.clock.advance(1 * second)
      const { value: reply, milliseconds } = await back.settle(get())
      assert.deepEqual(reply.answer.map(addressOf), ['192.0.2.1'])
      assert.equal(milliseconds, 0)
    }
  })

  for (const mode of ['immediate', 'verify', 'verify 100ms', 'verify 1s 30s 5m']) {
    it(`a client of an upstream that is gone for an hour gets stale answers all the while: serve_stale 2h ${mode}`, async (t) => {
      const { back, get } = await createChain(
        t,
        { upstreams: () => [records(good)], body: 'health_check 30s\nread_timeout 1s' },
        `serve_stale 2h ${mode}`,
      )
      await back.settle(get())
      back.servers[0].script = silent
      for (let passed = 0; passed < 60; passed++) {
        back.plugin.clock.advance(1 * minute)
        const { value: reply, milliseconds } = await back.settle(get())
        assert.deepEqual([reply.rcode, reply.answer.map(addressOf)], [rcode.NOERROR, ['192.0.2.1']])
        assert.ok(milliseconds <= patience, `${milliseconds} ms`)
      }
      back.servers[0].script = answering('192.0.2.2')
      back.plugin.clock.advance(5 * minute)
      await back.settle(until(async () => assert.deepEqual((await get()).answer.map(addressOf), ['192.0.2.2'])))
    })
  }
})

const addressOf = (record: ResourceRecord): string => recordText(record).split(' ').at(-1)!
