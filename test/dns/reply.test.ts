import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rcode } from '../../src/dns/codes.ts'
import type { Edns, Message } from '../../src/dns/message.ts'
import { queryMessage } from '../../src/dns/query.ts'
import { parseRecord } from '../../src/dns/record-text.ts'
import { finishReply, formatErrorReply, replyTo } from '../../src/dns/reply.ts'
import { encodeMessage, ParseError, parseMessage } from '../../src/dns/wire.ts'

const edns = (parts: Partial<Edns> = {}): Edns => ({
  version: 0,
  payloadSize: 1232,
  dnssecOk: false,
  extendedRcode: 0,
  options: [],
  ...parts,
})
const request = (parts: Partial<Message> = {}): Message => ({
  ...queryMessage('Big.Example.org.', 1, true),
  id: 7,
  ...parts,
})
/** An option of a size that its code allows: EXPIRE has 4 octets, TCP-KEEPALIVE 2, COOKIE 8. */
const option = (code: number) => ({ code, data: new Uint8Array({ 9: 4, 11: 2 }[code] ?? 8).fill(code) })
const udp = { transport: 'udp' } as const
const tcp = { transport: 'tcp' } as const
const addresses = (count: number) =>
  Array.from({ length: count }, (_, i) => parseRecord(`Big.Example.org. 5 IN A 10.0.${i >> 8}.${i & 255}`))
const finished = (reply: Message, asked: Message, options: Parameters<typeof finishReply>[2] = udp): Message =>
  parseMessage(finishReply(reply, asked, options))

test('a reply has the ID, the opcode, the question in its own case, RD and CD of its request', () => {
  const asked = request({ checkingDisabled: true })
  const { id, response, recursionDesired, checkingDisabled, questions } = finished(replyTo(asked), asked)
  assert.deepEqual([id, response, recursionDesired, checkingDisabled], [7, true, true, true])
  assert.equal(questions[0].name, 'Big.Example.org.')
})

test('RD and CD belong to QUERY alone', () => {
  const asked = request({ opcode: 4, checkingDisabled: true })
  const { opcode, recursionDesired, checkingDisabled } = finished(replyTo(asked), asked)
  assert.deepEqual([opcode, recursionDesired, checkingDisabled], [4, false, false])
})

test("a NOTIFY's reply that came from an upstream keeps the upstream's RD and CD", () => {
  const asked = request({ opcode: 4, recursionDesired: false })
  const reply: Message = { ...replyTo(asked), recursionDesired: true, checkingDisabled: true }
  const { recursionDesired, checkingDisabled } = finished(reply, asked)
  assert.deepEqual([recursionDesired, checkingDisabled], [true, true])
})

test('RFC 6891 §6.1.1: an OPT goes to those alone who sent one: its size, its DO, and none of its options', () => {
  const asked = request({
    edns: edns({ payloadSize: 4096, dnssecOk: true, options: [3, 8, 9, 10, 11, 12, 13].map(option) }),
  })
  assert.deepEqual(finished(replyTo(asked), asked).edns, edns({ payloadSize: 4096, dnssecOk: true, options: [] }))
  assert.equal(finished(replyTo(request()), request()).edns, undefined)
})

test('a reply that has an OPT already keeps its options and its DO; the rest is as the request has it', () => {
  const asked = request({ edns: edns({ options: [option(10)] }) })
  const reply = replyTo(asked, { edns: edns({ payloadSize: 9, dnssecOk: true, options: [option(15)] }) })
  assert.deepEqual(finished(reply, asked).edns, edns({ dnssecOk: true, options: [option(15)] }))
})

test('an OPT that a plugin made goes to clients without EDNS as well', () => {
  const reply = replyTo(request(), { rcode: rcode.REFUSED, edns: edns({ options: [option(15)] }) })
  assert.deepEqual(finished(reply, request()).edns?.options, [option(15)])
})

test('an extended rcode needs an OPT: without one it becomes SERVFAIL', () => {
  const asked = request({ edns: edns() })
  assert.equal(finished(replyTo(asked, { rcode: 23 }), asked).rcode, 23)
  assert.equal(finished(replyTo(request(), { rcode: 23 }), request()).rcode, rcode.SERVFAIL)
  const withOpt = replyTo(request(), { rcode: 23, edns: edns({ extendedRcode: 1 }) })
  assert.equal(finished(withOpt, request()).rcode, rcode.SERVFAIL, 'a client without EDNS reads no OPT')
})

test('UDP replies are cut to what the client takes: 512 octets, or what its OPT says, if that is more', () => {
  for (const [size, octets] of [
    [undefined, 512],
    [0, 512],
    [512, 512],
    [1232, 1232],
    [65535, 65535],
  ] as const) {
    const asked = request(size === undefined ? {} : { edns: edns({ payloadSize: size }) })
    const wire = finishReply(replyTo(asked, { answer: addresses(5000) }), asked, udp)
    assert.ok(wire.length <= octets && wire.length > octets - 16, `${size}: ${wire.length}`)
    assert.ok(parseMessage(wire).truncated)
  }
})

test('bufsize lowers the payload size that counts, and the reply shows it', () => {
  const asked = request({ edns: edns({ payloadSize: 4096 }) })
  const wire = finishReply(replyTo(asked, { answer: addresses(300) }), asked, { ...udp, maxPayload: 1232 })
  assert.ok(wire.length <= 1232)
  assert.equal(parseMessage(wire).edns?.payloadSize, 1232)
})

test('replies on streams are cut at 65,535 octets alone', () => {
  assert.equal(finished(replyTo(request(), { answer: addresses(4000) }), request(), tcp).answer.length, 4000)
  const cut = finished(replyTo(request(), { answer: addresses(5000) }), request(), tcp)
  assert.ok(cut.truncated && cut.answer.length > 4000)
})

test('a message that breaks off: FORMERR with the question if that was whole, and no OPT', () => {
  const whole = encodeMessage(request({ edns: edns() }), { limit: 512 })
  const answerTo = (bytes: Uint8Array): Uint8Array | undefined => {
    try {
      parseMessage(bytes)
    } catch (error) {
      assert.ok(error instanceof ParseError)
      return formatErrorReply(error)
    }
    throw new Error('the message did parse')
  }
  const withQuestion = parseMessage(answerTo(whole.slice(0, -3)) ?? new Uint8Array())
  assert.deepEqual(
    [withQuestion.rcode, withQuestion.questions.length, withQuestion.edns],
    [rcode.FORMERR, 1, undefined],
  )
  const without = parseMessage(answerTo(whole.slice(0, 15)) ?? new Uint8Array())
  assert.deepEqual([without.id, without.rcode, without.questions.length], [7, rcode.FORMERR, 0])
  assert.equal(answerTo(whole.slice(0, 5)), undefined)
})
