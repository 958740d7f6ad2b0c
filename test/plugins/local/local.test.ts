/** RFC 6761 and RFC 6303: localhost never leaves the host. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { rcodeName } from '../../../src/dns/codes.ts'
import { recordText } from '../../../src/dns/rdata.ts'
import { transparency } from '../../../src/plugin/capabilities/transparency.ts'
import { capabilityOf } from '../../../src/plugin/capability.ts'
import { local } from '../../../src/plugins/local/index.ts'
import { ask, createPluginHarness, failing, handle, setUp } from '../../support/plugin-harness.ts'

async function seen(directive: string, question: string): Promise<string> {
  const outcome = await handle(setUp(local, directive), ask(question), failing(5))
  if (outcome.kind !== 'reply') return 'passed'
  const { rcode, answer, authority } = outcome.message
  return [rcodeName(rcode), ...[...answer, ...authority].map(recordText)].join(' | ')
}

const soa = (name: string) => `${name} 604800 IN SOA localhost. root.localhost. 1 0 0 0 604800`

describe('the plugin local', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['localhost. A', 'NOERROR | localhost. 604800 IN A 127.0.0.1'],
    ['LocalHost. AAAA', 'NOERROR | LocalHost. 604800 IN AAAA ::1'],
    ['localhost. NS', 'NOERROR | localhost. 604800 IN NS localhost.'],
    ['localhost. SOA', `NOERROR | ${soa('localhost.')}`],
    ['localhost. TXT', `NOERROR | ${soa('localhost.')}`],
    ['a.localhost. A', 'NOERROR | a.localhost. 604800 IN A 127.0.0.1'],
    ['localhost.example.org. A', 'NOERROR | localhost.example.org. 604800 IN A 127.0.0.1'],
    ['localhost.example.org. TXT', `NOERROR | ${soa('localhost.example.org.')}`],
    ['1.0.0.127.in-addr.arpa. PTR', 'NOERROR | 1.0.0.127.in-addr.arpa. 604800 IN PTR localhost.'],
    ['1.0.0.127.in-addr.arpa. A', `NOERROR | ${soa('127.in-addr.arpa.')}`],
    ['2.0.0.127.in-addr.arpa. PTR', `NXDOMAIN | ${soa('127.in-addr.arpa.')}`],
    ['0.in-addr.arpa. A', `NOERROR | ${soa('0.in-addr.arpa.')}`],
    ['example.org. A', 'passed'],
  ]
  for (const [question, expected] of cases)
    it(`a query for ${question} gets ${expected}`, async () => assert.equal(await seen('local', question), expected))

  it('names that begin with localhost pass where localhost_prefix is off', async () =>
    assert.equal(await seen('local {\nlocalhost_prefix off\n}', 'localhost.example.org. A'), 'passed'))

  it('queries for names below localhost are counted', async () => {
    const harness = createPluginHarness()
    await handle(setUp(local, 'local', harness), ask('a.localhost. A'), failing(5))
    assert.match(await harness.metrics.text(), /coredns_local_localhost_requests_total 1/)
  })

  it('names of the cluster stay in the table', () => {
    const claims = capabilityOf(setUp(local, 'local'), transparency)!
    assert.equal(claims.claims('web.default.svc.cluster.local.'), undefined)
    assert.notEqual(claims.claims('localhost.default.svc.cluster.local.'), undefined)
  })
})
