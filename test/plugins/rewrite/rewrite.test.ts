/** Questions on their way to the plugins behind, and replies on their way back. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { rcodeName, typeName } from '../../../src/dns/codes.ts'
import { recordText } from '../../../src/dns/rdata.ts'
import { parseRecord } from '../../../src/dns/record-text.ts'
import { replyTo } from '../../../src/dns/reply.ts'
import { relayPassage } from '../../../src/plugin/capabilities/relay.ts'
import { transparency } from '../../../src/plugin/capabilities/transparency.ts'
import { capabilityOf } from '../../../src/plugin/capability.ts'
import type { Outcome, Query } from '../../../src/plugin/query.ts'
import { rewrite } from '../../../src/plugins/rewrite/index.ts'
import { type Asked, ask, handle, messageOf, setUp } from '../../support/plugin-harness.ts'

interface Seen {
  /** What the plugins behind were asked. */
  readonly asked: string
  readonly reply: readonly string[]
}

/** The plugins behind answer with these records; `@` in a record is the name that they were asked for. */
async function seen(
  directive: string,
  question: string,
  records: readonly string[] = [],
  more: Pick<Partial<Query>, 'metadata' | 'lookup'> = {},
): Promise<Seen> {
  let asked = 'nothing'
  const query: Query = { ...ask(question), ...more }
  const outcome: Outcome = await handle(setUp(rewrite, directive), query, (passed) => {
    asked = `${passed.qname} ${typeName(passed.qtype)}`
    const answer = records.map((record) => parseRecord(record.replaceAll('@', passed.qname)))
    return { kind: 'reply', plugin: 'test', message: replyTo(passed.request, { answer }) }
  })
  if (outcome.kind !== 'reply')
    return { asked, reply: [outcome.kind === 'rcode' ? rcodeName(outcome.rcode) : outcome.kind] }
  assert.deepEqual(outcome.message.questions, query.request.questions, 'the reply has the question that was asked')
  return { asked, reply: outcome.message.answer.map(recordText) }
}

