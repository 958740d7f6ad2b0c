/** Plugins with one duty each: bufsize, cancel, debug, multisocket, root. */
import assert from 'node:assert/strict'
import { availableParallelism } from 'node:os'
import { describe, it } from 'node:test'
import type { Query } from '../../src/plugin/query.ts'
import { bufsize } from '../../src/plugins/bufsize/index.ts'
import { cancel } from '../../src/plugins/cancel/index.ts'
import { debug } from '../../src/plugins/debug/index.ts'
import { multisocket } from '../../src/plugins/multisocket/index.ts'
import { root } from '../../src/plugins/root/index.ts'
import { ask, createProcessRig, failing, handle, replying, setUp } from '../support/plugin-rig.ts'

describe('bufsize', () => {
  const cases: readonly (readonly [string, number | undefined, number | undefined])[] = [
    ['bufsize', 4_096, 1_232],
    ['bufsize 512', 1_232, 512],
    ['bufsize 1400', 1_232, 1_232],
    ['bufsize 512\nbufsize 4096', 4_096, 4_096],
    ['bufsize', undefined, undefined],
  ]
  for (const [text, offered, passedOn] of cases)
    it(`passes on ${passedOn ?? 'no EDNS'} of ${offered ?? 'none'} with '${text.replace('\n', ' | ')}'`, () => {
      let seen: Query | undefined
      handle(setUp(bufsize, text), ask('a. A', offered ? { edns: { payloadSize: offered } } : {}), (query) => {
        seen = query
        return replying()(query)
      })
      assert.equal(seen?.request.edns?.payloadSize, passedOn)
    })

  it('holds for answers from the table, too', () => {
    assert.deepEqual(setUp(bufsize, 'bufsize 700').effects, { maxPayload: 700 })
  })
})

describe('cancel', () => {
  it('gives SERVFAIL to a query that takes too long', async () => {
    const rig = createProcessRig()
    const outcome = handle(setUp(cancel, 'cancel 2s', rig), ask('a. A'), () => new Promise(() => undefined))
    rig.clock.move(2_000)
    const settled = await outcome
    assert.deepEqual(settled.kind === 'rcode' && [settled.rcode, settled.error?.message], [
      2,
      'no answer within 2000 ms',
    ])
  })

  it('leaves answers that come in time alone, and those that came at once', async () => {
    const rig = createProcessRig()
    const instance = setUp(cancel, 'cancel', rig)
    const atOnce = handle(instance, ask('a. A'), failing(5))
    assert.ok(!(atOnce instanceof Promise))
    const soon = await handle(instance, ask('a. A'), async (query) => replying()(query))
    assert.equal(soon.kind, 'reply')
  })

  it('waits 5.001 s unless told otherwise', async () => {
    const rig = createProcessRig()
    let done = false
    const outcome = handle(setUp(cancel, 'cancel', rig), ask('a. A'), () => new Promise(() => undefined))
    void Promise.resolve(outcome).then(() => {
      done = true
    })
    rig.clock.move(5_000)
    await new Promise(setImmediate)
    assert.equal(done, false)
    rig.clock.move(1)
    await new Promise(setImmediate)
    assert.equal(done, true)
  })
})

describe('debug', () => {
  it('turns DEBUG lines on for as long as a configuration names it', async () => {
    const rig = createProcessRig()
    const [old, next] = [setUp(debug, 'debug', rig), setUp(debug, 'debug', rig)]
    await old.start?.()
    await next.start?.()
    await old.stop?.()
    await rig.settled()
    assert.deepEqual(rig.lines, ['debug on'])
    await next.stop?.()
    await rig.settled()
    assert.deepEqual(rig.lines, ['debug on', 'debug off'])
  })
})

describe('multisocket', () => {
  it('asks for as many UDP threads as it says, or as there are CPUs', () => {
    assert.equal(setUp(multisocket, 'multisocket 3').shards, 3)
    assert.equal(setUp(multisocket, 'multisocket').shards, availableParallelism())
  })
})

describe('root', () => {
  it('warns of a folder that is not there', () => {
    const rig = createProcessRig()
    setUp(root, 'root /', rig)
    assert.deepEqual(rig.lines, [])
    setUp(root, 'root /no/such/folder', rig)
    assert.deepEqual(rig.lines, ['[WARNING] plugin/root: Root path does not exist or is not a folder: /no/such/folder'])
  })
})
