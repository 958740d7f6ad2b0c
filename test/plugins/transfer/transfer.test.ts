import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { rcodeName } from '../../../src/dns/codes.ts'
import type { Message } from '../../../src/dns/message.ts'
import { recordText } from '../../../src/dns/rdata.ts'
import { parseRecord } from '../../../src/dns/record-text.ts'
import { encodeMessage } from '../../../src/dns/wire.ts'
import { provide } from '../../../src/plugin/capability.ts'
import type { Instance } from '../../../src/plugin/contract.ts'
import type { Outcome } from '../../../src/plugin/query.ts'
import { type TransferSource, transferSource } from '../../../src/plugins/transfer/capability.ts'
import { transfer } from '../../../src/plugins/transfer/index.ts'
import {
  type Asked,
  ask,
  createPluginHarness,
  failing,
  handle,
  messageOf,
  setUp,
} from '../../support/plugin-harness.ts'

const soa = (serial: number) => parseRecord(`a. 5 IN SOA ns.dns.a. hostmaster.a. ${serial} 7200 1800 86400 5`)
const passedOn = 99

/** A plugin with the zone `a.`: `size` addresses, serial 7. */
function zone(size = 2, known = true): Instance {
  const source: TransferSource = {
    zones: ['a.'],
    serial: () => (known ? 7 : undefined),
    snapshot: () =>
      known
        ? {
            serial: 7,
            soa: soa(7),
            records: Array.from({ length: size }, (_, n) =>
              parseRecord(`host-${n}.a. 5 IN A 10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`),
            ).values(),
          }
        : undefined,
    watch: () => ({ stop() {} }),
  }
  return { provides: [provide(transferSource, source)] }
}

function outcomeOf(text: string, question: string, asked: Asked, others: Record<string, Instance>): Outcome {
  const instance = setUp(transfer, text, createPluginHarness(), { others })
  const query = ask(question, { transport: 'tcp', ...asked })
  return handle(instance, query, failing(passedOn)) as Outcome
}

/** Every message of a reply. */
function messagesOf(outcome: Outcome): Message[] {
  const messages = [messageOf(outcome)]
  if (outcome.kind !== 'reply' || !outcome.moreMessages) return messages
  for (let next = outcome.moreMessages.next(); !next.done; next = outcome.moreMessages.next()) messages.push(next.value)
  return messages
}

const told = (outcome: Outcome): string[] =>
  messagesOf(outcome).flatMap(({ answer }) =>
    answer.map((record) => recordText(record).replaceAll(/\s+/g, ' ').split(' ').slice(0, 5).join(' ')),
  )

const whole = [
  'a. 5 IN SOA ns.dns.a.',
  'host-0.a. 5 IN A 10.0.0.0',
  'host-1.a. 5 IN A 10.0.0.1',
  'a. 5 IN SOA ns.dns.a.',
]
const anyone = 'transfer {\nto *\n}'
const has = (serial: number): Asked => ({ request: { authority: [soa(serial)] } })

