/** One question is bounded: whatever its chain waits for, and however much it asks. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { queryMessage } from '../../src/dns/query.ts'
import { encodeMessage, parseMessage } from '../../src/dns/wire.ts'
import type { Plugin } from '../../src/plugin/contract.ts'
import type { Handler, Query } from '../../src/plugin/query.ts'
import type { Miss } from '../../src/server/ingress.ts'
import { createDispatcherHarness } from './dispatcher-harness.ts'

const never = new Promise<never>(() => undefined)

function missOf(receivedAt: number, more: Partial<Miss> = {}): Miss {
  return {
    request: encodeMessage(queryMessage('a.example.', 1, true), { limit: 512 }),
    transport: 'udp',
    client: { address: '192.0.2.1', port: 4000 },
    local: { address: '192.0.2.53', port: 53 },
    listener: { scheme: 'dns', address: '', port: 53, space: 0, shards: 1 },
    receivedAt,
    ...more,
  }
}

/** A plugin with this handler, and the queries that it got. */
function handling(handler: Handler) {
  const queries: Query[] = []
  const plugin: Plugin = {
    name: 'test',
    schema: { usage: 'test', repeat: 'once', read: () => undefined },
    setup: () => ({
      handler(query, next) {
        queries.push(query)
        return handler(query, next)
      },
    }),
  }
  return { plugin, queries }
}

const rcodeOf = (octets: Uint8Array | undefined) => octets && parseMessage(octets).rcode

describe('a question whose chain does not answer', () => {
  it('a question is SERVFAIL 5 s after it was received, and what it waits for is given up', async () => {
    const { plugin, queries } = handling(() => never)
    const { answer, clock, reached } = await createDispatcherHarness(plugin)
    clock.advance(2_000)
    const reply = answer(missOf(1_000))
    const { signal } = queries[0].budget
    clock.advance(4_000)
    assert.equal(signal.aborted, false)
    clock.advance(300)
    assert.equal(rcodeOf(await reply), 2)
    assert.equal(signal.aborted, true)
    assert.deepEqual(reached(), { deadline: 1 })
  })

  it('a question ends without a reply when its client has gone', async () => {
    const { plugin, queries } = handling(() => never)
    const { answer, reached } = await createDispatcherHarness(plugin)
    const client = new AbortController()
    const reply = answer(missOf(0, { transport: 'tcp', signal: client.signal }))
    const { signal } = queries[0].budget
    client.abort()
    assert.equal(await reply, undefined)
    assert.equal(signal.aborted, true)
    assert.deepEqual(reached(), {})
  })

  it('shutdown ends every question, also one that comes later', async () => {
    const { plugin } = handling(() => never)
    const { answer, budgets } = await createDispatcherHarness(plugin)
    const before = answer(missOf(0))
    budgets.endAll()
    assert.deepEqual([rcodeOf(await before), rcodeOf(await answer(missOf(0)))], [2, 2])
  })

  it('a detached budget outlives the client that asked, and ends at its own deadline', async () => {
    const { plugin, queries } = handling(() => never)
    const { answer, clock } = await createDispatcherHarness(plugin)
    const client = new AbortController()
    const reply = answer(missOf(0, { transport: 'tcp', signal: client.signal }))
    const shared = queries[0].budget.detach()
    const { signal } = shared
    client.abort()
    await reply
    assert.equal(signal.aborted, false)
    clock.advance(5_300)
    assert.equal(signal.aborted, true)
    assert.equal(shared.ended, 'deadline')
  })
})

describe('the lookups of a question', () => {
  it('internal lookups are SERVFAIL after 64, however many are asked at once', async () => {
    const { plugin, queries } = handling(async (query) => {
      if (query.name !== 'a.example.') return { kind: 'rcode', rcode: 3, plugin: 'test' }
      const outcomes = await Promise.all(Array.from({ length: 100 }, (_, i) => query.lookup(`n${i}.example.`, 1)))
      const failed = outcomes.filter((outcome) => outcome.kind === 'rcode' && outcome.rcode === 2)
      assert.match(
        failed[0].kind === 'rcode' ? failed[0].error!.message : '',
        /^maximum number of internal lookups \(64\) exceeded for n64\.example\.$/,
      )
      return { kind: 'rcode', rcode: failed.length === 36 ? 0 : 1, plugin: 'test' }
    })
    const { answer, reached } = await createDispatcherHarness(plugin)
    assert.equal(rcodeOf(await answer(missOf(0))), 0)
    assert.equal(queries.length, 65)
    assert.deepEqual(reached(), { lookups: 36 })
  })

  it('internal lookups share one budget with the lookups that they cause', async () => {
    const { plugin, queries } = handling(async (query) => {
      const depth = query.name.split('.').length
      if (depth > 6) return { kind: 'rcode', rcode: 3, plugin: 'test' }
      await Promise.all(['x', 'y', 'z'].map((label) => query.lookup(`${label}.${query.name}`, 1)))
      return { kind: 'rcode', rcode: 3, plugin: 'test' }
    })
    const { answer } = await createDispatcherHarness(plugin)
    await answer(missOf(0))
    assert.equal(queries.length, 65, 'of 121')
  })

  it('a lookup within more than 10 lookups is SERVFAIL', async () => {
    const { plugin } = handling((query) => query.lookup('b.example.', 1))
    const { answer, reached } = await createDispatcherHarness(plugin)
    assert.equal(rcodeOf(await answer(missOf(0))), 2)
    assert.deepEqual(reached(), { depth: 1 })
  })
})
