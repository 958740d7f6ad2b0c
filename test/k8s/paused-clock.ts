/** Time for tests of the proof of freshness. */
import { type Clock, systemClock } from '../../src/scheduling/clock.ts'

/** How often such a test lets the cluster be compared, in milliseconds. */
export const proveEvery = 10_000

/** A pause of the proof, by its milliseconds: between two looks, and between two proofs. Other waits have round numbers. */
const isProofs = (milliseconds: number): boolean =>
  milliseconds === 5000 ||
  (milliseconds > 0.8 * proveEvery && milliseconds < 1.2 * proveEvery && milliseconds !== proveEvery)

/** A clock on which time passes, but pauses of the proof end when the test says so: a busy machine is late for nothing. */
export function createPausedClock(): { readonly clock: Clock; endPauses(): void } {
  const paused = new Set<() => void>()
  return {
    clock: {
      ...systemClock,
      after(milliseconds, task) {
        if (!isProofs(milliseconds)) return systemClock.after(milliseconds, task)
        paused.add(task)
        return { cancel: () => void paused.delete(task) }
      },
    },
    endPauses() {
      for (const task of [...paused]) {
        paused.delete(task)
        task()
      }
    },
  }
}
