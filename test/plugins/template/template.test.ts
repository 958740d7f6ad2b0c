/** Answers made by templates: what matches, what is computed, what goes on. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { rcodeName } from '../../../src/dns/codes.ts'
import { recordText } from '../../../src/dns/rdata.ts'
import { parseRecord } from '../../../src/dns/record-text.ts'
import { replyTo } from '../../../src/dns/reply.ts'
import { transparency } from '../../../src/plugin/capabilities/transparency.ts'
import { capabilityOf } from '../../../src/plugin/capability.ts'
import type { Outcome, Query } from '../../../src/plugin/query.ts'
import { template } from '../../../src/plugins/template/index.ts'
import {
  type Asked,
  ask,
  createPluginHarness,
  handle,
  messageOf,
  type PluginHarness,
  setUp,
} from '../../support/plugin-harness.ts'

async function seen(
  directive: string,
  question: string,
  more: Partial<Query> = {},
  harness?: PluginHarness,
): Promise<string> {
  const instance = setUp(template, directive, harness)
  const outcome: Outcome = await handle(instance, { ...ask(question), ...more }, () => ({
    kind: 'drop',
    plugin: 'next',
  }))
  if (outcome.kind === 'drop') return 'passed'
  if (outcome.kind === 'rcode') return rcodeName(outcome.rcode)
  const { rcode, answer, authority, additional } = outcome.message
  return [rcodeName(rcode), ...[...answer, ...authority, ...additional].map(recordText)].join(' | ')
}

const ip = `template IN A ip.example {
    match ^ip-(?P<a>[0-9]+)-([0-9]+)-([0-9]+)-([0-9]+)[.]ip[.]example[.]$
    answer "{{ .Name }} 60 IN A {{ .Group.a }}.{{ index .Match 2 }}.{{ index .Match 3 }}.{{ index .Match 4 }}"
    fallthrough
}`

describe('the plugin template', () => {
  const cases: readonly (readonly [directive: string, question: string, expected: string])[] = [
    [ip, 'IP-192-0-2-1.ip.example. A', 'NOERROR | IP-192-0-2-1.ip.example. 60 IN A 192.0.2.1'],
    [ip, 'x.ip.example. A', 'passed'],
    [ip, 'ip-192-0-2-1.ip.example. AAAA', 'passed'],
    [ip, 'other.example. A', 'passed'],
    [ip.replace('fallthrough', ''), 'x.ip.example. A', 'SERVFAIL'],
    ['template IN AAAA .', 'a.example. AAAA', 'NOERROR'],
    ['template IN AAAA .', 'a.example. A', 'passed'],
    ['template ANY ANY {\nrcode NXDOMAIN\n}', 'a.example. MX', 'NXDOMAIN'],
    ['template IN A {\nrcode SERVFAIL\n}', 'a.example. A', 'SERVFAIL'],
    [
      'template IN A {\nanswer "{{ .Name }} IN A 192.0.2.1"\nrcode REFUSED\n}',
      'a.example. A',
      'REFUSED | a.example. 3600 IN A 192.0.2.1',
    ],
    ['template IN TXT {\nanswer "{{ .Name }} 0 IN NOPE x"\n}', 'a.example. TXT', 'SERVFAIL'],
    ['template IN TXT {\nanswer "{{ .Nope }} 0 IN TXT x"\n}', 'a.example. TXT', 'SERVFAIL'],
    [
      'template IN A a.example {\nfallthrough\nmatch ^b\n}\ntemplate IN A a.example {\nrcode NXDOMAIN\n}',
      'x.a.example. A',
      'NXDOMAIN',
    ],
    [
      'template IN TXT {\nanswer "{{ .Name }} 0 IN TXT {{ .Remote }} {{ .Zone }} {{ .Class }}"\n}',
      'a.b. TXT',
      'NOERROR | a.b. 0 IN TXT "192.0.2.1" "." "IN"',
    ],
    [
      'template IN ANY {\nanswer "{{ .Name }} 0 IN TXT {{ .Type }} {{ .Class }}"\n}',
      'a.b. TYPE65280',
      'NOERROR | a.b. 0 IN TXT "IN"',
    ],
    [
      'template IN TXT {\nmatch "(.*)[.]b[.]"\nvar n "len(group(1))"\nexpr n > 2\nanswer "{{ .Name }} 0 IN TXT {{ .Var.n }}"\nfallthrough\n}',
      'abc.b. TXT',
      'NOERROR | abc.b. 0 IN TXT "3"',
    ],
    ['template IN TXT {\nmatch "(.*)[.]b[.]"\nexpr "len(group(1)) > 2"\nfallthrough\n}', 'ab.b. TXT', 'passed'],
    ["template IN TXT {\nexpr incidr(name(), '10.0.0.0/8')\nfallthrough\n}", 'a.b. TXT', 'SERVFAIL'],
  ]
  for (const [directive, question, expected] of cases)
    it(`a query for ${question} with ${JSON.stringify(directive).slice(0, 70)} gets ${expected}`, async () =>
      assert.equal(await seen(directive, question), expected))

  it('a CNAME is followed for queries of addresses', async () => {
    const lookup = async (name: string): Promise<Outcome> => ({
      kind: 'reply',
      plugin: 'test',
      message: replyTo(ask(`${name} A`).request, { answer: [parseRecord(`${name} 5 IN A 192.0.2.9`)] }),
    })
    const directive = 'template IN ANY {\nanswer "{{ .Name }} 60 IN CNAME t.example."\n}'
    assert.equal(
      await seen(directive, 'a.example. A', { lookup }),
      'NOERROR | a.example. 60 IN CNAME t.example. | t.example. 5 IN A 192.0.2.9',
    )
    assert.equal(await seen(directive, 'a.example. MX', { lookup }), 'NOERROR | a.example. 60 IN CNAME t.example.')
  })

  it('metadata is read by label', async () => {
    const directive = 'template IN TXT {\nanswer "{{ .Name }} 0 IN TXT {{ .Meta \\"a/b\\" }}"\n}'
    assert.equal(
      await seen(directive, 'x. TXT', { metadata: (label) => (label === 'a/b' ? 'v' : undefined) }),
      'NOERROR | x. 0 IN TXT "v"',
    )
  })

  it('clients that speak EDNS get the extended error of a template, and no others an OPT record', async () => {
    const instance = setUp(template, 'template ANY ANY {\nrcode NXDOMAIN\nederror 21 "not here"\n}')
    const replyTo = (asked: Asked) =>
      handle(instance, ask('a.example. A', asked), () => ({ kind: 'drop', plugin: 'next' }))
    assert.equal(messageOf(await replyTo({})).edns, undefined)
    const outcome = await replyTo({ edns: {} })
    assert.equal(outcome.kind, 'reply')
    const [option] = (outcome as Extract<Outcome, { kind: 'reply' }>).message.edns!.options
    assert.deepEqual([option.code, Buffer.from(option.data).toString('latin1')], [15, '\0\x15not here'])
  })

  it('template counts matches and failures', async () => {
    const harness = createPluginHarness()
    await seen('template IN TXT {\nanswer "{{ .Name }} 0 IN NOPE x"\n}', 'a.example. TXT', {}, harness)
    await seen('template IN TXT {\nanswer "{{ .Nope }}"\n}', 'a.example. TXT', {}, harness)
    const text = await harness.metrics.text()
    assert.match(
      text,
      /coredns_template_matches_total\{class="IN",server="dns:\/\/:53",type="TXT",view="",zone="\."\} 2/,
    )
    assert.match(text, /coredns_template_rr_failures_total\{.*section="answer".*\} 1/)
    assert.match(text, /coredns_template_template_failures_total\{.*section="answer".*\} 1/)
  })

  it('names outside of its zones, and other types of names inside, stay in the table', () => {
    const claims = capabilityOf(setUp(template, 'template IN AAAA a.example'), transparency)!
    assert.equal(claims.claims('web.default.svc.cluster.local.'), undefined)
    assert.deepEqual([...claims.claims('x.a.example.')!.types!], [28])
    const matching = capabilityOf(setUp(template, ip), transparency)!
    assert.equal(matching.claims('x.ip.example.'), undefined)
    assert.equal(
      matching.claims('ip-1-2-3-4.ip.example.')!.reason,
      'template IN A ip.example: its records depend on the query (Corefile:2)',
    )
  })

  const dependence: readonly (readonly [body: string, question: string, dependsOnClient: boolean])[] = [
    ['answer "{{ .Name }} 60 IN A 192.0.2.1"', 'a.example. A', false],
    ['answer "{{ .Name }} 60 IN A {{ .Remote }}"', 'a.example. A', true],
    ["expr client_ip() != '10.0.0.1'\nrcode REFUSED", 'a.example. A', true],
    ["expr name() == 'b.example.' && client_ip() == '10.0.0.1'\nfallthrough", 'a.example. A', false],
    ["expr client_ip() == '10.0.0.1'\nfallthrough", 'a.example. A', true],
    ["expr type() == 'A'\nrcode NXDOMAIN", 'a.example. A', false],
  ]
  for (const [body, question, expected] of dependence)
    it(`a template with ${JSON.stringify(body)} ${expected ? 'depends' : 'does not depend'} on who asks`, async () => {
      const instance = setUp(template, `template IN A {\n${body}\n}`)
      const outcome = await handle(instance, ask(question), () => ({ kind: 'drop', plugin: 'next' }))
      assert.equal(outcome.forClient ?? false, expected)
    })

  const wrong: readonly (readonly [string, RegExp])[] = [
    ['template IN', /must have a class and a type/],
    ['template XX A', /'XX' is not a query class/],
    ['template IN NOSUCH', /'NOSUCH' is not a query type/],
    ['template IN A {\nmatch (\n}', /Corefile:3:7 - invalid regular expression/],
    ['template IN A {\nanswer "{{ .Name"\n}', /Corefile:3:\d+ - could not compile template: unclosed action/],
    ['template IN A {\nrcode NOPE\n}', /'NOPE' is not a response code/],
    ['template IN A {\nederror x\n}', /Corefile:3:9/],
    ['template IN A {\nvar len "1"\n}', /variable name 'len' is reserved/],
    ['template IN A {\nvar x "1"\nvar x "2"\n}', /variable name 'x' is reserved/],
    [
      'template IN A {\nvar x "name()"\nexpr x > 1\n}',
      /could not compile expression: invalid operation: > \(mismatched types string and int\)/,
    ],
    ['template IN A {\nnope\n}', /unknown property 'nope' of template/],
  ]
  for (const [text, message] of wrong)
    it(`the directive ${JSON.stringify(text)} is refused`, () => assert.throws(() => setUp(template, text), message))
})
