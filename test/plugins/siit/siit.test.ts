/** RFC 7755 and RFC 7757: A records out of AAAA records. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { rcodeName } from '../../../src/dns/codes.ts'
import { recordText } from '../../../src/dns/rdata.ts'
import type { Outcome } from '../../../src/plugin/query.ts'
import { plugins } from '../../../src/plugins/index.ts'
import { siit } from '../../../src/plugins/siit/index.ts'
import { ask, createPluginHarness, handle, type Reply, replying, setUp } from '../../support/plugin-harness.ts'
import { servePlugins } from '../../support/plugin-server.ts'

const soa = 'example. 300 IN SOA ns.example. root.example. 1 2 3 4 5'
const directive = 'siit {\nipv6_prefix 2001:db8:9::/48\neam 192.0.2.77 2001:db8::77\n}'

async function answers(a: Reply, aaaa: Reply, harness = createPluginHarness()): Promise<readonly string[]> {
  const lookup = async (name: string): Promise<Outcome> => replying(aaaa)(ask(`${name} AAAA`)) as Outcome
  const outcome = await handle(setUp(siit, directive, harness), { ...ask('a.example. A'), lookup }, replying(a))
  if (outcome.kind !== 'reply') return [outcome.kind]
  assert.equal(outcome.message.questions[0].type, 1)
  return [rcodeName(outcome.message.rcode), ...outcome.message.answer.map(recordText)]
}

describe('the plugin siit', () => {
  const cases: readonly (readonly [title: string, a: Reply, aaaa: Reply, expected: readonly string[]])[] = [
    [
      'an address below the prefix is translated, one outside of it is left out',
      { authority: [soa] },
      { answer: ['a.example. 600 IN AAAA 2001:db8:9:c000:2:2100::', 'a.example. 600 IN AAAA 2001:db8:7::1'] },
      ['NOERROR', 'a.example. 300 IN A 192.0.2.33'],
    ],
    [
      'an explicit mapping comes first',
      { authority: [soa] },
      { answer: ['a.example. 60 IN AAAA 2001:db8::77'] },
      ['NOERROR', 'a.example. 60 IN A 192.0.2.77'],
    ],
    [
      'a name with A records keeps them',
      { answer: ['a.example. 60 IN A 192.0.2.1'] },
      {},
      ['NOERROR', 'a.example. 60 IN A 192.0.2.1'],
    ],
    ['a name that does not exist stays so', { rcode: 'NXDOMAIN', authority: [soa] }, {}, ['NXDOMAIN']],
    [
      'an address whose octet 8 is not zero is left out',
      { authority: [soa] },
      { answer: ['a.example. 60 IN AAAA 2001:db8:9:c000:102:2100::'] },
      ['NOERROR'],
    ],
    ['the rcode of a failed AAAA lookup is the answer', { authority: [soa] }, { rcode: 'REFUSED' }, ['REFUSED']],
  ]
  for (const [title, a, aaaa, expected] of cases)
    it(`where siit is on, ${title}`, async () => assert.deepEqual(await answers(a, aaaa), expected))

  it("siit and dns64 in one block do not ask for each other's lookups without end", async () => {
    const server = await servePlugins(
      plugins,
      `. {
        siit
        dns64 {
          translate_all
          allow_ipv4
        }
        template IN AAAA example {
          answer "{{ .Name }} 60 IN AAAA 64:ff9b::192.0.2.9"
        }
        template IN A example
      }`,
    )
    try {
      await server.settled
      for (const type of ['A', 'AAAA']) assert.equal(await server.chain(`a.example. ${type}`), 'NOERROR')
    } finally {
      await server.stop()
    }
  })

  it('siit counts only what it translated', async () => {
    const harness = createPluginHarness()
    await answers({ authority: [soa] }, {}, harness)
    assert.doesNotMatch(await harness.metrics.text(), /siit_requests_translated_total\{/)
    await answers({ authority: [soa] }, { answer: ['a.example. 60 IN AAAA 2001:db8::77'] }, harness)
    assert.match(await harness.metrics.text(), /coredns_siit_requests_translated_total\{server="dns:\/\/:53"\} 1/)
  })

  const wrong: readonly (readonly [string, RegExp])[] = [
    ['siit x', /takes no argument/],
    ['siit {\nipv6_prefix 2001:db8::/72\n}', /invalid prefix length/],
    ['siit {\nipv6_prefix 2001:db8:0:0:ff00::/96\n}', /octet 8/],
    ['siit {\neam 2001:db8::1 192.0.2.1\n}', /is not an IPv4 address/],
  ]
  for (const [text, message] of wrong)
    it(`the directive ${JSON.stringify(text)} is refused`, () => assert.throws(() => setUp(siit, text), message))
})
