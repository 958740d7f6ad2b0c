import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { rcode } from '../../../src/dns/codes.ts'
import { loop } from '../../../src/plugins/loop/index.ts'
import { ask, createPluginHarness, failing, handle, setUp } from '../../support/plugin-harness.ts'
import { until } from '../../support/until.ts'
import { answering, type Script, silent, startUpstream } from '../../support/upstream.ts'

/** `loop` in a block of zone example.org, whose listener follows a script. */
async function createLoopHarness(t: TestContext, script: Script) {
  const listener = await startUpstream(script)
  const harness = createPluginHarness()
  const fatal: string[] = []
  Object.assign(harness.state, { fatal: (text: string) => void fatal.push(text) })
  const instance = setUp(loop, 'loop', harness, {
    zones: ['example.org.'],
    port: listener.port,
    addresses: ['127.0.0.1'],
  })
  t.after(async () => {
    await instance.stop?.()
    await listener.close()
  })
  instance.serving?.()
  await until(() => assert.ok(listener.arrived.length > 0))
  const [{ name }] = listener.arrived[0].query.questions
  const see = (question: string) => handle(instance, ask(question), failing(rcode.NOTIMP))
  return { listener, harness, fatal, name, see }
}

describe('loop', () => {
  it('loop asks its own listener, over UDP, HINFO of a name that nobody can guess, in the first zone', async (t) => {
    const first = await createLoopHarness(t, silent)
    const second = await createLoopHarness(t, silent)
    assert.match(first.name, /^\d+\.\d+\.example\.org\.$/)
    assert.notEqual(first.name, second.name)
    const [{ query, via }] = first.listener.arrived
    assert.deepEqual([via, query.questions[0].type, query.recursionDesired], ['udp', 13, true])
  })

  it('loop ends the process when the question comes round a third time, in the words of CoreDNS', async (t) => {
    const { see, name, fatal, listener } = await createLoopHarness(t, silent)
    for (let i = 0; i < 2; i++) await see(`${name} HINFO`)
    assert.deepEqual(fatal, [])
    await see(`${name} HINFO`)
    assert.deepEqual(fatal, [
      `plugin/loop: Loop (192.0.2.1:4000 -> 127.0.0.1:${listener.port}) detected for zone "example.org.", ` +
        `see https://coredns.io/plugins/loop#troubleshooting. Query: "HINFO ${name}"`,
    ])
  })

  it('loop passes every query on, and counts no other', async (t) => {
    const { see, name, fatal } = await createLoopHarness(t, silent)
    for (const question of [`${name} A`, 'other.example.org. HINFO', `${name} TXT`, 'example.org. HINFO']) {
      for (let i = 0; i < 5; i++) {
        const outcome = await see(question)
        assert.equal(outcome.kind === 'rcode' && outcome.rcode, rcode.NOTIMP)
      }
    }
    assert.deepEqual(fatal, [])
  })

  it('loop stops watching once its question is answered', async (t) => {
    const { see, name, fatal, listener } = await createLoopHarness(t, silent)
    listener.arrived[0].reply({ rcode: rcode.NXDOMAIN })
    const round = async () => {
      fatal.length = 0
      for (let i = 0; i < 3; i++) await see(`${name} HINFO`)
      assert.deepEqual(fatal, [])
    }
    await until(round)
  })

  it('loop asks again a second after each failure, for thirty seconds', async (t) => {
    const { listener, harness, see, name, fatal } = await createLoopHarness(t, silent)
    for (let asked = 1; asked < 10; asked++) {
      await until(() => assert.equal(listener.arrived.length, asked))
      // An unanswered question: two seconds of waiting, one of pause. Its sightings count anew.
      await see(`${name} HINFO`)
      await see(`${name} HINFO`)
      harness.clock.advance(2000)
      harness.clock.advance(1000)
    }
    await until(() => assert.equal(listener.arrived.length, 10))
    harness.clock.advance(100_000)
    listener.script = answering()
    for (let i = 0; i < 5; i++) await see(`${name} HINFO`)
    assert.equal(listener.arrived.length, 10)
    assert.deepEqual(fatal, [])
  })
})
