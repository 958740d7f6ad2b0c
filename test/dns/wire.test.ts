import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type } from '../../src/dns/codes.ts'
import type { Message, ResourceRecord } from '../../src/dns/message.ts'
import { labelsOf, nameToWire, wireToName } from '../../src/dns/name.ts'
import { rdata, recordText } from '../../src/dns/rdata.ts'
import { parseRecord } from '../../src/dns/record-text.ts'
import { encodeMessage, ParseError, parseMessage } from '../../src/dns/wire.ts'
import { wireName } from './arbitraries.ts'

/** Plain objects, which deepEqual takes for the parser's. */
const row = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>

const name = wireName.map((wire) => wireToName(wire, 0))
const uint16 = fc.nat(0xffff)
/** Names that share suffixes, so that compression has something to do. */
const kindredName = fc.oneof(
  name,
  fc.constantFrom('.', 'com.', 'example.com.', 'www.example.com.', 'Example.com.', 'a\\.b.example.com.'),
)
const octets = fc.uint8Array({ maxLength: 80 })
const record: fc.Arbitrary<ResourceRecord> = fc
  .oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => ({ type: type.A, rdata: bytes })),
    fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => ({ type: type.AAAA, rdata: bytes })),
    kindredName.map((target) => ({ type: type.CNAME, rdata: rdata.name(target) })),
    kindredName.map((target) => ({ type: type.DNAME, rdata: rdata.name(target) })),
    row({ priority: uint16, weight: uint16, port: uint16, target: kindredName }).map((srv) => ({
      type: type.SRV,
      rdata: rdata.srv(srv),
    })),
    row({ preference: uint16, exchange: kindredName }).map((mx) => ({
      type: type.MX,
      rdata: parseRecord(`x. MX ${mx.preference} ${mx.exchange}`).rdata,
    })),
    fc.array(octets, { minLength: 1, maxLength: 4 }).map((strings) => ({ type: type.TXT, rdata: rdata.txt(strings) })),
    fc.tuple(kindredName, kindredName, uint16).map(([mname, rname, serial]) => ({
      type: type.SOA,
      rdata: rdata.soa({ mname, rname, serial, refresh: 1, retry: 2, expire: 3, minimum: 4 }),
    })),
    octets.map((bytes) => ({ type: 65280, rdata: bytes })),
  )
  .chain((typed) =>
    row({ name: kindredName, class: fc.constant(1), ttl: fc.nat(0x7fffffff) }).map((head) => ({ ...head, ...typed })),
  )
const records = fc.array(record, { maxLength: 12 })
const edns = row({
  version: fc.nat(255),
  payloadSize: uint16,
  dnssecOk: fc.boolean(),
  extendedRcode: fc.nat(255),
  options: fc.array(row({ code: uint16, data: octets }), { maxLength: 3 }),
})
const message: fc.Arbitrary<Message> = row({
  id: uint16,
  response: fc.boolean(),
  opcode: fc.nat(15),
  authoritative: fc.boolean(),
  truncated: fc.constant(false),
  recursionDesired: fc.boolean(),
  recursionAvailable: fc.boolean(),
  reserved: fc.boolean(),
  authenticData: fc.boolean(),
  checkingDisabled: fc.boolean(),
  rcode: fc.nat(15),
  questions: fc.array(row({ name: kindredName, type: uint16, class: uint16 }), { minLength: 1, maxLength: 1 }),
  answer: records,
  authority: records,
  additional: records,
  edns: fc.option(edns, { nil: undefined }),
}).map((made) => (made.edns ? { ...made, rcode: (made.edns.extendedRcode << 4) | made.rcode } : made))

const all = (whole: Message): readonly ResourceRecord[] => [...whole.answer, ...whole.authority, ...whole.additional]

test('a message survives encoding and parsing', () => {
  fc.assert(fc.property(message, (made) => assert.deepEqual(parseMessage(encodeMessage(made, { limit: 65535 })), made)))
})

test('a message inside a larger buffer is parsed by its own offsets', () => {
  fc.assert(
    fc.property(message, fc.uint8Array({ maxLength: 30 }), (made, around) => {
      const wire = encodeMessage(made, { limit: 65535 })
      const buffer = Buffer.concat([around, wire, around])
      assert.deepEqual(parseMessage(buffer, around.length, around.length + wire.length), made)
    }),
  )
})