describe('a rewrite of the name', () => {
  const a = ['@ 60 IN A 192.0.2.1']
  const cases: readonly (readonly [directive: string, question: string, asked: string, owner: string])[] = [
    ['rewrite name red.example blue.example', 'red.example. A', 'blue.example. A', 'red.example.'],
    ['rewrite name exact red.example. blue.example.', 'RED.example. A', 'blue.example. A', 'red.example.'],
    ['rewrite name red.example É.example', 'red.example. A', '\\195\\169.example. A', 'red.example.'],
    ['rewrite name suffix .corp. .ü. answer auto', 'a.corp. A', 'a.\\195\\188. A', 'a.corp.'],
    ['rewrite name regex (.*)\\.corp {1}.svc answer name (.*)\\.svc {1}.é', 'a.corp. A', 'a.svc. A', 'a.\\195\\169.'],
    ['rewrite name red.example blue.example', 'x.red.example. A', 'x.red.example. A', 'x.red.example.'],
    ['rewrite name suffix .corp. .svc.', 'a.corp. A', 'a.svc. A', 'a.svc.'],
    ['rewrite name suffix .corp. .svc. answer auto', 'a.corp. A', 'a.svc. A', 'a.corp.'],
    ['rewrite name prefix old new', 'old.example. A', 'new.example. A', 'new.example.'],
    ['rewrite name substring mid centre', 'a.mid.example. A', 'a.centre.example. A', 'a.centre.example.'],
    ['rewrite name substring mid centre answer auto', 'a.mid.example. A', 'a.centre.example. A', 'a.mid.example.'],
    [
      'rewrite name regex (.*)-(us)\\.example {1}.{2}.consul',
      'ftp-us.example. A',
      'ftp.us.consul. A',
      'ftp.us.consul.',
    ],
    [
      'rewrite stop {\nname regex (.*)-(us)\\.example {1}.{2}.consul\nanswer name (.*)\\.(us)\\.consul {1}-{2}.example\n}',
      'ftp-us.example. A',
      'ftp.us.consul. A',
      'ftp-us.example.',
    ],
    ['rewrite name regex (a+)+$ x', `${'a'.repeat(60)}!. A`, `${'a'.repeat(60)}!. A`, `${'a'.repeat(60)}!.`],
  ]
  for (const [directive, question, asked, owner] of cases)
    it(`'${directive.replaceAll('\n', ' ')}' makes ${question.slice(0, 30)} of ${asked.slice(0, 30)}, and ${owner.slice(0, 30)} owns the answer`, async () => {
      assert.deepEqual(await seen(directive, question, a), { asked, reply: [`${owner} 60 IN A 192.0.2.1`] })
    })

  it('several rules go on after continue, and end at stop', async () => {
    const rules = 'rewrite continue name suffix .a. .b.\nrewrite name suffix .b. .c.\nrewrite name suffix .c. .d.'
    assert.equal((await seen(rules, 'x.a. A')).asked, 'x.c. A')
  })

  it('values of records are changed back by answer value', async () => {
    const directive = 'rewrite name regex (.*)\\.x\\. {1}.y. answer name (.*)\\.y\\. {1}.x. value (.*)\\.y\\. {1}.x.'
    const records = ['@ 60 IN SRV 1 2 3 t.y.', '@ 60 IN CNAME c.y.', '@ 60 IN MX 1 m.y.', '@ 60 IN TXT "t.y."']
    assert.deepEqual((await seen(directive, 'n.x. SRV', records)).reply, [
      'n.x. 60 IN SRV 1 2 3 t.x.',
      'n.x. 60 IN CNAME c.x.',
      'n.x. 60 IN MX 1 m.x.',
      'n.x. 60 IN TXT "t.y."',
    ])
  })

  const invalid: readonly (readonly [string, string, string])[] = [
    ['has a label that is too long', `rewrite name regex (.*) {1}${'x'.repeat(64)}.`, 'a.example. A'],
    ['is cut within an escape', 'rewrite name suffix .r.test. echo.test.', 'www\\.r.test. A'],
    ['ends within an escape', 'rewrite name regex (.*)\\.r\\.test\\. x.{1}', 'b\\.r.test. A'],
  ]
  for (const [name, rule, question] of invalid)
    it(`rewrite fails the query where the name ${name}`, async () =>
      assert.deepEqual(await seen(rule, question), { asked: 'nothing', reply: ['SERVFAIL'] }))

  const long = 'x'.repeat(64)
  const answers: readonly (readonly [string, string, string])[] = [
    ['an owner in the reply', `answer name (.*) {1}${long}`, '@ 60 IN A 192.0.2.1'],
    ['an owner in the reply cut within an escape', 'answer name (.*)\\.b {1}', 'x\\.b. 60 IN A 192.0.2.1'],
    ['a target in the reply', `answer value (.*) {1}${long}`, '@ 60 IN CNAME c.'],
  ]
  for (const [name, answer, record] of answers)
    it(`rewrite fails the query where ${name} is no name any more`, async () => {
      const { reply } = await seen(`rewrite name regex (.*)\\.a {1}.b ${answer}`, 'q.a. A', [record])
      assert.deepEqual(reply, ['SERVFAIL'])
    })
})

describe('a rewrite with metadata', () => {
  const rule = 'rewrite name regex ^([^.]+)\\.example\\.$ {1}.{kubernetes/client-namespace}.svc. metadata answer auto'
  const metadata = (label: string) => (label === 'kubernetes/client-namespace' ? 'Team-A' : undefined)

  it('the rule inserts the value in lower case', async () =>
    assert.equal((await seen(rule, 'web.example. A', [], { metadata })).asked, 'web.team-a.svc. A'))
  it('the rule is passed over where the label has no value', async () =>
    assert.equal((await seen(rule, 'web.example. A')).asked, 'web.example. A'))

  for (const [to, message] of [
    ['{2}', /group \{2\} does not exist: the pattern has 1/],
    ['{kubernetes}', /invalid metadata label 'kubernetes'/],
    ['{1', /unclosed placeholder/],
    ['1}', /unmatched '\}'/],
  ] as const)
    it(`the rule with TO ${to} is refused`, () =>
      assert.throws(() => setUp(rewrite, `rewrite name regex (.*)x ${to} metadata`), message))
})

