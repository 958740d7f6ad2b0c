import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { recordText } from '../../../src/dns/rdata.ts'
import { whoami } from '../../../src/plugins/whoami/index.ts'
import { type Asked, ask, handle, messageOf, replying, setUp } from '../../support/plugin-harness.ts'

/** A name of so many octets. */
const nameOf = (octets: number): string => `${`${'x'.repeat(63)}.`.repeat(3)}${'y'.repeat(octets - 3 * 64 - 2)}.`

describe('whoami', () => {
  const cases: readonly { name: string; question: string; asked: Asked; additional: readonly string[] }[] = [
    {
      name: 'tells an IPv4 client its address and UDP port, in the case of its question',
      question: 'W.test. A',
      asked: { client: '127.0.0.1', port: 34493 },
      additional: ['W.test. 0 IN A 127.0.0.1', '_udp.W.test. 0 IN SRV 0 0 34493 .'],
    },
    {
      name: 'tells an IPv6 client, whatever it asks for; streams are tcp',
      question: 'w.test. TXT',
      asked: { client: '2001:db8::7', port: 5, transport: 'tls' },
      additional: ['w.test. 0 IN AAAA 2001:db8::7', '_tcp.w.test. 0 IN SRV 0 0 5 .'],
    },
    {
      name: 'answers for the root',
      question: '. NS',
      asked: { client: '192.0.2.1', port: 1 },
      additional: ['. 0 IN A 192.0.2.1', '_udp. 0 IN SRV 0 0 1 .'],
    },
    {
      name: 'gives the port below a name of 250 octets',
      question: `${nameOf(250)} A`,
      asked: { client: '192.0.2.1', port: 1 },
      additional: [`${nameOf(250)} 0 IN A 192.0.2.1`, `_udp.${nameOf(250)} 0 IN SRV 0 0 1 .`],
    },
    {
      name: 'gives no port below a name of 251 octets: no client could read it',
      question: `${nameOf(251)} A`,
      asked: { client: '192.0.2.1', port: 1 },
      additional: [`${nameOf(251)} 0 IN A 192.0.2.1`],
    },
  ]
  for (const { name, question, asked, additional } of cases)
    it(`the plugin whoami ${name}`, async () => {
      const message = messageOf(await handle(setUp(whoami, 'whoami'), ask(question, asked), replying()))
      assert.deepEqual(
        message.additional.map(recordText).map((line) => line.replace(/\s+/g, ' ')),
        additional,
      )
      assert.deepEqual([message.rcode, message.authoritative, message.answer, message.authority], [0, true, [], []])
    })

  it('the plugin whoami answers in the class of the question', async () => {
    const query = { ...ask('w.test. A'), qclass: 3 }
    const { additional } = messageOf(await handle(setUp(whoami, 'whoami'), query, replying()))
    assert.deepEqual(
      additional.map((record) => record.class),
      [3, 3],
    )
  })
})
