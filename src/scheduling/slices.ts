/** Work in small pieces: runs soon after it is woken, and never holds the event loop for much longer than a slice. */
import type { Clock } from './clock.ts'

export interface Slices {
  /** There is something to do. It begins with the next microtask, or where it left off. */
  wake(): void
  stop(): void
}

/** Milliseconds of work before the event loop gets its turn (docs/design.md §4). */
const sliceLength = 1

/**
 * What is not compiled yet is a miss, and misses can fill the event loop: then a slice of 1 ms between long turns would
 * put off for minutes what ends the misses. So a slice may last as long as the turn before it did, up to this (ms).
 */
const longestSlice = 20

/** `step` does one piece and returns false when nothing is left; `finish` runs at the end of each slice. */
export function createSlices(clock: Clock, step: () => boolean, finish: () => void): Slices {
  let state: 'idle' | 'waiting' | 'stopped' = 'idle'
  let yieldedAt = 0

  function run(): void {
    if (state === 'stopped') return
    const begin = clock.now()
    const end = begin + Math.min(Math.max(begin - yieldedAt, sliceLength), longestSlice)
    let more: boolean
    do more = step()
    while (more && clock.now() < end)
    finish()
    state = more ? 'waiting' : 'idle'
    yieldedAt = clock.now()
    if (more) setImmediate(run)
  }

  return {
    wake() {
      if (state !== 'idle') return
      state = 'waiting'
      yieldedAt = clock.now()
      queueMicrotask(run)
    },
    stop() {
      state = 'stopped'
    },
  }
}