describe('a rewrite of other fields', () => {
  it('a rewrite of the type asks for another one', async () =>
    assert.equal((await seen('rewrite type MX TXT', 'a.example. MX')).asked, 'a.example. TXT'))

  for (const [range, ttl] of [
    ['77', 77],
    ['100-200', 100],
    ['-30', 30],
    ['10-', 60],
    ['10-100', 60],
  ] as const)
    it(`a rewrite of the TTL to ${range} makes ${ttl} of 60`, async () =>
      assert.deepEqual(
        (await seen(`rewrite ttl suffix .example. ${range}`, 'a.example. A', ['@ 60 IN A 192.0.2.1'])).reply,
        [`a.example. ${ttl} IN A 192.0.2.1`],
      ))

  it('a rewrite of the rcode makes a reply of a failure that no plugin has written', async () => {
    const instance = setUp(rewrite, 'rewrite rcode regex (.*)\\.example SERVFAIL NXDOMAIN')
    const failed = await handle(instance, ask('a.example. A'), () => ({ kind: 'rcode', rcode: 2, plugin: 'test' }))
    assert.equal(messageOf(failed).rcode, 3)
  })

  it('a failure behind rules that go on and change nothing of replies stays one', async () => {
    const instance = setUp(rewrite, 'rewrite continue type A TXT')
    const failed = await handle(instance, ask('a.example. A'), () => ({ kind: 'rcode', rcode: 2, plugin: 'test' }))
    assert.deepEqual(failed, { kind: 'rcode', rcode: 2, plugin: 'test' })
  })

  it('a rewrite of a CNAME looks the new target up', async () => {
    const lookup = async (name: string): Promise<Outcome> => ({
      kind: 'reply',
      plugin: 'test',
      message: replyTo(ask(`${name} A`).request, { answer: [parseRecord(`${name} 5 IN A 192.0.2.9`)] }),
    })
    const records = [
      '@ 60 IN CNAME b.example.',
      'b.example. 60 IN CNAME old.cdn.example.',
      'old.cdn.example. 60 IN A 192.0.2.1',
    ]
    const { reply } = await seen(
      'rewrite cname regex (.*)\\.cdn\\.example\\. {1}.new.example.',
      'a.example. A',
      records,
      { lookup },
    )
    assert.deepEqual(reply, [
      'a.example. 60 IN CNAME b.example.',
      'b.example. 60 IN CNAME old.new.example.',
      'old.new.example. 5 IN A 192.0.2.9',
    ])
  })

  const retargeted = async (
    reply: Partial<Record<'answer' | 'authority' | 'additional', readonly string[]>>,
    lookup: Query['lookup'],
  ): Promise<readonly string[]> => {
    const records = (texts: readonly string[] = []) => texts.map((text) => parseRecord(text))
    const { answer, authority, additional } = reply
    const parts = { answer: records(answer), authority: records(authority), additional: records(additional) }
    const query: Query = { ...ask('a.example. A'), lookup }
    const outcome = await handle(setUp(rewrite, 'rewrite cname suffix .old. .new.'), query, ({ request }) => ({
      kind: 'reply',
      plugin: 'test',
      message: replyTo(request, parts),
    }))
    return messageOf(outcome).answer.map(recordText)
  }
  const answering: Query['lookup'] = async (name) => ({
    kind: 'reply',
    plugin: 'test',
    message: replyTo(ask(`${name} A`).request, { answer: [parseRecord(`${name} 5 IN A 192.0.2.9`)] }),
  })

  for (const section of ['authority', 'additional'] as const)
    it(`a rewrite of a CNAME in the section ${section} adds what its new target leads to, behind the aliases`, async () => {
      const reply = {
        answer: ['a.example. 60 IN CNAME b.example.', 'b.example. 60 IN A 192.0.2.1'],
        [section]: ['x.example. 60 IN CNAME y.old.'],
      }
      assert.deepEqual(await retargeted(reply, answering), [
        'a.example. 60 IN CNAME b.example.',
        'y.new. 5 IN A 192.0.2.9',
      ])
    })

  it('a rewrite of a CNAME whose new target fails leaves the aliases, and one whose lookup ends changes nothing', async () => {
    const reply = { answer: ['a.example. 60 IN CNAME b.old.', 'b.old. 60 IN A 192.0.2.1'] }
    const failure: Outcome = { kind: 'rcode', rcode: 2, plugin: 'test' }
    assert.deepEqual(await retargeted(reply, async () => failure), ['a.example. 60 IN CNAME b.new.'])
    assert.deepEqual(await retargeted(reply, async () => ({ ...failure, ofQuestion: true })), reply.answer)
  })
})