test('truncation keeps whole records in order, as many as fit, and says so with TC', () => {
  fc.assert(
    fc.property(message, fc.integer({ min: 512, max: 1500 }), (made, limit) => {
      const wire = encodeMessage(made, { limit })
      const sent = parseMessage(wire)
      const kept = all(sent)
      assert.ok(wire.length <= limit)
      assert.deepEqual(kept, all(made).slice(0, kept.length))
      const missing = all(made).length - kept.length
      assert.equal(sent.truncated, missing > 0)
      assert.equal(sent.edns === undefined, made.edns === undefined)
      if (missing > 0) {
        const onlyOneMore = [sent.answer.length, sent.authority.length, sent.additional.length]
        const section = onlyOneMore.findIndex((n, i) => n < [made.answer, made.authority, made.additional][i].length)
        onlyOneMore[section]++
        const withOneMore = {
          ...made,
          edns: sent.edns,
          answer: made.answer.slice(0, onlyOneMore[0]),
          authority: made.authority.slice(0, onlyOneMore[1]),
          additional: made.additional.slice(0, onlyOneMore[2]),
        }
        assert.ok(encodeMessage(withOneMore, { limit: 65535 }).length > limit)
      }
    }),
  )
})

const parseOutcome = (bytes: Uint8Array): Message | ParseError => {
  try {
    return parseMessage(bytes)
  } catch (error) {
    assert.ok(error instanceof ParseError, String(error))
    return error
  }
}

test('any octets are a message or a ParseError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => void parseOutcome(bytes)),
    { numRuns: 2000 },
  )
})

test('octets that are no message cost no stack trace: their sender would choose that they do', () => {
  const question = [3, 0x77, 0x77, 0x77, 0xc0, 0xff, 0, 1, 0, 1]
  const outcome = parseOutcome(Uint8Array.of(0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...question))
  assert.ok(outcome instanceof ParseError)
  assert.equal(outcome.stack, 'ParseError: question: a compression pointer does not point backwards')
  assert.match(new Error('any other').stack!, /\n {4}at /)
})

test('a damaged message is a message that can be sent again, or a ParseError', () => {
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 })
  fc.assert(
    fc.property(message, damage, fc.nat(), (made, changes, cut) => {
      const wire = encodeMessage(made, { limit: 65535 })
      for (const [at, octet] of changes) wire[at % wire.length] = octet
      const outcome = parseOutcome(wire.subarray(0, wire.length - (cut % 3 === 0 ? cut % wire.length : 0)))
      if (outcome instanceof ParseError) return
      const again = encodeMessage(outcome, { limit: 65535 })
      assert.deepEqual(parseMessage(again).answer, outcome.answer)
      for (const each of all(outcome)) recordText(each)
    }),
    { numRuns: 1000 },
  )
})

test('every record can be written as text and read again', () => {
  fc.assert(fc.property(record, (made) => assert.deepEqual(parseRecord(recordText(made)), made)))
})

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replace(/\s/g, ''), 'hex'))
const header = (counts: string): string => `0001 8000 ${counts}`

test('60 A records to a client without EDNS: 29 and TC, as CoreDNS', () => {
  const answer = Array.from({ length: 60 }, (_, i) => parseRecord(`big.test.svc.cluster.local. 5 IN A 10.0.0.${i}`))
  const reply = { ...parseMessage(hex('0001 0100 0000 0000 0000 0000')), response: true, answer }
  const question = { name: 'big.test.svc.cluster.local.', type: 1, class: 1 }
  const sent = parseMessage(encodeMessage({ ...reply, questions: [question] }, { limit: 512 }))
  assert.equal(sent.answer.length, 29)
  assert.ok(sent.truncated)
})

test('RFC 3597 §4: names of SRV records are never compressed, but later owners may point to them', () => {
  const answer = [parseRecord('_p._tcp.s.example.com. 5 IN SRV 0 0 80 a.s.example.com.')]
  const additional = [parseRecord('a.s.example.com. 5 IN A 10.0.0.1')]
  const base = parseMessage(hex('0001 8000 0000 0000 0000 0000'))
  const wire = encodeMessage({ ...base, answer, additional }, { limit: 512 })
  assert.ok(Buffer.from(wire).includes(rdata.name('a.s.example.com.')))
  assert.equal(wire.length, 12 + 23 + 10 + 6 + 17 + 2 + 10 + 4)
})

