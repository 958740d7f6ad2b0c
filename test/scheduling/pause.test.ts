import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { describe, it } from 'node:test'
import { pause } from '../../src/scheduling/pause.ts'
import { createFakeClock } from '../support/fake-clock.ts'

describe('a pause', () => {
  it('a pause ends after its time, and leaves nothing on the signal', async () => {
    const clock = createFakeClock()
    const { signal } = new AbortController()
    const paused = pause(clock, 1000, signal)
    assert.equal(getEventListeners(signal, 'abort').length, 1)
    clock.advance(1000)
    await paused
    assert.equal(getEventListeners(signal, 'abort').length, 0)
  })

  it('a pause ends when its signal does', async () => {
    const stopping = new AbortController()
    const paused = pause(createFakeClock(), 1000, stopping.signal)
    stopping.abort()
    await paused
  })
})
