import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { reload } from '../../../src/plugins/reload/index.ts'
import { createPluginHarness, type PluginHarness, setUp } from '../../support/plugin-harness.ts'

const second = 1_000

async function started(text: string, harness: PluginHarness) {
  const instance = setUp(reload, text, harness)
  await instance.start?.()
  instance.serving?.()
  return instance
}

/** Lets time pass, and what was begun by then end. */
async function pass(harness: PluginHarness, milliseconds: number) {
  harness.clock.advance(milliseconds)
  await new Promise(setImmediate)
}

const rejectedMetric = async ({ metrics }: ReturnType<typeof createPluginHarness>) =>
  /^slicedns_corefile_rejected (\d)$/m.exec(await metrics.text())?.[1]

describe('reload', () => {
  it('reload shows the hash of the configuration that runs, in the log and as a metric', async () => {
    const harness = createPluginHarness()
    await started('reload', harness)
    assert.deepEqual(harness.lines, ['[INFO] plugin/reload: Running configuration SHA512 = first'])
    assert.match(await harness.metrics.text(), /^coredns_reload_version_info\{hash="sha512",value="first"\} 1$/m)
    assert.match(await harness.metrics.text(), /^coredns_reload_failed_total 0$/m)
  })

  it('reload asks for a reload when the file says something else, and not before', async () => {
    const harness = createPluginHarness()
    await started('reload 10s 0', harness)
    await pass(harness, 60 * second)
    assert.deepEqual(harness.reloads.reasons, [])
    harness.file = { hash: 'second' }
    await pass(harness, 10 * second)
    await pass(harness, 60 * second)
    assert.deepEqual(harness.reloads.reasons, ['Corefile changed'])
  })

  it('reload shows the new hash in place of the old one after a reload, and keeps looking', async () => {
    const harness = createPluginHarness()
    const old = await started('reload 10s 0', harness)
    harness.file = { hash: 'second' }
    await pass(harness, 10 * second)
    const next = await started('reload 10s 0', harness)
    await old.stop?.()
    const versions = (await harness.metrics.text()).match(/^coredns_reload_version_info.*$/gm)
    assert.deepEqual(versions, ['coredns_reload_version_info{hash="sha512",value="second"} 1'])
    harness.file = { hash: 'third' }
    await pass(harness, 10 * second)
    assert.equal(harness.reloads.reasons.length, 2)
    await next.stop?.()
  })

  it('reload tries a configuration that fails once, until the file changes again', async () => {
    const harness = createPluginHarness()
    await started('reload 10s 0', harness)
    harness.file = { hash: 'bad' }
    harness.reloads.result = { ok: false, error: 'Corefile:3:1 - no' }
    await pass(harness, 10 * second)
    await pass(harness, 100 * second)
    assert.equal(harness.reloads.reasons.length, 1)
    assert.equal(harness.lines.at(-1), '[ERROR] plugin/reload: Corefile changed but reload failed: Corefile:3:1 - no')
    assert.match(await harness.metrics.text(), /^coredns_reload_failed_total 1$/m)
    harness.file = { hash: 'good' }
    harness.reloads.result = { ok: true }
    await pass(harness, 10 * second)
    assert.equal(harness.reloads.reasons.length, 2)
    assert.match(
      await harness.metrics.text(),
      /value="first"/,
      'the running hash stays until another configuration serves',
    )
  })

  it('reload logs once that a file cannot be read or parsed, and loads it when it can be', async () => {
    const harness = createPluginHarness()
    await started('reload 10s 0', harness)
    harness.file = { error: new Error("Corefile:1:1 - Unknown directive 'x'") }
    await pass(harness, 100 * second)
    assert.deepEqual(harness.reloads.reasons, [])
    assert.deepEqual(harness.lines.slice(1), [
      "[WARNING] plugin/reload: Corefile parse failed: Corefile:1:1 - Unknown directive 'x'; the running configuration stays",
    ])
    harness.file = { hash: 'second' }
    await pass(harness, 10 * second)
    assert.equal(harness.reloads.reasons.length, 1)
  })

  it('reload shows for as long as the Corefile cannot be used that it is rejected', async () => {
    const harness = createPluginHarness()
    await started('reload 10s 0', harness)
    assert.equal(await rejectedMetric(harness), '0')
    harness.file = { hash: 'bad' }
    harness.reloads.result = { ok: false, error: 'Corefile:3:1 - no' }
    await pass(harness, 10 * second)
    assert.equal(await rejectedMetric(harness), '1')
    await pass(harness, 100 * second)
    assert.equal(await rejectedMetric(harness), '1')
    harness.file = { hash: 'first' }
    await pass(harness, 10 * second)
    assert.equal(await rejectedMetric(harness), '0')
    harness.file = { error: new Error("Corefile:1:1 - Unknown directive 'x'") }
    await pass(harness, 10 * second)
    assert.equal(await rejectedMetric(harness), '1')
    harness.file = { hash: 'second' }
    harness.reloads.result = { ok: true }
    await pass(harness, 10 * second)
    assert.equal(await rejectedMetric(harness), '0')
  })

  it('reload takes a failure back that a signal has met, where the file is again the one that runs', async () => {
    const harness = createPluginHarness()
    await started('reload 10s 0', harness)
    harness.reloads.result = { ok: false, error: 'Corefile:3:1 - no' }
    await harness.state.reload('SIGUSR1')
    assert.equal(await rejectedMetric(harness), '1')
    await pass(harness, 10 * second)
    assert.equal(await rejectedMetric(harness), '0')
  })

  it('reload does not take a failure back that is no fault of the Corefile: it would fail again', async () => {
    const harness = createPluginHarness()
    await started('reload 10s 0', harness)
    harness.reloads.result = { ok: false, error: 'open cert.pem: no such file', unchanged: true }
    await harness.state.reload('SIGUSR1')
    await pass(harness, 100 * second)
    assert.equal(await rejectedMetric(harness), '1')
  })

  it('reload does not load again what a signal has loaded meanwhile', async () => {
    const harness = createPluginHarness()
    await started('reload 10s 0', harness)
    harness.file = { hash: 'second' }
    harness.running = { hash: 'second' }
    await pass(harness, 60 * second)
    assert.deepEqual(harness.reloads.reasons, [])
  })

  it('reload looks once per interval however many blocks name it, and no more once none does', async () => {
    const harness = createPluginHarness()
    const blocks = [await started('reload 10s 0', harness), await started('reload 10s 0', harness)]
    harness.file = { hash: 'second' }
    await pass(harness, 10 * second)
    assert.equal(harness.reloads.reasons.length, 1)
    for (const block of blocks) await block.stop?.()
    await harness.settled()
    harness.file = { hash: 'third' }
    await pass(harness, 100 * second)
    assert.equal(harness.reloads.reasons.length, 1)
  })

  const ranges: readonly (readonly [string, number, number])[] = [
    ['reload', 22.5, 37.5],
    ['reload 10s 4s', 8, 12],
    ['reload 10s 20s', 7.5, 12.5],
    ['reload 2s 0', 2, 2],
  ]
  for (const [text, earliest, latest] of ranges)
    it(`reload looks after ${earliest} to ${latest} s with '${text}'`, async () => {
      for (let i = 0; i < 20; i++) {
        const harness = createPluginHarness()
        await started(text, harness)
        harness.file = { hash: 'second' }
        await pass(harness, earliest * second - 1)
        assert.equal(harness.reloads.reasons.length, 0)
        await pass(harness, (latest - earliest) * second + 1)
        assert.equal(harness.reloads.reasons.length, 1)
      }
    })
})
