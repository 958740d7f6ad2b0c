import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { rcode } from '../../src/dns/codes.ts'
import type { Handler, Query } from '../../src/plugin/query.ts'
import { linkChain } from '../../src/server/chain.ts'

const query = { name: 'a.example.' } as Query
const passes: Handler = (asked, next) => next(asked)

describe('the plugin chain', () => {
  it('the plugin chain runs handlers in order until one answers', async () => {
    const seen: string[] = []
    const chain = linkChain([
      {
        plugin: 'first',
        handler: (asked, next) => {
          seen.push('first')
          return next(asked)
        },
      },
      {
        plugin: 'second',
        handler: () => {
          seen.push('second')
          return { kind: 'drop', plugin: 'second' }
        },
      },
      { plugin: 'third', handler: () => assert.fail('not reached') },
    ])
    assert.deepEqual(await chain(query), { kind: 'drop', plugin: 'second' })
    assert.deepEqual(seen, ['first', 'second'])
  })

  it('the plugin chain ends in SERVFAIL with an error that names the last plugin', async () => {
    const outcome = await linkChain([{ plugin: 'errors', handler: passes }])(query)
    assert.equal(outcome.kind, 'rcode')
    assert.equal(outcome.kind === 'rcode' && outcome.rcode, rcode.SERVFAIL)
    assert.equal(outcome.kind === 'rcode' && outcome.error?.message, 'plugin/errors: no next plugin found')
  })

  it('the plugin chain lets a plugin ask several different questions of those behind it', async () => {
    const asked: string[] = []
    const chain = linkChain([
      {
        plugin: 'autopath',
        handler: async (original, next) => {
          await next({ ...original, name: 'a.one.' })
          return next({ ...original, name: 'a.two.' })
        },
      },
      {
        plugin: 'end',
        handler: ({ name }) => {
          asked.push(name)
          return { kind: 'drop', plugin: 'end' }
        },
      },
    ])
    await chain(query)
    assert.deepEqual(asked, ['a.one.', 'a.two.'])
  })

  it('the plugin chain refuses a plugin that passes one query on twice', () => {
    const chain = linkChain([
      {
        plugin: 'twice',
        handler: (asked, next) => {
          next(asked)
          return next(asked)
        },
      },
      { plugin: 'end', handler: () => ({ kind: 'drop', plugin: 'end' }) },
    ])
    assert.throws(() => chain(query), /plugin\/twice passed one query on twice/)
  })
})
