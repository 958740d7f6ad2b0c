/** What clients get over real sockets from upstreams that misbehave: of the relay as of the chain. */
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { after, before, describe, it } from 'node:test'
import { rcode, type } from '../../../src/dns/codes.ts'
import type { Message } from '../../../src/dns/message.ts'
import { recordText } from '../../../src/dns/rdata.ts'
import { parseRecord } from '../../../src/dns/record-text.ts'
import { replyTo } from '../../../src/dns/reply.ts'
import { encodeMessage, parseMessage } from '../../../src/dns/wire.ts'
import { type LoopbackServer, startLoopbackServer } from '../../support/loopback-server.ts'
import {
  type Arrived,
  answering,
  type Script,
  type ScriptedUpstream,
  silent,
  startUpstream,
} from '../../support/upstream.ts'
import { ask, queryOf, startRelaying } from './support.ts'

const good = answering('192.0.2.1', 60)
const nameOf = ({ query }: Arrived): string => query.questions[0].name
const octetsOf = (arrived: Arrived, change: Partial<Message> = {}): Uint8Array => {
  const answer = [parseRecord(`${nameOf(arrived)} 60 IN A 192.0.2.66`)]
  return encodeMessage({ ...replyTo(arrived.query, { answer }), ...change }, { limit: 0xffff })
}
const wrongId: Script = (arrived) => arrived.send(octetsOf(arrived, { id: arrived.query.id ^ 1 }))
const wrongQuestion: Script = (arrived) =>
  arrived.send(octetsOf(arrived, { questions: [{ name: 'other.example.', type: type.A, class: 1 }] }))
const garbage: Script = ({ query, send }) =>
  send(Buffer.from([query.id >> 8, query.id & 0xff, 0x81, 0x80, 255, 255, 7]))
const fromAnotherPort: Script = (arrived) => {
  const socket = createSocket('udp4')
  socket.send(octetsOf(arrived), arrived.port, '127.0.0.1', () => socket.close())
}
const answers =
  (...lines: readonly string[]): Script =>
  (arrived) =>
    arrived.reply({ answer: lines.map((line) => parseRecord(line.replaceAll('@', nameOf(arrived)))) })
const both =
  (...scripts: readonly Script[]): Script =>
  (arrived) => {
    for (const script of scripts) script(arrived)
  }
/** Each name is asked for the first time in one way, and then in another. */
const firstThen = (first: Script, then: Script): Script => {
  const known = new Set<string>()
  return (arrived) => {
    const isKnown = known.has(nameOf(arrived))
    known.add(nameOf(arrived))
    ;(isKnown ? then : first)(arrived)
  }
}
const many = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, i) => `@ 60 IN A 192.0.2.${i % 250}`)
const cut: Script = (arrived) => arrived.send(octetsOf(arrived).subarray(0, -2))

/** Rcode, addresses or the number of records (undefined: any, for a cut answer), TC. */
type Wanted = readonly [keyof typeof rcode, readonly string[] | number | undefined, boolean?]

// biome-ignore format: rows
const cases: readonly { readonly what: string; readonly script: Script; readonly wanted: Wanted }[] = [
  { what: 'is silent', script: silent, wanted: ['SERVFAIL', 0] },
  { what: 'is silent the first time', script: firstThen(silent, good), wanted: ['NOERROR', ['192.0.2.1']] },
  { what: 'sends the wrong ID only', script: wrongId, wanted: ['SERVFAIL', 0] },
  { what: 'sends the wrong ID first', script: both(wrongId, good), wanted: ['NOERROR', ['192.0.2.1']] },
  { what: 'repeats another question only', script: wrongQuestion, wanted: ['FORMERR', 0] },
  { what: 'repeats another question first', script: both(wrongQuestion, good), wanted: ['NOERROR', ['192.0.2.1']] },
  { what: 'answers from another port only', script: fromAnotherPort, wanted: ['SERVFAIL', 0] },
  { what: 'answers from another port, too', script: both(fromAnotherPort, good), wanted: ['NOERROR', ['192.0.2.1']] },
  { what: 'is truncated', script: ({ reply }) => reply({}, { truncated: true }), wanted: ['NOERROR', 0, true] },
  { what: 'sends garbage only', script: garbage, wanted: ['FORMERR', 0] },
  { what: 'sends garbage first', script: both(garbage, good), wanted: ['NOERROR', ['192.0.2.1']] },
  { what: 'sends an answer that is cut off within its record', script: cut, wanted: ['NOERROR', 0, true] },
  { what: 'sends two answers', script: both(good, answers('@ 60 IN A 192.0.2.66')), wanted: ['NOERROR', ['192.0.2.1']] },
  { what: 'fails', script: ({ reply }) => reply({ rcode: rcode.SERVFAIL }), wanted: ['SERVFAIL', 0] },
  { what: 'fails without repeating the question', script: (arrived) => arrived.send(octetsOf(arrived, { rcode: rcode.REFUSED, questions: [], answer: [] })), wanted: ['REFUSED', 0] },
  { what: 'denies without SOA', script: ({ reply }) => reply({ rcode: rcode.NXDOMAIN }), wanted: ['NXDOMAIN', 0] },
  { what: 'answers with TTL 0', script: answers('@ 0 IN A 192.0.2.1'), wanted: ['NOERROR', ['192.0.2.1']] },
  { what: 'answers with TTL 2^31', script: (arrived) => arrived.reply({ answer: [{ ...parseRecord(`${nameOf(arrived)} 0 IN A 192.0.2.1`), ttl: 2 ** 31 }] }), wanted: ['NOERROR', ['192.0.2.1']] },
  { what: 'answers with a loop of aliases', script: answers('@ 60 IN CNAME a.example.', 'a.example. 60 IN CNAME @'), wanted: ['NOERROR', 2] },
  { what: 'answers with records of other names', script: answers('bank.test. 60 IN A 192.0.2.66', 'b.test. 60 IN A 192.0.2.1'), wanted: ['NOERROR', 2] },
  { what: 'answers with more than a client without EDNS takes', script: answers(...many(60)), wanted: ['NOERROR', 30, true] },
  { what: 'answers with 64 KiB', script: answers(...many(4000)), wanted: ['NOERROR', undefined, true] },
]

describe('upstreams that misbehave, behind a cache', () => {
  let upstream: ScriptedUpstream
  let relaying: LoopbackServer
  let chain: LoopbackServer

  before(async () => {
    upstream = await startUpstream(good)
    const corefile = (port: number) =>
      `.:${port} {\nbind 127.0.0.1\ncache 30\nforward . ${upstream.to} {\nmax_fails 0\nread_timeout 600ms\n}\n}\n`
    relaying = await startRelaying(corefile)
    chain = await startLoopbackServer(corefile, { udp: 'dgram' })
  })
  after(async () => {
    await relaying.stop()
    await chain.stop()
    await upstream.close()
  })

  let number = 0
  for (const { what: does, script, wanted } of cases)
    it(`a client of the relay and one of the chain get ${wanted[0]} from an upstream that ${does}`, async () => {
      for (const server of [relaying, chain]) {
        upstream.script = script
        const reply = parseMessage(await ask(server.port, queryOf(`q${number++}.example.`, type.A)))
        const [code, answer, truncated = false] = wanted
        const said = typeof answer === 'number' ? reply.answer.length : answer && reply.answer.map(addressOf)
        assert.deepEqual([reply.rcode, said, reply.truncated], [rcode[code], answer, truncated])
      }
    })
})

const addressOf = (record: Message['answer'][number]): string => recordText(record).split(' ').at(-1)!
