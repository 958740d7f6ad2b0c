/** What all regular expressions and expressions of a Corefile may cost one question together. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseRecord } from '../../src/dns/record-text.ts'
import { replyTo } from '../../src/dns/reply.ts'
import { queryLimits } from '../../src/plugin/budget.ts'
import { viewFilter } from '../../src/plugin/capabilities/view.ts'
import { capabilityOf } from '../../src/plugin/capability.ts'
import type { Instance } from '../../src/plugin/contract.ts'
import type { Outcome } from '../../src/plugin/query.ts'
import { plugins } from '../../src/plugins/index.ts'
import { rewrite } from '../../src/plugins/rewrite/index.ts'
import { template } from '../../src/plugins/template/index.ts'
import { view } from '../../src/plugins/view/index.ts'
import { StepsError } from '../../src/regexp/index.ts'
import { ask, handle, setUp } from '../support/plugin-harness.ts'
import { servePlugins } from '../support/plugin-server.ts'

/** 36,814 steps on the name: somewhat less than one search may take. */
const slow = '(.*){30}[=~]'
const label = 'a'.repeat(63)
const name = `${label}.${label}.${label}.${'a'.repeat(50)}.`
/** One search or expression may have begun with a step left. */
const overshoot = 60_100

const thousand = (rule: (number: number) => string): string =>
  Array.from({ length: 1000 }, (_, i) => rule(i)).join('\n')
const answered = (): Outcome => ({
  kind: 'reply',
  plugin: 'test',
  message: replyTo(ask('a. A').request, { answer: [parseRecord(`${name} 5 IN A 192.0.2.1`)] }),
})

describe('a thousand slow rules', () => {
  const rewritten = (directives: string) => setUp(rewrite, directives)
  const templated = (directives: string) => setUp(template, directives)
  const cases: readonly (readonly [what: string, setUp: (directives: string) => Instance, directives: string])[] = [
    ['rewrite name regex', rewritten, thousand(() => `rewrite continue name regex ${slow} x.example`)],
    ['rewrite ttl regex', rewritten, thousand(() => `rewrite continue ttl regex ${slow} 5`)],
    ['rewrite rcode regex', rewritten, thousand(() => `rewrite continue rcode regex ${slow} NXDOMAIN NOERROR`)],
    [
      'rewrite … answer name',
      rewritten,
      thousand(() => `rewrite continue name suffix . . answer name ${slow} x.example`),
    ],
    [
      'template match',
      templated,
      `template IN A {\n${thousand(() => `match ${slow}`)}\nrcode NXDOMAIN\nfallthrough\n}`,
    ],
    [
      'template expr',
      templated,
      `template IN A {\n${thousand(() => `expr not (name() matches '${slow}')`)}\nfallthrough\n}`,
    ],
  ]
  for (const [what, setUp, directives] of cases)
    it(`a thousand of ${what} end with SERVFAIL when the steps of the question are used`, async () => {
      const query = ask(`${name} A`)
      const outcome = await handle(setUp(directives), query, answered)
      assert.ok(outcome.kind === 'rcode' && outcome.rcode === 2 && outcome.ofQuestion, JSON.stringify(outcome))
      assert.match(outcome.error!.message, /too many steps for one question/)
      assert.ok(query.budget.steps.left > -overshoot, `${queryLimits.steps - query.budget.steps.left} steps`)
    })

  it('a view whose expressions take too many steps takes the query for no block', () => {
    const query = ask(`${name} A`)
    const conditions = thousand(() => `expr not (name() matches '${slow}')`)
    const filter = capabilityOf(setUp(view, `view slow {\n${conditions}\n}`), viewFilter)!
    assert.throws(() => filter.takes(query), StepsError)
    assert.ok(query.budget.steps.left > -overshoot)
  })

  it('a thousand ordinary rules leave half of the steps', async () => {
    const query = ask('web.shop.svc.cluster.local. A')
    const rules = thousand(
      (i) => `rewrite continue name regex ^(.*)\\.([a-z]+)\\.svc-${i}\\.example\\.$ {1}.{2}.example`,
    )
    const outcome = await handle(setUp(rewrite, rules), query, answered)
    assert.equal(outcome.kind, 'reply')
    assert.ok(query.budget.steps.left > queryLimits.steps / 2)
  })
})

describe('a question whose steps are used', () => {
  it("errors logs the plugin's reason, and a view's is logged without it", async () => {
    const rules = thousand(() => `rewrite continue name regex ${slow} x.example`)
    const conditions = thousand(() => `expr not (name() matches '${slow}')`)
    const server = await servePlugins(
      plugins,
      `aaa.example { view slow {\n${conditions}\n}\nwhoami }\n. { errors\n${rules}\nwhoami\n}`
        .replaceAll('{ ', '{\n')
        .replaceAll(' }', '\n}'),
    )
    assert.equal(await server.chain(`${name} A`), 'SERVFAIL')
    assert.equal(await server.chain(`${name.slice(0, -13)}.aaa.example. A`), 'SERVFAIL')
    await server.stop()
    const said = server.lines.filter((line) => line.includes('too many steps'))
    assert.equal(said.length, 2, said.join('\n'))
    assert.match(said[0], /: 2 a+\S* A: /)
    assert.match(said[1], /2 a+\S*\.aaa\.example\. A: view: /)
  })
})
