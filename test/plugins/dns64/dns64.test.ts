/** RFC 6147: AAAA records out of A records, for clients that have IPv6 alone. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { rcode } from '../../../src/dns/codes.ts'
import { recordText } from '../../../src/dns/rdata.ts'
import type { Outcome } from '../../../src/plugin/query.ts'
import { dns64 } from '../../../src/plugins/dns64/index.ts'
import { ask, handle, messageOf, type Reply, replying, setUp } from '../../support/plugin-harness.ts'

const soa = 'example. 300 IN SOA ns.example. root.example. 1 2 3 4 5'

interface Case {
  readonly directive?: string
  readonly question?: string
  readonly client?: string
  readonly aaaa: Reply
  readonly a?: Reply
}

async function answers(given: Case): Promise<readonly string[]> {
  const query = ask(given.question ?? 'a.example. AAAA', { client: given.client ?? '2001:db8::1' })
  const lookup = async (name: string): Promise<Outcome> => replying(given.a)(ask(`${name} A`)) as Outcome
  const outcome = await handle(setUp(dns64, given.directive ?? 'dns64'), { ...query, lookup }, replying(given.aaaa))
  assert.equal(outcome.kind, 'reply')
  const { message } = outcome as Extract<Outcome, { kind: 'reply' }>
  return [
    Object.keys(rcode).find((name) => rcode[name as keyof typeof rcode] === message.rcode)!,
    ...message.answer.map(recordText),
  ]
}

/** The options of the reply's OPT record, where the A lookup had one. */
async function optionsOfReply(): Promise<readonly number[] | undefined> {
  const edns = {
    version: 0,
    payloadSize: 1232,
    dnssecOk: false,
    extendedRcode: 0,
    options: [{ code: 15, data: Uint8Array.of(0, 17) }],
  }
  const query = ask('a.example. AAAA', { client: '2001:db8::1' })
  const lookup = async (): Promise<Outcome> => {
    const message = { ...messageOf(replying()(query) as Outcome), edns }
    return { kind: 'reply', plugin: 'test', message }
  }
  const outcome = await handle(setUp(dns64, 'dns64'), { ...query, lookup }, replying(noAaaa))
  return messageOf(outcome).edns?.options.map(({ code }) => code)
}

const noAaaa: Reply = { authority: [soa] }
const a: Reply = { answer: ['a.example. 600 IN CNAME b.example.', 'b.example. 600 IN A 192.0.2.33'] }

describe('the plugin dns64', () => {
  it('the extended error of the A lookup is in the reply', async () => assert.deepEqual(await optionsOfReply(), [15]))

  it('the RD flag of the reply is that of the request, as a plugin behind has made it', async () => {
    const withoutRd = (outcome: Outcome): Outcome => ({
      ...outcome,
      recursionDesired: true,
      requestRecursionDesired: false,
    })
    const query = ask('a.example. AAAA', { client: '2001:db8::1' })
    const lookup = async (name: string): Promise<Outcome> => replying(a)(ask(`${name} A`)) as Outcome
    const outcome = await handle(setUp(dns64, 'dns64'), { ...query, lookup }, (asked) =>
      withoutRd(replying(noAaaa)(asked) as Outcome),
    )
    assert.equal(outcome.recursionDesired, false)
  })

  const cases: readonly (readonly [title: string, given: Case, expected: readonly string[]])[] = [
    [
      'a name without AAAA gets its A records below the well-known prefix, with the TTL of the SOA at most',
      { aaaa: noAaaa, a },
      ['NOERROR', 'a.example. 600 IN CNAME b.example.', 'b.example. 300 IN AAAA 64:ff9b::c000:221'],
    ],
    [
      'a name with AAAA keeps it',
      { aaaa: { answer: ['a.example. 60 IN AAAA 2001:db8::5'] }, a },
      ['NOERROR', 'a.example. 60 IN AAAA 2001:db8::5'],
    ],
    ['a name that does not exist stays so', { aaaa: { rcode: 'NXDOMAIN', authority: [soa] }, a }, ['NXDOMAIN']],
    ['a client of IPv4 gets no translation', { aaaa: noAaaa, a, client: '192.0.2.1' }, ['NOERROR']],
    [
      'a client of IPv4 gets one where allow_ipv4 is set',
      {
        directive: 'dns64 {\nallow_ipv4\n}',
        aaaa: noAaaa,
        a: { answer: ['a.example. 60 IN A 192.0.2.33'] },
        client: '192.0.2.1',
      },
      ['NOERROR', 'a.example. 60 IN AAAA 64:ff9b::c000:221'],
    ],
    ['the rcode of a failed A lookup is the answer', { aaaa: noAaaa, a: { rcode: 'REFUSED' } }, ['REFUSED']],
    [
      'queries for other types pass',
      { question: 'a.example. A', aaaa: { answer: ['a.example. 60 IN A 192.0.2.9'] } },
      ['NOERROR', 'a.example. 60 IN A 192.0.2.9'],
    ],
  ]
  for (const [title, given, expected] of cases)
    it(`where dns64 is on, ${title}`, async () => assert.deepEqual(await answers(given), expected))

  // RFC 6052 §2.4.
  const prefixes: readonly (readonly [string, string])[] = [
    ['2001:db8::/32', '2001:db8:c000:221::'],
    ['2001:db8:100::/40', '2001:db8:1c0:2:21::'],
    ['2001:db8:122::/48', '2001:db8:122:c000:2:2100::'],
    ['2001:db8:122:300::/56', '2001:db8:122:3c0:0:221::'],
    ['2001:db8:122:344::/64', '2001:db8:122:344:c0:2:2100:0'],
    ['2001:db8:122:344::/96', '2001:db8:122:344::c000:221'],
  ]
  for (const [prefix, expected] of prefixes)
    it(`192.0.2.33 below ${prefix} is ${expected}`, async () => {
      const given = { directive: `dns64 ${prefix}`, aaaa: noAaaa, a: { answer: ['a.example. 60 IN A 192.0.2.33'] } }
      assert.deepEqual(await answers(given), ['NOERROR', `a.example. 60 IN AAAA ${expected}`])
    })

  for (const prefix of ['2001:db8::/72', '192.0.2.0/24', '2001:db8::'])
    it(`the prefix ${prefix} is refused`, () => assert.throws(() => setUp(dns64, `dns64 ${prefix}`), /Corefile:2:7/))
})
