import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { errors } from '../../../src/plugins/errors/index.ts'
import { ask, createPluginHarness, failing, handle, replying, setUp } from '../../support/plugin-harness.ts'

const servfail = 2

describe('errors', () => {
  it('errors writes rcode, name in lower case, type and error of a query that failed', () => {
    const harness = createPluginHarness()
    const instance = setUp(errors, 'errors', harness)
    handle(instance, ask('A.example.Org. AAAA'), failing(servfail, 'no healthy proxies'))
    assert.deepEqual(harness.lines, ['[ERROR] plugin/errors: 2 a.example.org. AAAA: no healthy proxies'])
  })

  it('errors writes the error of a reply that was sent all the same, and of one that comes later', async () => {
    const harness = createPluginHarness()
    const instance = setUp(errors, 'errors', harness)
    handle(instance, ask('a.org. A'), replying({ rcode: 'REFUSED', error: new Error('too many') }))
    await handle(instance, ask('b.org. A'), async (query) => failing(servfail, 'late')(query))
    assert.deepEqual(harness.lines, [
      '[ERROR] plugin/errors: 5 a.org. A: too many',
      '[ERROR] plugin/errors: 2 b.org. A: late',
    ])
  })

  it('errors says nothing about queries without an error, whatever their rcode', () => {
    const harness = createPluginHarness()
    const instance = setUp(errors, 'errors', harness)
    handle(instance, ask('a.org. A'), replying())
    handle(instance, ask('a.org. A'), failing(servfail))
    handle(instance, ask('a.org. A'), () => ({ kind: 'drop', plugin: 'acl' }))
    assert.deepEqual(harness.lines, [])
  })

  it('errors leaves the outcome as it is', () => {
    const outcome = failing(servfail, 'x')(ask('a.org. A'))
    assert.equal(
      handle(setUp(errors, 'errors'), ask('a.org. A'), () => outcome),
      outcome,
    )
  })

  it('errors writes where an error came from with stacktrace', () => {
    const harness = createPluginHarness()
    handle(setUp(errors, 'errors {\nstacktrace\n}', harness), ask('a.org. A'), failing(servfail, 'x'))
    assert.match(harness.lines[0], /^\[ERROR\] plugin\/errors: 2 a\.org\. A: Error: x\n +at /)
  })

  describe('errors with consolidate', () => {
    function failTimes(times: number, text: string, harness = createPluginHarness()) {
      const instance = setUp(errors, `errors {\n${text}\n}`, harness)
      for (let i = 0; i < times; i++) handle(instance, ask('a.org. A'), failing(servfail, 'read udp: i/o timeout'))
      return { instance, harness }
    }

    it('errors with consolidate counts errors that match, and logs how many at the end of the period', () => {
      const { harness } = failTimes(3, 'consolidate 5m "^read udp .*|i/o timeout$"')
      harness.clock.advance(299_999)
      assert.deepEqual(harness.lines, [])
      harness.clock.advance(1)
      assert.deepEqual(harness.lines, [
        "[ERROR] plugin/errors: 3 errors like '^read udp .*|i/o timeout$' occurred in last 5m0s",
      ])
      harness.clock.advance(600_000)
      assert.equal(harness.lines.length, 1, 'a period without errors has no summary')
    })

    it('errors with consolidate writes errors that match no pattern as ever, and asks patterns in order', () => {
      const harness = createPluginHarness()
      const instance = setUp(errors, 'errors {\nconsolidate 1s refused info\nconsolidate 1s ref debug\n}', harness)
      handle(instance, ask('a.org. A'), failing(servfail, 'connection refused'))
      handle(instance, ask('a.org. A'), failing(servfail, 'other'))
      harness.clock.advance(1_000)
      assert.deepEqual(harness.lines, [
        '[ERROR] plugin/errors: 2 a.org. A: other',
        "[INFO] plugin/errors: 1 errors like 'refused' occurred in last 1s",
      ])
    })

    it('errors with consolidate logs the first error with show_first, and no summary when it was the only one', () => {
      const first = '[WARNING] plugin/errors: 2 a.org. A: read udp: i/o timeout'
      const once = failTimes(1, 'consolidate 30s timeout warning show_first').harness
      once.clock.advance(30_000)
      assert.deepEqual(once.lines, [first])
      const twice = failTimes(2, 'consolidate 30s timeout warning show_first').harness
      twice.clock.advance(30_000)
      assert.deepEqual(twice.lines, [first, "[WARNING] plugin/errors: 2 errors like 'timeout' occurred in last 30s"])
    })

    it('errors with consolidate logs what it has counted when the configuration ends', async () => {
      const { instance, harness } = failTimes(2, 'consolidate 1h timeout')
      await instance.stop?.()
      assert.deepEqual(harness.lines, ["[ERROR] plugin/errors: 2 errors like 'timeout' occurred in last 1h0m0s"])
      harness.clock.advance(3_600_000)
      assert.equal(harness.lines.length, 1)
    })
  })
})
