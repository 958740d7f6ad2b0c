/** DNS messages: what is read and written again reads the same, whatever the octets around it are. */
import assert from 'node:assert/strict'
import { dnsClass } from '../../../src/dns/codes.ts'
import type { Message, ResourceRecord } from '../../../src/dns/message.ts'
import { queryMessage } from '../../../src/dns/query.ts'
import { recordText } from '../../../src/dns/rdata.ts'
import { parseRecord } from '../../../src/dns/record-text.ts'
import { formatErrorReply } from '../../../src/dns/reply.ts'
import { encodeMessage, ParseError, parseMessage } from '../../../src/dns/wire.ts'
import { ednsOf, questionMessage } from '../../answer/harness.ts'
import { cases } from '../../answer/message-cases.ts'
import type { Target } from '../engine/target.ts'
import { mutateMessage, wireWords } from '../lib/message-octets.ts'

const records = [
  'a.example. 60 IN A 192.0.2.1',
  'a.example. 60 IN AAAA 2001:db8::1',
  'a.example. 60 IN CNAME b.example.',
  'a.example. 60 IN SOA ns.example. host.example. 1 2 3 4 5',
  '_http._tcp.a.example. 60 IN SRV 1 2 80 b.a.example.',
  'a.example. 60 IN TXT "a" "b"',
  'a.example. 60 IN MX 10 mail.a.example.',
  'a.example. 60 IN HTTPS 1 . alpn=h2 port=443',
  'a.example. 60 IN RRSIG A 13 2 60 20300101000000 20200101000000 1 a.example. AAAA',
  'a.example. 60 IN NSEC b.a.example. A AAAA',
  'a.example. 60 IN NAPTR 1 2 "u" "sip" "!a!b!" .',
  'a.example. 60 IN CAA 0 issue "ca.example"',
  'a.example. 60 IN TYPE4711 \\# 2 0102',
].map(parseRecord)

const reply = (answer: readonly ResourceRecord[], change: Partial<Message> = {}): Message => ({
  ...queryMessage('a.example.', 255, true),
  response: true,
  answer,
  ...change,
})

const encode = (message: Message) => encodeMessage(message, { limit: 65_535 })

export const target: Target = {
  seeds: [
    ...records.map((record) => encode(reply([record]))),
    encode(reply(records, { authority: records.slice(0, 3), additional: records.slice(3), edns: ednsOf() })),
    encode(questionMessage('web.example.', 1, { edns: ednsOf({ options: [{ code: 10, data: new Uint8Array(8) }] }) })),
    ...cases.map(({ request }) => new Uint8Array(Buffer.from(request, 'hex'))),
  ],
  words: wireWords,
  maxOctets: 4096,
  // A pointer of two octets stands for a name of 255, each of which is read, spelled and written.
  maxSteps: (octets) => 20_000 + 4_000 * octets,
  mutate: mutateMessage,
  check(input) {
    let message: Message
    try {
      message = parseMessage(input)
    } catch (error) {
      assert.ok(error instanceof ParseError, String(error))
      assert.equal(error.partial === undefined, input.length < 12)
      const answer = formatErrorReply(error)
      if (answer !== undefined) assert.ok(parseMessage(answer).response)
      return
    }
    const around = new Uint8Array(input.length + 40).fill(0xc0)
    around.set(input, 20)
    assert.deepEqual(parseMessage(around, 20, 20 + input.length), message)
    checkRoundTrip(message)
    for (const record of [...message.answer, ...message.authority, ...message.additional]) checkText(record)
  },
}

function checkRoundTrip(message: Message): void {
  const octets = encode(message)
  assert.ok(octets.length <= 65_535)
  const again = parseMessage(octets)
  // Names that differ in case alone are not compressed: the message may be too long now.
  if (again.truncated && !message.truncated) return
  assert.deepEqual(again, message)
  const short = encodeMessage(message, { limit: 512 })
  const cut = parseMessage(short)
  const kept = [...cut.answer, ...cut.authority, ...cut.additional]
  if (kept.length > 0) assert.ok(short.length <= 512, `${short.length} octets`)
  assert.deepEqual(kept, [...message.answer, ...message.authority, ...message.additional].slice(0, kept.length))
}

const hasTypes = [47, 50, 62]

/** A record is the same in a zone file. */
function checkText(record: ResourceRecord): void {
  if (record.class !== dnsClass.IN || record.type === 41 || record.ttl > 0x7fffffff) return
  const text = recordText(record)
  const read = parseRecord(text)
  // Zeros at the end of a list of types, and its windows out of order, which RFC 4034 §4.1.2 forbids, are not written.
  if (hasTypes.includes(record.type)) assert.deepEqual(recordText(read).split(' ').sort(), text.split(' ').sort())
  else assert.deepEqual(read, record)
}
