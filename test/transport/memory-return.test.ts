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
  for (; now < resident.length; now++) clock.advance(250)
  stop.stop()
  clock.advance(60_000)
  return trimmedAt
}

describe('memory that the C library keeps', () => {
  const cases: readonly { what: string; resident: number[]; free: number; trimmedAt: number[] }[] = [
    { what: 'is given back as soon as it has grown', resident: [100, 110, 110, 110], free: 8, trimmedAt: [1] },
    {
      what: 'is given back while it grows',
      resident: [100, 110, 130, 150, 170],
      free: 8,
      trimmedAt: [1, 2, 3, 4],
    },
    {
      what: 'that is in use is tried for once, not again and again',
      resident: [100, 150, 150, 150, 150],
      free: 0,
      trimmedAt: [1],
    },
    { what: 'of a few MiB is not worth the time', resident: [100, 103, 103, 103], free: 3, trimmedAt: [] },
    {
      what: 'is given back when it grows from the least that it was',
      resident: [150, 100, 110, 110],
      free: 8,
      trimmedAt: [2],
    },
    {
      what: 'is given back after the next peak, too',
      resident: [100, 150, 150, 150, 200, 200],
      free: 50,
      trimmedAt: [1, 4],
    },
  ]
  for (const { what, resident, free, trimmedAt } of cases)
    test(`memory that the C library keeps ${what}`, () => assert.deepEqual(looks(resident, free), trimmedAt))
})