/** Octets of names written one after the other where each suffix that was written before is a pointer. */
function compressedOctets(names: readonly string[]): number {
  const written = new Set<string>()
  let octets = 0
  for (const one of names) {
    const labels = labelsOf(one)
    const known = labels.findIndex((_, i) => written.has(labels.slice(i).join('.')))
    const fresh = known < 0 ? labels : labels.slice(0, known)
    octets += fresh.reduce((sum, label) => sum + nameToWire(`${label}.`).length - 1, known < 0 ? 1 : 2)
    labels.forEach((_, i) => {
      written.add(labels.slice(i).join('.'))
    })
  }
  return octets
}

test('a suffix of a name that stands in the message already is not written again (RFC 1035 §4.1.4)', () => {
  const label = fc.constantFrom('a', 'b', 'A', '\\.', '\\000')
  const related = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => `${labels.join('.')}.`)
  fc.assert(
    fc.property(related, fc.array(related, { maxLength: 30 }), message, (asked, owners, made) => {
      const answer = owners.map((owner) => ({ name: owner, type: type.A, class: 1, ttl: 5, rdata: new Uint8Array(4) }))
      const questions = [{ name: asked, type: type.A, class: 1 }]
      const whole = { ...made, questions, answer, authority: [], additional: [], edns: undefined, rcode: 0 }
      const wire = encodeMessage(whole, { limit: 65535 })
      assert.deepEqual(parseMessage(wire), whole)
      assert.equal(wire.length, 12 + 4 + 14 * owners.length + compressedOctets([asked, ...owners]))
    }),
  )
})

test('names beyond the reach of a pointer are written whole, and those within it are still pointed to', () => {
  const owner = (i: number) => `endpoint-${i}.a-service.in-a-namespace-${i % 3}.svc.cluster.local.`
  const answer = Array.from({ length: 1_000 }, (_, i) => parseRecord(`${owner(i % 700)} 5 IN A 10.0.0.1`))
  const base = parseMessage(hex('0001 8000 0000 0000 0000 0000'))
  const whole = { ...base, questions: [{ name: owner(0), type: 1, class: 1 }], answer }
  const wire = encodeMessage(whole, { limit: 65535 })
  assert.deepEqual(parseMessage(wire), whole)
  assert.ok(wire.length > 0x4000 && wire.length < 1_000 * 40)
})

test('compressed names in rdata are decompressed, of types that should not have them as well', () => {
  const wire = hex(
    `${header('0001 0001 0000 0000')} 01 61 00 0021 0001 c00c 0021 0001 00000005 0008 0000 0000 0050 c00c`,
  )
  assert.equal(recordText(parseMessage(wire).answer[0]), 'a. 5 IN SRV 0 0 80 a.')
})

test('malformed messages are refused at the stage where they break, with the question once it had parsed', () => {
  const question = '0161 00 0001 0001'
  for (const [what, stage, text] of [
    ['no whole header', 'header', '0001 8000 0001'],
    ['a pointer to itself', 'question', `${header('0001 0000 0000 0000')} c00c 0001 0001`],
    ['a pointer forwards', 'question', `${header('0001 0000 0000 0000')} c010 0001 0001 0161 00`],
    ['a pointer into the header', 'question', `${header('0001 0000 0000 0000')} c000 0001 0001`],
    ['an unknown kind of label', 'question', `${header('0001 0000 0000 0000')} 40 00 0001 0001`],
    ['a question without class', 'question', `${header('0001 0000 0000 0000')} 0161 00 0001`],
    ['fewer records than counted', 'answer', `${header('0001 0001 0000 0000')} ${question}`],
    [
      'an A record of 5 octets',
      'answer',
      `${header('0001 0001 0000 0000')} ${question} c00c 0001 0001 00000005 0005 0102030405`,
    ],
    ['an empty A record', 'answer', `${header('0001 0001 0000 0000')} ${question} c00c 0001 0001 00000005 0000`],
    [
      'a TXT string past its rdata',
      'authority',
      `${header('0001 0000 0001 0000')} ${question} c00c 0010 0001 00000005 0002 0561`,
    ],
    [
      'a name past its rdata',
      'answer',
      `${header('0001 0001 0000 0000')} ${question} c00c 0005 0001 00000005 0002 0161 00`,
    ],
    [
      'octets after the name in rdata',
      'answer',
      `${header('0001 0001 0000 0000')} ${question} c00c 0005 0001 00000005 0003 c00c 00`,
    ],
    [
      'an EDNS option past its record',
      'additional',
      `${header('0001 0000 0000 0001')} ${question} 00 0029 1000 00000000 0004 000a 0008`,
    ],
  ]) {
    const outcome = parseOutcome(hex(text))
    assert.ok(outcome instanceof ParseError, what)
    assert.equal(outcome.stage, stage, what)
    assert.equal(outcome.partial?.questions.length ?? 0, stage === 'header' || stage === 'question' ? 0 : 1, what)
  }
})

