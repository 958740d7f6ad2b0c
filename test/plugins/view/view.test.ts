/** Which server block takes a query, where several serve one zone. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { metadataSource } from '../../../src/plugin/capabilities/metadata.ts'
import { viewFilter } from '../../../src/plugin/capabilities/view.ts'
import { capabilityOf } from '../../../src/plugin/capability.ts'
import type { Query } from '../../../src/plugin/query.ts'
import { view } from '../../../src/plugins/view/index.ts'
import { type Asked, ask, setUp } from '../../support/plugin-harness.ts'

function takes(
  expressions: readonly string[],
  question: string,
  asked: Asked & Pick<Partial<Query>, 'metadata'> = {},
): boolean {
  const body = expressions.map((expression) => `expr ${expression}`).join('\n')
  const filter = capabilityOf(setUp(view, `view test {\n${body}\n}`), viewFilter)!
  return filter.takes({ ...ask(question, asked), metadata: asked.metadata })
}

describe('the expressions of a view', () => {
  const cases: readonly (readonly [
    expressions: readonly string[],
    question: string,
    asked: Asked & Pick<Partial<Query>, 'metadata'>,
    expected: boolean,
  ])[] = [
    [["incidr(client_ip(), '10.0.0.0/8')"], 'a. A', { client: '10.1.2.3' }, true],
    [["incidr(client_ip(), '10.0.0.0/8')"], 'a. A', { client: '2001:db8::1' }, false],
    [["incidr(client_ip(), '2001:db8::/32')"], 'a. A', { client: '2001:db8::1' }, true],
    [["type() in ['A', 'AAAA']", "name() endsWith '.b.'"], 'X.B. AAAA', {}, true],
    [["type() in ['A', 'AAAA']", "name() endsWith '.b.'"], 'x.c. AAAA', {}, false],
    [["proto() == 'tcp' && server_port() == '53'"], 'a. A', { transport: 'tls' }, true],
    [['bufsize() == 512 and not do()'], 'a. A', {}, true],
    [['bufsize() == 1232 and do()'], 'a. A', { edns: { dnssecOk: true } }, true],
    [['bufsize() == 65535'], 'a. A', { transport: 'tcp' }, true],
    [["id() == 17 and opcode() == 0 and port() == '4000' and class() == 'IN'"], 'a. A', {}, true],
    [["metadata('a/b') == 'v'"], 'a. A', { metadata: () => 'v' }, true],
    [["metadata('a/b') == ''"], 'a. A', {}, true],
    [['1 + 1'], 'a. A', {}, false],
    [["incidr(name(), 'x')"], 'a. A', {}, false],
    [[], 'a. A', {}, true],
  ]
  for (const [expressions, question, asked, expected] of cases)
    it(`${expressions.join(' and ') || 'none'} ${expected ? 'take' : 'leave'} ${question}`, () =>
      assert.equal(takes(expressions, question, asked), expected))

  it("the view's name is metadata of its queries, and no other label is", () => {
    const source = capabilityOf(setUp(view, 'view inside'), metadataSource)!
    assert.deepEqual(
      ['view/name', 'view/other'].map((label) => source.valueOf(ask('a. A'), label)),
      ['inside', undefined],
    )
  })

  const wrong: readonly (readonly [string, RegExp])[] = [
    ['view', /it takes 1 argument, not 0/],
    ['view a b', /it takes 1 argument, not 2/],
    ['view a {\nexpr\n}', /expr must have an expression/],
    ['view a {\nexpr name() == nosuch\n}', /Corefile:3:16 - could not compile expression: unknown name nosuch/],
    ['view a {\nmatch x\n}', /unknown property 'match' of view/],
    ['view a\nview b', /can only be used once/],
  ]
  for (const [text, message] of wrong)
    it(`the directive ${JSON.stringify(text)} is refused`, () => assert.throws(() => setUp(view, text), message))
})
