import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DROP, MISS, transportCode } from '../../src/answer/api.ts'
import { createResponder, LOCAL } from '../../src/answer/index.ts'
import { formatErrorReply } from '../../src/dns/reply.ts'
import { encodeMessage, ParseError, parseMessage } from '../../src/dns/wire.ts'
import { zoneSpec } from '../table/arbitraries.ts'
import { createResponderHarness, ednsOf, questionMessage } from './harness.ts'
import { judgeHeader } from './judge-header.ts'
import { cases } from './message-cases.ts'

const { table, space, profileId, answer } = createResponderHarness()
const addresses = Uint8Array.of(10, 0, 0, 1)
table.zone(space, zoneSpec({}, 'example.'))
table.put(space, profileId, 'web.example.', {
  zone: 'example.',
  below: 'closed',
  otherTypes: 'nodata',
  answers: new Map([[1, { kind: 'addresses', ttl: 5, addresses }]]),
})

describe('an odd message', () => {
  for (const { name, request, reply } of cases) {
    it(`the responder replies to ${name} as listed: ${reply}`, () => {
      const octets = answer(Buffer.from(request, 'hex'))
      if (octets === DROP) assert.equal(reply, 'silence')
      else if (octets === MISS) assert.equal(reply, 'the chain')
      else assert.equal(Buffer.from(octets).toString('hex'), reply)
    })
  }
})

/** xorshift32: the same datagrams in every run, so that a failure can be looked at. */
function generator(seed: number): (bound: number) => number {
  let state = seed
  return (bound) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % bound
  }
}

function seeds(): Uint8Array[] {
  const options = [
    { code: 10, data: new Uint8Array(8) },
    { code: 8, data: Uint8Array.of(0, 1, 24, 0, 10, 0, 0) },
  ]
  return [
    encodeMessage(questionMessage('web.example.', 1), { limit: 512 }),
    encodeMessage(questionMessage('WEB.example.', 1, { edns: ednsOf({ options, dnssecOk: true }) }), { limit: 512 }),
    encodeMessage(questionMessage('nothing.web.example.', 28, { edns: ednsOf() }), { limit: 512 }),
    encodeMessage(questionMessage('.', 2), { limit: 512 }),
    ...cases.map(({ request }) => new Uint8Array(Buffer.from(request, 'hex'))),
  ]
}

function mutate(octets: Uint8Array, random: (bound: number) => number): Uint8Array {
  const copy = Uint8Array.from(octets)
  for (let changes = random(4); changes > 0 && copy.length > 0; changes--) {
    copy[random(copy.length)] = random(3) === 0 ? [0, 0xc0, 0x3f, 0xff, 1][random(5)] : random(256)
  }
  if (random(4) === 0) return copy.subarray(0, random(copy.length + 1))
  if (random(8) === 0) return Uint8Array.from([...copy, ...Array.from({ length: random(30) }, () => random(256))])
  return copy
}

describe('200,000 random and mutated datagrams', () => {
  const responder = createResponder(table.handle, LOCAL)
  const around = new Uint8Array(2048)
  const reply = new Uint8Array(70_000)

  /** The same request among other octets: what is outside it must not matter. */
  function answerAmong(filler: number, request: Uint8Array): Uint8Array | number {
    around.fill(filler)
    around.set(request, 700)
    const length = responder.answer(around, 700, 700 + request.length, space, transportCode.udp4, reply, 10)
    return length > 0 ? reply.slice(10, 10 + length) : length
  }

  it('random datagrams get a reply that parses, silence or the chain, by their own octets alone, as the chain would judge', () => {
    const random = generator(0x5eed)
    const kinds = seeds()
    const seen = { replies: 0, drops: 0, misses: 0 }
    for (let i = 0; i < 200_000; i++) {
      const request =
        random(5) === 0
          ? Uint8Array.from({ length: random(60) }, () => random(256))
          : mutate(kinds[random(kinds.length)], random)
      const outcome = answerAmong(0, request)
      assert.deepEqual(answerAmong(0xff, request), outcome)
      if (outcome === DROP) seen.drops++
      else if (outcome === MISS) seen.misses++
      else seen.replies++
      checkAgainstChain(request, outcome)
    }
    for (const count of Object.values(seen)) assert.ok(count > 5000, JSON.stringify(seen))
  })
})

/** Where the responder answers by itself it must come to the octets that the header and src/dns lead to. */
function checkAgainstChain(request: Uint8Array, outcome: Uint8Array | number): void {
  const judged = judgeHeader(request)
  const hex = Buffer.from(request).toString('hex')
  assert.equal(outcome === DROP, judged === 'drop', hex)
  if (typeof judged === 'object') assert.deepEqual(outcome, judged, hex)
  if (judged !== 'accept' || typeof outcome === 'number') return
  const reply = parseMessage(outcome)
  assert.equal(reply.response, true)
  try {
    const message = parseMessage(request)
    assert.notEqual(reply.rcode, 1, `a message that parses is no FORMERR: ${hex}`)
    assert.deepEqual(reply.questions, message.questions, hex)
  } catch (error) {
    if (!(error instanceof ParseError)) throw error
    assert.deepEqual(outcome, new Uint8Array(formatErrorReply(error)!), hex)
  }
}
