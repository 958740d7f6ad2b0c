import type { Clock } from '../scheduling/clock.ts'

/** Waits that end by themselves, and all together at shutdown. */
export interface BoundedWaits {
  /** Resolves with the work, however it ends, or after so many milliseconds. */
  wait(work: Promise<void>, limit: number): Promise<void>
  /** Resolves when the condition holds, or after so many milliseconds. */
  until(condition: () => boolean, limit: number): Promise<void>
  /** Ends every wait, and each from now on at once. */
  giveUp(): void
}

/** Milliseconds between two looks at a condition. */
const lookEvery = 10

export function createBoundedWaits(clock: Clock): BoundedWaits {
  const waits = new Set<() => void>()
  let givenUp = false

  function wait(work: Promise<void>, limit: number): Promise<void> {
    return new Promise((resolve) => {
      // Nothing is left behind: reloads may be many.
      const done = (): void => {
        timer.cancel()
        waits.delete(done)
        resolve()
      }
      const timer = clock.after(limit, done)
      waits.add(done)
      work.then(done, done)
      if (givenUp) done()
    })
  }

  return {
    wait,
    async until(condition, limit) {
      if (condition()) return
      const { promise, resolve } = Promise.withResolvers<void>()
      const looking = clock.every(lookEvery, () => {
        if (condition()) resolve()
      })
      await wait(promise, limit)
      looking.cancel()
    },
    giveUp() {
      givenUp = true
      for (const done of [...waits]) done()
    },
  }
}
