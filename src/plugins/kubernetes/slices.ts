/** Work in small pieces: runs soon after it is woken, and never holds the event loop for much longer than a slice. */
import type { Clock } from '../../observe/clock.ts'

export interface Slices {
  /** There is something to do. It begins with the next microtask, or where it left off. */
  wake(): void
  stop(): void
}

/** Milliseconds of work before the event loop gets its turn (DESIGN §1). */
const sliceLength = 1

/** `step` does one piece and returns false when nothing is left; `finish` runs at the end of each slice. */
export function createSlices(clock: Clock, step: () => boolean, finish: () => void): Slices {
  let state: 'idle' | 'waiting' | 'stopped' = 'idle'

  function run(): void {
    if (state === 'stopped') return
    const end = clock.now() + sliceLength
    let more = true
    while (more && clock.now() < end) more = step()
    finish()
    state = more ? 'waiting' : 'idle'
    if (more) setImmediate(run)
  }

  return {
    wake() {
      if (state !== 'idle') return
      state = 'waiting'
      queueMicrotask(run)
    },
    stop() {
      state = 'stopped'
    },
  }
}
