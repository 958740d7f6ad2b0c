/** Who may ask: the first policy that fits decides, directive by directive. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { transparency } from '../../../src/plugin/capabilities/transparency.ts'
import { capabilityOf } from '../../../src/plugin/capability.ts'
import type { Outcome } from '../../../src/plugin/query.ts'
import { acl } from '../../../src/plugins/acl/index.ts'
import { ask, createPluginHarness, handle, replying, setUp } from '../../support/plugin-harness.ts'

const next = replying({ answer: ['a.example. 60 IN A 192.0.2.1'] })

/** What a client sees: the rcode and the extended error, `drop`, or `answer`. */
function seen(outcome: Outcome): string {
  if (outcome.kind === 'drop') return 'drop'
  if (outcome.kind === 'rcode') return `rcode ${outcome.rcode}`
  const [option] = outcome.message.edns?.options ?? []
  if (option !== undefined) return `${outcome.message.rcode} error ${option.data[1]}`
  if (outcome.message.rcode !== 0) return `${outcome.message.rcode}`
  return outcome.message.answer.length > 0 ? 'answer' : 'empty'
}

const directive = `
acl internal.example {
    allow type A net 10.0.0.0/8 2001:db8::/32
    filter type AAAA
    block
}
acl drop.example {
    drop net 192.0.2.0/24
}
acl one.example {
    BLOCK net 192.0.2.7
}
`

describe('the plugin acl', () => {
  const cases: readonly (readonly [question: string, client: string, expected: string])[] = [
    ['a.internal.example. A', '10.1.2.3', 'answer'],
    ['a.internal.example. A', '2001:db8::9', 'answer'],
    ['a.internal.example. A', '192.0.2.1', '5 error 15'],
    ['a.internal.example. AAAA', '10.1.2.3', '0 error 17'],
    ['a.internal.example. TXT', '10.1.2.3', '5 error 15'],
    ['a.drop.example. A', '192.0.2.1', 'drop'],
    ['a.drop.example. A', '198.51.100.1', 'answer'],
    ['a.one.example. A', '192.0.2.7', '5 error 15'],
    ['a.one.example. A', '192.0.2.8', 'answer'],
    ['a.one.example. A', 'fe80::1%eth0', 'answer'],
    ['other.example. A', '192.0.2.1', 'answer'],
  ]
  for (const [question, client, expected] of cases)
    it(`a query for ${question} from ${client} gets ${expected}`, async () => {
      const instance = setUp(acl, directive)
      assert.equal(seen(await handle(instance, ask(question, { client, edns: {} }), next)), expected)
    })

  it('a blocked client without EDNS gets no OPT record (RFC 6891 §7)', async () => {
    const outcome = await handle(setUp(acl, 'acl {\nblock\n}'), ask('a.example. A'), next)
    assert.equal(seen(outcome), '5')
  })

  const dependence: readonly (readonly [directive: string, question: string, dependsOnClient: boolean])[] = [
    ['acl a.example {\nblock net 10.0.0.0/8\n}', 'x.a.example. A', true],
    ['acl a.example {\nblock net 192.0.2.1\n}', 'x.a.example. A', true],
    ['acl a.example {\nblock net 10.0.0.0/8\n}', 'x.b.example. A', false],
    ['acl a.example {\nblock type TXT\n}', 'x.a.example. A', false],
  ]
  for (const [text, question, expected] of dependence)
    it(`an outcome for ${question} depends on the client ${expected ? 'under' : 'not under'} ${JSON.stringify(text)}`, async () => {
      const outcome = await handle(setUp(acl, text), ask(question), next)
      assert.equal(outcome.forClient ?? false, expected)
    })

  it('queries are counted by what became of them', async () => {
    const harness = createPluginHarness()
    const instance = setUp(acl, directive, harness)
    await handle(instance, ask('a.internal.example. A'), next)
    await handle(instance, ask('a.internal.example. AAAA'), next)
    await handle(instance, ask('a.drop.example. A'), next)
    await handle(instance, ask('other.example. A'), next)
    const text = await harness.metrics.text()
    for (const line of [
      'coredns_acl_blocked_requests_total{server="dns://:53",view="",zone="internal.example."} 1',
      'coredns_acl_filtered_requests_total{server="dns://:53",view="",zone="internal.example."} 1',
      'coredns_acl_dropped_requests_total{server="dns://:53",view="",zone="drop.example."} 1',
      'coredns_acl_allowed_requests_total{server="dns://:53",view=""} 1',
    ])
      assert.ok(text.includes(line), line)
  })

  it('only names of a zone with a refusing policy are kept from the table, and the reason names the policy', () => {
    const claims = capabilityOf(setUp(acl, directive), transparency)!
    assert.match(claims.claims('a.internal.example.')!.reason, /acl internal\.example\. \{ filter type AAAA \}/)
    assert.equal(claims.claims('web.default.svc.cluster.local.'), undefined)
    assert.equal(claims.claimsBelow('svc.cluster.local.'), undefined)
  })

  it('a policy for one type claims that type alone', () => {
    const claims = capabilityOf(setUp(acl, 'acl a.example {\nfilter type AAAA\n}'), transparency)!
    assert.deepEqual([...claims.claims('x.a.example.')!.types!], [28])
  })

  const wrongDirectives: readonly (readonly [string, RegExp])[] = [
    ['acl {\ndeny\n}', /Corefile:3:1 - 'deny' is not one of 'allow', 'block', 'filter', 'drop'/],
    ['acl {\nblock types A\n}', /Corefile:3:7 - unexpected 'types': must be 'type' or 'net'/],
    ['acl {\nblock type\n}', /Corefile:3:7 - 'type' must be followed by types/],
    ['acl {\nblock type NOSUCH\n}', /Corefile:3:12 - 'NOSUCH' is not a query type/],
    ['acl {\nblock net 10.0.0.0\\8\n}', /Corefile:3:11/],
  ]
  for (const [text, message] of wrongDirectives)
    it(`the directive ${JSON.stringify(text)} is refused at its word`, () =>
      assert.throws(() => setUp(acl, text), message))
})