describe('a rewrite of EDNS options', () => {
  async function options(directive: string, given: Asked = { edns: {} }): Promise<readonly string[]> {
    let passed: Query | undefined
    await handle(setUp(rewrite, directive), ask('a.example. A', given), (query) => {
      passed = query
      return { kind: 'drop', plugin: 'test' }
    })
    return (passed?.request.edns?.options ?? []).map(({ code, data }) => `${code} ${Buffer.from(data).toString('hex')}`)
  }

  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['rewrite edns0 local set 0xffee abcd', ['65518 61626364']],
    ['rewrite edns0 local set 65518 0x6162', ['65518 6162']],
    ['rewrite edns0 local set 0xffee {client_ip}', ['65518 c0000201']],
    ['rewrite edns0 local set 0xffee {qtype}', ['65518 0001']],
    ['rewrite edns0 local set 0xffee {client_port}', ['65518 0fa0']],
    ['rewrite edns0 local replace 0xffee abcd', []],
    ['rewrite edns0 nsid append', ['3 ']],
    ['rewrite edns0 subnet set 20 56', ['8 00011400c00000']],
    ['rewrite continue edns0 local set 0xffee ab\nrewrite edns0 local unset 0xffee', []],
    ['rewrite continue edns0 local set 5 a\nrewrite edns0 local append 5 b', ['5 61', '5 62']],
    ['rewrite continue edns0 nsid set\nrewrite edns0 nsid append', ['3 ', '3 ']],
    ['rewrite continue edns0 local set 5 a\nrewrite edns0 local append 5 {protocol}', ['5 61']],
    ['rewrite continue edns0 subnet set 8 8\nrewrite edns0 subnet append 16 8', ['8 00010800c0']],
    ['rewrite stop edns0 local replace 5 a\nrewrite edns0 local set 6 b', ['6 62']],
  ]
  for (const [directive, expected] of cases)
    it(`'${directive.replaceAll('\n', '; ')}' passes on ${expected.join(', ') || 'none'}`, async () =>
      assert.deepEqual(await options(directive), expected))

  it('no name is relayed past rules for EDNS options, as upstreams have to see them', () => {
    const passage = (directive: string) => capabilityOf(setUp(rewrite, directive), relayPassage)?.zones
    assert.deepEqual(passage('rewrite edns0 nsid set'), ['.'])
    assert.equal(passage('rewrite name exact a.example b.example'), undefined)
  })

  for (const directive of ['rewrite edns0 local set 0xffee ab', 'rewrite edns0 local replace 0xffee ab'])
    it(`'${directive}' gives a query without EDNS an OPT, whose size its reply has, too`, async () => {
      let passed: Query | undefined
      const outcome = await handle(setUp(rewrite, directive), ask('a.example. A'), (query) => {
        passed = query
        const edns = { ...query.request.edns!, payloadSize: 1232 }
        return { kind: 'reply', plugin: 'test', message: replyTo(query.request, { edns }) }
      })
      assert.equal(passed?.request.edns?.payloadSize, 4096)
      assert.equal(messageOf(outcome).edns?.payloadSize, 4096)
    })
})

