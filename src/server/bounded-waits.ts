import type { Clock } from '../scheduling/clock.ts'

/** Waits with a time limit, which shutdown ends all at once. */
export interface BoundedWaits {
  /** Resolves when the work settles, or after `limit` milliseconds. */
  wait(work: Promise<void>, limit: number): Promise<void>
  /** Resolves when the condition holds, or after `limit` milliseconds. */
  until(condition: () => boolean, limit: number): Promise<void>
  /** Ends every pending wait, and from now on each new one immediately. */
  giveUp(): void
}

/** Milliseconds between two checks of a condition. */
const lookEvery = 10

export function createBoundedWaits(clock: Clock): BoundedWaits {
  const waits = new Set<() => void>()
  let givenUp = false

  function wait(work: Promise<void>, limit: number): Promise<void> {
    return new Promise((resolve) => {
      // Timer and entry are removed: there may be many reloads.
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