describe('transfer', () => {
  it('transfer fails at a record that a message does not hold beside a signature, and leaves none out', () => {
    const large = (octets: number) => parseRecord(`large.a. 5 IN TYPE65280 \\# ${octets} ${'00'.repeat(octets)}`)
    const source = (octets: number): Instance => ({
      provides: [
        provide(transferSource, {
          zones: ['a.'],
          serial: () => 7,
          snapshot: () => ({ serial: 7, soa: soa(7), records: [large(octets)].values() }),
          watch: () => ({ stop() {} }),
        }),
      ],
    })
    const transferred = (octets: number) => messagesOf(outcomeOf(anyone, 'a. AXFR', {}, { zone: source(octets) }))
    assert.equal(transferred(64_600).flatMap(({ answer }) => answer).length, 3)
    assert.throws(() => transferred(65_000), /a record of large\.a\. is too large for a zone transfer/)
  })

  const gives: readonly (readonly [string, string, string, Asked, readonly string[]])[] = [
    ['the zone between its SOA and its SOA', anyone, 'a. AXFR', {}, whole],
    ['the zone to a question in another case', anyone, 'A. AXFR', {}, whole],
    ['the zone over TLS', anyone, 'a. AXFR', { transport: 'tls' }, whole],
    ['the zone to who is listed', 'transfer {\nto 192.0.2.9 192.0.2.1\n}', 'a. AXFR', {}, whole],
    ['the zone to who is listed with a port', 'transfer {\nto 192.0.2.1:5300\n}', 'a. AXFR', { port: 1 }, whole],
    [
      'the zone to an IPv6 address however it is written',
      'transfer {\nto 2001:DB8:0::1\n}',
      'a. AXFR',
      { client: '2001:db8::1' },
      whole,
    ],
    ['all of it to who has another serial', anyone, 'a. IXFR', has(6), whole],
    ['all of it to who has serial 0', anyone, 'a. IXFR', has(0), whole],
    ['the SOA alone to who has this serial', anyone, 'a. IXFR', has(7), [whole[0]]],
    [
      'what the rule of the longest zone allows',
      `transfer . {\nto 192.0.2.9\n}\ntransfer a. {\nto *\n}`,
      'a. AXFR',
      {},
      whole,
    ],
  ]
  for (const [name, text, question, asked, records] of gives)
    it(`transfer gives the zone: ${name}`, () =>
      assert.deepEqual(told(outcomeOf(text, question, asked, { other: zone() })), records))

  const denies: readonly (readonly [string, string, string, Asked, string])[] = [
    ['REFUSED over UDP', anyone, 'a. AXFR', { transport: 'udp' }, 'REFUSED'],
    ['REFUSED over UDP, for IXFR too', anyone, 'a. IXFR', { transport: 'udp' }, 'REFUSED'],
    ['REFUSED over HTTPS, whose replies are single messages', anyone, 'a. AXFR', { transport: 'https' }, 'REFUSED'],
    ['REFUSED to who is not listed', 'transfer {\nto 192.0.2.9\n}', 'a. AXFR', {}, 'REFUSED'],
    ['SERVFAIL to an IXFR that tells no serial', anyone, 'a. IXFR', {}, 'SERVFAIL'],
    ['SERVFAIL to an IXFR that tells no serial of a zone that nobody has', anyone, 'nobody. IXFR', {}, 'SERVFAIL'],
    [
      'SERVFAIL to an IXFR with something else than a SOA',
      anyone,
      'a. IXFR',
      { request: { authority: [parseRecord('a. 5 IN A 192.0.2.1')] } },
      'SERVFAIL',
    ],
  ]
  for (const [name, text, question, asked, code] of denies)
    it(`transfer answers as listed: ${name}`, () => {
      const outcome = outcomeOf(text, question, asked, { other: zone() })
      assert.equal(
        rcodeName(outcome.kind === 'reply' ? outcome.message.rcode : outcome.kind === 'rcode' ? outcome.rcode : 0),
        code,
      )
    })

  it('transfer answers SERVFAIL while not all of a zone is known', () => {
    const outcome = outcomeOf(anyone, 'a. AXFR', {}, { other: zone(2, false) })
    assert.deepEqual(outcome.kind === 'rcode' && [outcome.rcode, outcome.error?.message], [
      2,
      'the zone is not completely known yet',
    ])
  })

  const passes: readonly (readonly [string, string, string])[] = [
    ['other questions', anyone, 'a. SOA'],
    ['names below a zone', anyone, 'x.a. AXFR'],
    ['zones that no plugin has', anyone, 'b. AXFR'],
    ['zones that it is not for', 'transfer b. {\nto *\n}', 'a. AXFR'],
  ]
  for (const [name, text, question] of passes)
    it(`transfer passes ${name} on`, () => {
      const outcome = outcomeOf(text, question, {}, { other: zone() })
      assert.equal(outcome.kind === 'rcode' && outcome.rcode, passedOn)
    })

  it('transfer cuts a zone into messages that fit, each a reply to the question', () => {
    const messages = messagesOf(outcomeOf(anyone, 'a. AXFR', {}, { other: zone(5_000) }))
    assert.ok(messages.length > 5)
    assert.equal(messages.flatMap(({ answer }) => answer).length, 5_002)
    for (const message of messages) {
      assert.deepEqual(
        [message.id, message.response, message.authoritative, message.questions[0].name],
        [17, true, true, 'a.'],
      )
      const octets = encodeMessage(message, { limit: 0xffff })
      assert.equal((octets[2] & 2) !== 0, false, 'nothing is cut off')
    }
  })

  it('transfer logs what went where', () => {
    const harness = createPluginHarness()
    const instance = setUp(transfer, anyone, harness, { others: { other: zone() } })
    messagesOf(handle(instance, ask('a. AXFR', { transport: 'tcp' }), failing(passedOn)) as Outcome)
    messageOf(handle(instance, ask('a. IXFR', { transport: 'tcp', ...has(7) }), failing(passedOn)) as Outcome)
    assert.deepEqual(harness.lines, [
      '[INFO] plugin/transfer: Outgoing transfer of 4 records of zone "a." to 192.0.2.1 for 7 SOA serial',
      '[INFO] plugin/transfer: Outgoing noop, incremental transfer for up to date zone "a." to 192.0.2.1 for 7 SOA serial',
    ])
  })
})
