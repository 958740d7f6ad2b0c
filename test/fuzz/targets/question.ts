/** The zero-copy reader of the UDP path: it comes to what the header and the parser of messages lead to. */
import assert from 'node:assert/strict'
import { DROP, MISS, transportCode } from '../../../src/answer/api.ts'
import { createResponder, LOCAL } from '../../../src/answer/index.ts'
import { formatErrorReply } from '../../../src/dns/reply.ts'
import { encodeMessage, ParseError, parseMessage } from '../../../src/dns/wire.ts'
import { createResponderHarness, ednsOf, questionMessage } from '../../answer/harness.ts'
import { judgeHeader } from '../../answer/judge-header.ts'
import { cases } from '../../answer/message-cases.ts'
import { zoneSpec } from '../../table/arbitraries.ts'
import type { Target } from '../engine/target.ts'
import { mutateMessage, wireWords } from '../lib/message-octets.ts'

const { table, space, profileId } = createResponderHarness()
table.zone(space, zoneSpec({}, 'example.'))
table.put(space, profileId, 'web.example.', {
  zone: 'example.',
  below: 'closed',
  otherTypes: 'nodata',
  answers: new Map([[1, { kind: 'addresses', ttl: 5, addresses: Uint8Array.of(10, 0, 0, 1, 10, 0, 0, 2) }]]),
})
const responder = createResponder(table.handle, LOCAL, { random: () => 7 })
const around = new Uint8Array(4096)
const reply = new Uint8Array(70_000)
const guard = 0xa5

function answerAmong(filler: number, request: Uint8Array, way: 0 | 1 | 2): Uint8Array | number {
  around.fill(filler)
  around.set(request, 700)
  reply.fill(guard, 0, 10)
  const length = responder.answer(around, 700, 700 + request.length, space, way, reply, 10)
  for (let at = 0; at < 10; at++) assert.equal(reply[at], guard, 'what lies before the reply is not written')
  return length > 0 ? reply.slice(10, 10 + length) : length
}

const options = [{ code: 8, data: Uint8Array.of(0, 1, 24, 0, 10, 0, 0) }]

export const target: Target = {
  seeds: [
    encodeMessage(questionMessage('WEB.example.', 1, { edns: ednsOf({ options, dnssecOk: true }) }), { limit: 512 }),
    encodeMessage(questionMessage('nothing.web.example.', 28, { edns: ednsOf() }), { limit: 512 }),
    encodeMessage(questionMessage('.', 2), { limit: 512 }),
    ...cases.map(({ request }) => new Uint8Array(Buffer.from(request, 'hex'))),
  ],
  words: wireWords,
  maxOctets: 1500,
  maxSteps: (octets) => 20_000 + 600 * octets,
  mutate: mutateMessage,
  check(input) {
    const outcome = answerAmong(0, input, transportCode.udp4)
    assert.deepEqual(answerAmong(0xff, input, transportCode.udp4), outcome, 'octets beside the request matter')
    const judged = judgeHeader(input)
    assert.equal(outcome === DROP, judged === 'drop')
    if (typeof judged === 'object') assert.deepEqual(outcome, judged)
    if (judged !== 'accept') return
    const byStream = answerAmong(0, input, transportCode.stream)
    assert.equal(typeof byStream, typeof outcome)
    if (typeof outcome === 'number') {
      assert.equal(outcome, MISS)
      return
    }
    checkReply(input, outcome)
  },
}

function checkReply(request: Uint8Array, octets: Uint8Array): void {
  const answer = parseMessage(octets)
  assert.ok(answer.response)
  assert.equal(answer.id, (request[0] << 8) | request[1])
  try {
    const message = parseMessage(request)
    assert.notEqual(answer.rcode, 1, 'a message that parses is no FORMERR')
    assert.deepEqual(answer.questions, message.questions)
    assert.ok(octets.length <= Math.max(512, message.edns?.payloadSize ?? 0))
    assert.equal(answer.edns !== undefined, message.edns !== undefined)
  } catch (error) {
    if (!(error instanceof ParseError)) throw error
    assert.deepEqual(octets, new Uint8Array(formatErrorReply(error)!))
  }
}
