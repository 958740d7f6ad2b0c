import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createBackoff } from '../../../src/k8s/api/backoff.ts'
import { createFakeClock } from '../../support/fake-clock.ts'

describe('backoff', () => {
  test('the backoff doubles from 0.8 s to 30 s, each wait shortened by up to a half', () => {
    for (const [random, first] of [
      [0, 800],
      [0.999999, 400],
    ]) {
      const clock = createFakeClock()
      const backoff = createBackoff(clock, () => random)
      const waits = Array.from({ length: 8 }, () => {
        const wait = backoff.next()
        clock.advance(wait)
        return Math.round(wait)
      })
      assert.deepEqual(waits.slice(0, 3), [first, first * 2, first * 4])
      assert.equal(waits[7], Math.round(30_000 * (1 - random / 2)))
    }
  })

  test('the backoff begins anew after two minutes without a failure, not sooner', () => {
    const clock = createFakeClock()
    const backoff = createBackoff(clock, () => 0)
    for (let i = 0; i < 3; i++) clock.advance(backoff.next())
    clock.advance(119_000)
    assert.equal(backoff.next(), 6400)
    clock.advance(6400 + 120_000)
    assert.equal(backoff.next(), 800)
  })
})
