import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createWallClock } from '../../../src/plugins/dnstap/wall-clock.ts'
import { createFakeClock } from '../../support/fake-clock.ts'

describe('the times of dnstap', () => {
  /** Time passes, or the wall clock is set, at each look at the wall clock. */
  function createClocks() {
    const clock = createFakeClock({ wall: 1_000_000 })
    const disturbance = { pause: 0, set: 0 }
    const wall = () => {
      const time = clock.wall() + disturbance.set
      clock.advance(disturbance.pause)
      return time
    }
    return { clock, disturbance, time: createWallClock({ ...clock, wall }) }
  }

  it('the times of dnstap go on with the monotonic clock', () => {
    const { clock, time } = createClocks()
    assert.equal(time(), 1_000_000)
    clock.advance(20)
    assert.deepEqual([time(), time(15)], [1_000_020, 1_000_015])
  })

  it('the times of dnstap follow a wall clock that is set', () => {
    const { disturbance, time } = createClocks()
    time()
    disturbance.set = 60_000
    assert.equal(time(), 1_060_000)
  })

  it('the times of dnstap do not take an interruption of the process for a wall clock that is set', () => {
    const { clock, disturbance, time } = createClocks()
    time()
    disturbance.pause = 50
    clock.advance(10)
    assert.equal(time(10), 1_000_010)
    disturbance.pause = 0
    assert.equal(time(), 1_000_060)
  })
})