describe('a rewrite on the fast path', () => {
  const claimsOf = (directive: string) => capabilityOf(setUp(rewrite, directive), transparency)!

  for (const directive of [
    'rewrite name exact a.example b.example',
    'rewrite name suffix .corp.example .svc.example',
    'rewrite name regex (.*)\\.corp\\.example\\.$ {1}.svc.example.',
    'rewrite ttl regex ^x\\.corp\\.example\\.$ 5',
    'rewrite class CH IN',
    'rewrite type ANY HINFO',
    'rewrite edns0 local set 0xffee ab',
  ])
    it(`'${directive}' leaves names of the cluster and their denials in the table`, () => {
      const { claims, claimsBelow, questions } = claimsOf(directive)
      assert.equal(claims('web.default.svc.cluster.local.'), undefined)
      assert.equal(claimsBelow('default.svc.cluster.local.'), undefined)
      const inCluster = questions?.filter(({ zone, texts }) => zone === '.' && !texts.some(({ at }) => at === 'end'))
      assert.deepEqual(inCluster, [])
    })

  it('a regular expression keeps missing names with its literal text on the chain, and the reason is the rule', () => {
    const { claims, questions } = claimsOf('rewrite name regex ^api- x')
    assert.equal(claims('web.default.svc.cluster.local.'), undefined)
    const [{ zone, texts, reason }] = questions!
    assert.deepEqual([zone, texts], ['.', [{ at: 'start', text: 'api-' }]])
    assert.match(reason, /rewrite name regex \^api- x/)
  })

  it('a rule of one type claims that type alone', () =>
    assert.deepEqual([...claimsOf('rewrite type MX TXT').claims('web.default.svc.cluster.local.')!.types!], [15]))
})

describe('the directive rewrite', () => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['rewrite', /must have a field/],
    [
      'rewrite nam a b',
      /Corefile:2:9 - invalid field 'nam' \(did you mean 'name'\?\)|Corefile:2:9 - invalid field 'nam'/,
    ],
    ['rewrite name a', /a name rule must have FROM and TO/],
    ['rewrite name fuzzy a b', /Corefile:2:14/],
    ['rewrite name regex a( b', /Corefile:2:\d+ - invalid regular expression: missing closing \)/],
    ['rewrite name regex a {1}.b', /uses 1 groups, but 'a' has 0/],
    ['rewrite name exact a b c', /'answer' must follow TO/],
    ['rewrite name suffix a b answer name x', /'answer name' must have FROM and TO/],
    ['rewrite name suffix a b answer auto name x y', /cannot be combined/],
    ['rewrite answer name a b', /must begin with a name rule/],
    ['rewrite name suffix a b metadata', /only for regex/],
    ['rewrite type A', /must have FROM and TO/],
    ['rewrite type A NOSUCH', /'NOSUCH' is not a query type/],
    ['rewrite ttl a.example 5-1', /invalid TTL '5-1'/],
    ['rewrite ttl a.example -', /invalid TTL '-'/],
    ['rewrite rcode a.example FOO NOERROR', /Corefile:2:25/],
    ['rewrite edns0 local set 70000 a', /invalid option code '70000'/],
    ['rewrite edns0 local set 1 0x123', /even number of hex digits/],
    ['rewrite edns0 local set 1 {nosuch}', /unsupported variable '\{nosuch\}'/],
    ['rewrite edns0 subnet set 33 1', /Corefile:2:26/],
  ]
  for (const [text, message] of wrong)
    it(`the directive '${text}' is refused`, () => assert.throws(() => setUp(rewrite, text), message))
})