test('octets after the message, a second OPT and a header alone are accepted', () => {
  const twoOpts = `${header('0001 0000 0000 0002')} 0161 00 0001 0001 00 0029 0200 00000000 0000 00 0029 1000 00008000 0000 ffff`
  const parsed = parseMessage(hex(twoOpts))
  assert.deepEqual(parsed.edns, { version: 0, payloadSize: 4096, dnssecOk: true, extendedRcode: 0, options: [] })
  assert.deepEqual(parsed.additional, [])
  assert.deepEqual(parseMessage(hex(header('0001 0000 0000 0000'))).questions, [])
})

test('a TTL with its highest bit set is zero (RFC 2181 §8)', () => {
  const wire = hex(`${header('0001 0001 0000 0000')} 0161 00 0001 0001 c00c 0001 0001 80000005 0004 01020304`)
  assert.equal(parseMessage(wire).answer[0].ttl, 0)
})

/** A response whose records have owners that are pointers into the rdata of the first record. */
function pointingInto(rdata: Uint8Array, targets: (rdataAt: number) => readonly number[], records: number): Uint8Array {
  const question = Uint8Array.of(
    0,
    7,
    0x84,
    0,
    0,
    1,
    (records + 1) >> 8,
    records + 1,
    0,
    0,
    0,
    0,
    1,
    97,
    0,
    0,
    16,
    0,
    1,
  )
  const rdataAt = question.length + 12
  const owner = (target: number): number[] => [0xc0 | (target >> 8), target & 0xff]
  const fixed = (length: number): number[] => [0x03, 0xe7, 0, 1, 0, 0, 0, 5, length >> 8, length & 0xff]
  const ends = targets(rdataAt)
  const others = Array.from({ length: records }, (_, i) => [...owner(ends[i % ends.length]), ...fixed(0)]).flat()
  return Uint8Array.from([...question, ...owner(12), ...fixed(rdata.length), ...rdata, ...others])
}

/** Pointers, each to the one before it, the first to the question's name. */
function pointerChain(length: number): Uint8Array {
  const rdataAt = 19 + 12
  return Uint8Array.from({ length: 2 * length }, (_, i) => {
    const target = i < 2 ? 12 : rdataAt + 2 * ((i >> 1) - 1)
    return i % 2 === 0 ? 0xc0 | (target >> 8) : target & 0xff
  })
}

test('a name has at most 127 compression pointers: 4,000 owners behind a chain of 8,000 are refused at once', () => {
  const lastOf = (pointers: number) => (at: number) => [at + 2 * (pointers - 1)]
  assert.equal(parseMessage(pointingInto(pointerChain(126), lastOf(126), 3)).answer[1].name, 'a.')
  for (const pointers of [127, 8000]) {
    assert.throws(
      () => parseMessage(pointingInto(pointerChain(pointers), lastOf(pointers), 3)),
      /a name has more than 127 compression pointers/,
    )
  }
})

test('names of 64 KiB of pointers to long names are refused where they are longer than any zone needs', () => {
  const long = Uint8Array.from([...Array.from({ length: 126 }, () => [1, 97]).flat(), 0])
  const message = (records: number): Uint8Array => pointingInto(long, (at) => [at, at + 2], records)
  assert.equal(parseMessage(message(2000)).answer.length, 2001)
  assert.throws(() => parseMessage(message(4000)), /the names of the message are too long in all/)
})
