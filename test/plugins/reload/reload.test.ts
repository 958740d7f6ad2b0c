import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { reload } from '../../../src/plugins/reload/index.ts'
import { createProcessRig, type ProcessRig, setUp } from '../../support/plugin-rig.ts'

const second = 1_000

async function started(text: string, rig: ProcessRig) {
  const instance = setUp(reload, text, rig)
  await instance.start?.()
  instance.serving?.()
  return instance
}

/** Lets time pass, and what was begun by then end. */
async function pass(rig: ProcessRig, milliseconds: number) {
  rig.clock.move(milliseconds)
  await new Promise(setImmediate)
}

describe('reload', () => {
  it('tells the hash of the configuration that runs, in the log and as a metric', async () => {
    const rig = createProcessRig()
    await started('reload', rig)
    assert.deepEqual(rig.lines, ['[INFO] plugin/reload: Running configuration SHA512 = first'])
    assert.match(await rig.metrics.text(), /^coredns_reload_version_info\{hash="sha512",value="first"\} 1$/m)
    assert.match(await rig.metrics.text(), /^coredns_reload_failed_total 0$/m)
  })

  it('asks for a reload when the file says something else, and not before', async () => {
    const rig = createProcessRig()
    await started('reload 10s 0', rig)
    await pass(rig, 60 * second)
    assert.deepEqual(rig.reloads.reasons, [])
    rig.file = { hash: 'second' }
    await pass(rig, 10 * second)
    await pass(rig, 60 * second)
    assert.deepEqual(rig.reloads.reasons, ['Corefile changed'])
  })

  it('shows the new hash in place of the old one after a reload, and keeps looking', async () => {
    const rig = createProcessRig()
    const old = await started('reload 10s 0', rig)
    rig.file = { hash: 'second' }
    await pass(rig, 10 * second)
    const next = await started('reload 10s 0', rig)
    await old.stop?.()
    const versions = (await rig.metrics.text()).match(/^coredns_reload_version_info.*$/gm)
    assert.deepEqual(versions, ['coredns_reload_version_info{hash="sha512",value="second"} 1'])
    rig.file = { hash: 'third' }
    await pass(rig, 10 * second)
    assert.equal(rig.reloads.reasons.length, 2)
    await next.stop?.()
  })

  it('tries a configuration that fails once, until the file changes again', async () => {
    const rig = createProcessRig()
    await started('reload 10s 0', rig)
    rig.file = { hash: 'bad' }
    rig.reloads.result = { ok: false, error: 'Corefile:3:1 - no' }
    await pass(rig, 10 * second)
    await pass(rig, 100 * second)
    assert.equal(rig.reloads.reasons.length, 1)
    assert.equal(rig.lines.at(-1), '[ERROR] plugin/reload: Corefile changed but reload failed: Corefile:3:1 - no')
    assert.match(await rig.metrics.text(), /^coredns_reload_failed_total 1$/m)
    rig.file = { hash: 'good' }
    rig.reloads.result = { ok: true }
    await pass(rig, 10 * second)
    assert.equal(rig.reloads.reasons.length, 2)
    assert.match(await rig.metrics.text(), /value="first"/, 'the running hash stays until another configuration serves')
  })

  it('tells once that a file cannot be read or parsed, and loads it when it can be', async () => {
    const rig = createProcessRig()
    await started('reload 10s 0', rig)
    rig.file = { error: new Error("Corefile:1:1 - Unknown directive 'x'") }
    await pass(rig, 100 * second)
    assert.deepEqual(rig.reloads.reasons, [])
    assert.deepEqual(rig.lines.slice(1), [
      "[WARNING] plugin/reload: Corefile changed but cannot be used, the running configuration stays: Corefile:1:1 - Unknown directive 'x'",
    ])
    rig.file = { hash: 'second' }
    await pass(rig, 10 * second)
    assert.equal(rig.reloads.reasons.length, 1)
  })

  it('does not load again what a signal has loaded meanwhile', async () => {
    const rig = createProcessRig()
    await started('reload 10s 0', rig)
    rig.file = { hash: 'second' }
    rig.running = { hash: 'second' }
    await pass(rig, 60 * second)
    assert.deepEqual(rig.reloads.reasons, [])
  })

  it('looks once per interval however many blocks name it, and no more once none does', async () => {
    const rig = createProcessRig()
    const blocks = [await started('reload 10s 0', rig), await started('reload 10s 0', rig)]
    rig.file = { hash: 'second' }
    await pass(rig, 10 * second)
    assert.equal(rig.reloads.reasons.length, 1)
    for (const block of blocks) await block.stop?.()
    await rig.settled()
    rig.file = { hash: 'third' }
    await pass(rig, 100 * second)
    assert.equal(rig.reloads.reasons.length, 1)
  })

  const ranges: readonly (readonly [string, number, number])[] = [
    ['reload', 22.5, 37.5],
    ['reload 10s 4s', 8, 12],
    ['reload 10s 20s', 7.5, 12.5],
    ['reload 2s 0', 2, 2],
  ]
  for (const [text, earliest, latest] of ranges)
    it(`looks after ${earliest} to ${latest} s with '${text}'`, async () => {
      for (let i = 0; i < 20; i++) {
        const rig = createProcessRig()
        await started(text, rig)
        rig.file = { hash: 'second' }
        await pass(rig, earliest * second - 1)
        assert.equal(rig.reloads.reasons.length, 0)
        await pass(rig, (latest - earliest) * second + 1)
        assert.equal(rig.reloads.reasons.length, 1)
      }
    })
})
