import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { rcode } from '../../../src/dns/codes.ts'
import { replyTo } from '../../../src/dns/reply.ts'
import { replySource } from '../../../src/plugin/capabilities/reply-source.ts'
import { capabilityOf, provide } from '../../../src/plugin/capability.ts'
import type { Instance } from '../../../src/plugin/contract.ts'
import type { Handler } from '../../../src/plugin/query.ts'
import { dynamicZones } from '../../../src/plugins/cache/capability.ts'
import { messageOf } from '../../support/plugin-harness.ts'
import { createCacheHarness, soa, www } from './support.ts'

const question = 'www.example.org. A'

/** A plugin behind the cache, with live data in example.org: what it says of every name there at the moment. */
function livePlugin(says: 'passes' | 'NOERROR' | 'NXDOMAIN' | 'a promise') {
  const at = { says }
  const handler: Handler = (query, next) => {
    if (at.says === 'passes') return next(query)
    if (at.says === 'a promise') return Promise.reject(new Error('the upstream of its alias is lost'))
    return { kind: 'reply', plugin: 'kubernetes', message: replyTo(query.request, { rcode: rcode[at.says] }) }
  }
  const instance: Instance = { handler, provides: [provide(dynamicZones, { zones: ['example.org.'], handler })] }
  return { at, others: { kubernetes: instance } }
}

describe('a kept answer to a question that had fallen through', () => {
  for (const [what, said] of [
    ['a denial', { rcode: 'NXDOMAIN', authority: [soa] }],
    ['records', { answer: [www] }],
  ] as const) {
    it(`a cached answer of a name that fell through is given as long as it falls through: ${what}`, async () => {
      const { others } = livePlugin('passes')
      const { ask, asked } = createCacheHarness('cache', said, others)
      await ask(question)
      await ask(question)
      assert.equal(asked.length, 1)
    })

    for (const says of ['NOERROR', 'a promise'] as const) {
      it(`a cached answer is passed over once the plugin has the name (${says}): ${what}`, async () => {
        const { at, others } = livePlugin('passes')
        const made = createCacheHarness('cache', said, others)
        await made.ask(question)
        at.says = says
        made.said = { answer: ['www.example.org. 5 IN A 10.0.0.1'], plugin: 'kubernetes' }
        assert.deepEqual(await made.lines(question), ['www.example.org. 5 IN A 10.0.0.1'])
      })
    }
  }

  it('a cached answer goes to clients whose search the plugin does not see: it denies the name, another plugin had found it', async () => {
    const { others } = livePlugin('NXDOMAIN')
    const { ask, asked } = createCacheHarness('cache', { answer: [www] }, others)
    await ask(question)
    assert.equal(messageOf(await ask(question)).answer.length, 1)
    assert.equal(asked.length, 1)
  })

  it('a cached answer of a name that fell through is not for the data plane, which would not ask the plugin', async () => {
    const names: string[] = []
    const { ask, instance } = createCacheHarness('cache', { answer: [www] }, livePlugin('passes').others)
    capabilityOf(instance, replySource)?.attach({ put: ({ name }) => void names.push(name), remove() {} })
    await ask(question)
    await ask('www.example.com. A')
    assert.deepEqual(names, ['www.example.com.'])
  })
})
