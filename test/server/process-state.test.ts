import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createSharedValues } from '../../src/server/process-state.ts'

const silent = { debug() {}, info() {}, warning() {}, error() {}, plugin: () => silent }

describe('values that configurations share', () => {
  it('values that configurations share are made once per key, kept while anyone holds them, and stopped after the last release', async () => {
    const values = createSharedValues(silent)
    const events: string[] = []
    const make = () => ({
      value: { number: 1 },
      start: () => void events.push('start'),
      stop: () => void events.push('stop'),
    })
    const old = values.acquire('watch', make)
    const next = values.acquire('watch', make)
    assert.equal(old.value, next.value)
    old.release()
    old.release()
    await values.settled()
    assert.deepEqual(events, ['start'], 'a second release of one holder takes nothing from the other')
    next.release()
    await values.settled()
    assert.deepEqual(events, ['start', 'stop'])
    assert.notEqual(values.acquire('watch', make).value, next.value, 'afterwards it is made anew')
  })

  it('values that configurations share report a stop that fails instead of throwing', async () => {
    const errors: string[] = []
    const values = createSharedValues({ ...silent, error: (text) => void errors.push(text) })
    values.acquire('x', () => ({ value: 0, stop: () => Promise.reject(new Error('busy')) })).release()
    await values.settled()
    assert.deepEqual(errors, ['cannot stop x: busy'])
  })
})
