/** Memory that nobody uses any more goes back to the system. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { returnMemory } from '../../src/transport/memory-return.ts'
import { createFakeClock } from '../support/fake-clock.ts'

const mebibyte = 1024 * 1024

/** What is resident, in MiB, at each look; and how much of it is free (given back when asked). */
function looks(resident: readonly number[], free: number): number[] {
  const clock = createFakeClock()
  const trimmedAt: number[] = []
  let now = 0
  let given = 0
  const stop = returnMemory({
    clock,
    bound: () => undefined,
    resident: () => (resident[now]! - given) * mebibyte,
    trim() {
      trimmedAt.push(now)
      given += free
    },
  })
  for (; now < resident.length; now++) clock.advance(2_000)
  stop.stop()
  clock.advance(60_000)
  return trimmedAt
}

describe('memory after a peak', () => {
  const cases: readonly { what: string; resident: number[]; free: number; trimmedAt: number[] }[] = [
    { what: 'is given back once it no longer grows', resident: [100, 140, 180, 180, 180], free: 70, trimmedAt: [3] },
    {
      what: 'is given back although a little is still added',
      resident: [100, 180, 180.5, 181],
      free: 70,
      trimmedAt: [2],
    },
    { what: 'is left alone while it grows', resident: [100, 120, 140, 160, 180], free: 70, trimmedAt: [] },
    {
      what: 'that is in use is tried for once, not again and again',
      resident: [100, 150, 150, 150, 150],
      free: 0,
      trimmedAt: [2],
    },
    { what: 'of a few MiB is not worth the time', resident: [100, 107, 107, 107], free: 7, trimmedAt: [] },
    {
      what: 'is given back after the next peak, too',
      resident: [100, 150, 150, 150, 200, 200],
      free: 50,
      trimmedAt: [2, 5],
    },
  ]
  for (const { what, resident, free, trimmedAt } of cases)
    test(`memory after a peak ${what}`, () => assert.deepEqual(looks(resident, free), trimmedAt))
})
