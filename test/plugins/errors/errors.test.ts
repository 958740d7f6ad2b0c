import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { errors } from '../../../src/plugins/errors/index.ts'
import { ask, createProcessRig, failing, handle, replying, setUp } from '../../support/plugin-rig.ts'

const servfail = 2

describe('errors', () => {
  it('writes rcode, name in lower case, type and error of a query that failed', () => {
    const rig = createProcessRig()
    const instance = setUp(errors, 'errors', rig)
    handle(instance, ask('A.example.Org. AAAA'), failing(servfail, 'no healthy proxies'))
    assert.deepEqual(rig.lines, ['[ERROR] plugin/errors: 2 a.example.org. AAAA: no healthy proxies'])
  })

  it('writes the error of a reply that was sent all the same, and of one that comes later', async () => {
    const rig = createProcessRig()
    const instance = setUp(errors, 'errors', rig)
    handle(instance, ask('a.org. A'), replying({ rcode: 'REFUSED', error: new Error('too many') }))
    await handle(instance, ask('b.org. A'), async (query) => failing(servfail, 'late')(query))
    assert.deepEqual(rig.lines, [
      '[ERROR] plugin/errors: 5 a.org. A: too many',
      '[ERROR] plugin/errors: 2 b.org. A: late',
    ])
  })

  it('says nothing about queries without an error, whatever their rcode', () => {
    const rig = createProcessRig()
    const instance = setUp(errors, 'errors', rig)
    handle(instance, ask('a.org. A'), replying())
    handle(instance, ask('a.org. A'), failing(servfail))
    handle(instance, ask('a.org. A'), () => ({ kind: 'drop', plugin: 'acl' }))
    assert.deepEqual(rig.lines, [])
  })

  it('leaves the outcome as it is', () => {
    const outcome = failing(servfail, 'x')(ask('a.org. A'))
    assert.equal(
      handle(setUp(errors, 'errors'), ask('a.org. A'), () => outcome),
      outcome,
    )
  })

  it('writes where an error came from with stacktrace', () => {
    const rig = createProcessRig()
    handle(setUp(errors, 'errors {\nstacktrace\n}', rig), ask('a.org. A'), failing(servfail, 'x'))
    assert.match(rig.lines[0], /^\[ERROR\] plugin\/errors: 2 a\.org\. A: Error: x\n +at /)
  })

  describe('with consolidate', () => {
    function failTimes(times: number, text: string, rig = createProcessRig()) {
      const instance = setUp(errors, `errors {\n${text}\n}`, rig)
      for (let i = 0; i < times; i++) handle(instance, ask('a.org. A'), failing(servfail, 'read udp: i/o timeout'))
      return { instance, rig }
    }

    it('counts errors that match, and says how many at the end of the period', () => {
      const { rig } = failTimes(3, 'consolidate 5m "^read udp .*|i/o timeout$"')
      rig.clock.move(299_999)
      assert.deepEqual(rig.lines, [])
      rig.clock.move(1)
      assert.deepEqual(rig.lines, [
        "[ERROR] plugin/errors: 3 errors like '^read udp .*|i/o timeout$' occurred in last 5m0s",
      ])
      rig.clock.move(600_000)
      assert.equal(rig.lines.length, 1, 'a period without errors has no summary')
    })

    it('writes errors that match no pattern as ever, and asks patterns in order', () => {
      const rig = createProcessRig()
      const instance = setUp(errors, 'errors {\nconsolidate 1s refused info\nconsolidate 1s ref debug\n}', rig)
      handle(instance, ask('a.org. A'), failing(servfail, 'connection refused'))
      handle(instance, ask('a.org. A'), failing(servfail, 'other'))
      rig.clock.move(1_000)
      assert.deepEqual(rig.lines, [
        '[ERROR] plugin/errors: 2 a.org. A: other',
        "[INFO] plugin/errors: 1 errors like 'refused' occurred in last 1s",
      ])
    })

    it('shows the first one with show_first, and no summary when it was the only one', () => {
      const first = '[WARNING] plugin/errors: 2 a.org. A: read udp: i/o timeout'
      const once = failTimes(1, 'consolidate 30s timeout warning show_first').rig
      once.clock.move(30_000)
      assert.deepEqual(once.lines, [first])
      const twice = failTimes(2, 'consolidate 30s timeout warning show_first').rig
      twice.clock.move(30_000)
      assert.deepEqual(twice.lines, [first, "[WARNING] plugin/errors: 2 errors like 'timeout' occurred in last 30s"])
    })

    it('says what it has counted when the configuration ends', async () => {
      const { instance, rig } = failTimes(2, 'consolidate 1h timeout')
      await instance.stop?.()
      assert.deepEqual(rig.lines, ["[ERROR] plugin/errors: 2 errors like 'timeout' occurred in last 1h0m0s"])
      rig.clock.move(3_600_000)
      assert.equal(rig.lines.length, 1)
    })
  })
})
