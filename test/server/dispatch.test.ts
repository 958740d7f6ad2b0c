import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { diskSources } from '../../src/corefile/load.ts'
import { parseCorefile } from '../../src/corefile/parser.ts'
import type { EdnsOption, Message } from '../../src/dns/message.ts'
import { queryMessage } from '../../src/dns/query.ts'
import { replyTo } from '../../src/dns/reply.ts'
import { encodeMessage, parseMessage } from '../../src/dns/wire.ts'
import type { Plugin } from '../../src/plugin/contract.ts'
import type { Handler, Outcome } from '../../src/plugin/query.ts'
import { createQueryMetrics } from '../../src/plugin/query-metrics.ts'
import { configure } from '../../src/server/configuration.ts'
import { createDispatcher } from '../../src/server/dispatch.ts'
import { createQuestionBudgets } from '../../src/server/question-budget.ts'
import { createPluginHarness } from '../support/plugin-harness.ts'

/** What a client hears when the one plugin of the server handles its query so, and how many panics were counted. */
async function heard(handler: Handler, asked: Partial<Message> = {}) {
  const { log, lines, metrics, clock, state } = createPluginHarness()
  const plugin: Plugin = {
    name: 'test',
    schema: { usage: 'test', repeat: 'once', read: () => undefined },
    setup: () => ({ handler }),
  }
  const corefile = {
    ...parseCorefile('. {\ntest\n}\n', 'Corefile', diskSources),
    file: 'Corefile',
    hash: '',
    builtIn: false,
  }
  const { listeners } = await configure(corefile, {
    plugins: [plugin],
    defaultPort: 53,
    log,
    metrics,
    clock,
    process: state,
  })
  const panics = metrics.counter('panics', '', []).with()
  const dispatcher = createDispatcher({
    log,
    panics,
    clock,
    queryMetrics: createQueryMetrics(metrics),
    budgets: createQuestionBudgets(clock, metrics),
  })
  const octets = await dispatcher.answer(
    {
      request: encodeMessage({ ...queryMessage('a.example.', 1, true), ...asked }, { limit: 512 }),
      transport: 'udp',
      client: { address: '192.0.2.1', port: 4000 },
      local: { address: '192.0.2.53', port: 53 },
      listener: { scheme: 'dns', address: '', port: 53, space: 0, shards: 1 },
      receivedAt: 0,
    },
    listeners[0]!,
  )
  const reply = octets && parseMessage(octets)
  return { reply, rcode: reply?.rcode, panics: panics.value, lines }
}

describe('a plugin that fails', () => {
  const unwritable: Handler = ({ request }): Outcome => ({
    kind: 'reply',
    plugin: 'test',
    message: replyTo(request, {
      answer: [{ name: `${'x'.repeat(64)}.`, type: 1, class: 1, ttl: 5, rdata: Uint8Array.of(192, 0, 2, 1) }],
    }),
  })
  const ways: Readonly<Record<string, Handler>> = {
    throws: () => assert.fail('broken'),
    rejects: () => Promise.reject(new Error('broken')),
    'replies with what no message can hold': unwritable,
    'replies late with what no message can hold': async (query, next) => unwritable(query, next),
  }
  for (const [way, handler] of Object.entries(ways))
    it(`a plugin that fails and ${way} costs its client a SERVFAIL, and counts as a panic`, async () => {
      const { rcode, panics, lines } = await heard(handler)
      assert.deepEqual([rcode, panics, lines.length], [2, 1, 1])
      assert.match(lines[0]!, /^\[ERROR\] Recovered from panic in server: "dns:\/\/:53"/)
    })
})

describe('a version of EDNS that is not spoken here', () => {
  const unheard: Handler = () => assert.fail('a plugin is asked')
  const edns = (options: readonly EdnsOption[] = []) => ({
    version: 1,
    payloadSize: 1232,
    dnssecOk: true,
    extendedRcode: 0,
    options,
  })
  const subnet = { code: 8, data: Uint8Array.of(0, 1, 8, 0, 10) }
  const question = { name: 'a.example.', type: 1 }
  const cases: Readonly<Record<string, readonly [asked: Partial<Message>, rcode: number]>> = {
    'BADVERS for a query with a client subnet': [{ edns: edns([subnet]) }, 16],
    'BADVERS for a NOTIFY': [{ opcode: 4, edns: edns() }, 16],
    'FORMERR for an option that is malformed, too': [{ edns: edns([{ code: 11, data: Uint8Array.of(1) }]) }, 1],
    'REFUSED for a class that is not served': [{ questions: [{ ...question, class: 3 }], edns: edns() }, 5],
  }
  for (const [title, [asked, rcode]] of Object.entries(cases))
    it(`a version of EDNS that is not spoken here is ${title}, and no plugin is asked`, async () => {
      const { reply, panics } = await heard(unheard, asked)
      assert.deepEqual([reply?.rcode, panics], [rcode, 0])
      if (rcode === 16)
        assert.deepEqual(reply?.edns, { version: 0, payloadSize: 0, dnssecOk: false, extendedRcode: 1, options: [] })
    })
})
