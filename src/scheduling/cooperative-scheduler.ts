/**
 * Keeps the event loop free: DNS is answered on the same thread, so other work is done in slices of a millisecond, and
 * between two slices the event loop has a turn (docs/design.md, "Two planes").
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from './clock.ts'

/** Milliseconds of work in one turn of the event loop. */
export const sliceLength = 1

/**
 * Milliseconds. Before the first list is complete every query is a miss, and misses can fill the event loop: slices of 1 ms
 * between long turns would delay for minutes the very work that ends them. A slice may therefore last as long as the turn
 * before it, up to this limit.
 */
const longestSlice = 20

/** Work that is done in small steps. */
export interface Task {
  /** Tells that there is something to do. The task runs from the next microtask on, or when its turn comes again. */
  wake(): void
  stop(): void
}

/** Tasks of one scheduler share its slices: together they take one slice per turn of the event loop. */
export interface CooperativeScheduler {
  /**
   * A task whose `step` does one piece of work and returns false when nothing is left. Tasks with work take turns, one step each.
   * `endOfSlice` runs at the end of each slice in which the task had a turn.
   */
  task(step: () => boolean, endOfSlice?: () => void): Task
  /** For work written as an asynchronous loop: call it at the start, and after waiting for something else. */
  begin(): void
  /** True when this turn's slice is used up: then await `rest`. */
  readonly due: boolean
  /** Resolves in the next turn of the event loop, with a new slice. */
  rest(): Promise<void>
}

/** `longest`: milliseconds that a slice may last after a long turn. */
export function createCooperativeScheduler(clock: Clock, longest: number = longestSlice): CooperativeScheduler {
  /** A slice has begun in this turn. */
  let begun = false
  let sliceEnd = 0
  /** When work was postponed to the next turn, if it was. */
  let yieldedAt: number | undefined
  const awake = new Set<() => void>()
  /** The `endOfSlice` functions of tasks that have had a turn. */
  const owed = new Set<() => void>()
  let scheduled = false

  function begin(): void {
    if (begun) return
    begun = true
    const now = clock.now()
    const turn = yieldedAt === undefined ? 0 : now - yieldedAt
    yieldedAt = undefined
    sliceEnd = now + Math.min(Math.max(turn, sliceLength), longest)
    setImmediate(() => {
      begun = false
    })
  }

  const due = (): boolean => clock.now() >= sliceEnd

  function schedule(): void {
    if (scheduled || awake.size === 0) return
    scheduled = true
    if (begun && due()) {
      yieldedAt ??= clock.now()
      setImmediate(run)
    } else queueMicrotask(run)
  }

  function run(): void {
    begin()
    try {
      // A task with more to do is queued behind the others.
      for (const turn of awake) {
        awake.delete(turn)
        turn()
        if (due()) break
      }
    } finally {
      // An exception is a bug of that task alone: the others continue, and so does the task when it is woken.
      for (const end of owed) {
        owed.delete(end)
        end()
      }
      scheduled = false
      schedule()
    }
  }

  return {
    task(step, endOfSlice) {
      let stopped = false
      const turn = (): void => {
        if (endOfSlice) owed.add(endOfSlice)
        if (step() && !stopped) awake.add(turn)
      }
      return {
        wake() {
          if (stopped) return
          awake.add(turn)
          schedule()
        },
        stop() {
          stopped = true
          awake.delete(turn)
        },
      }
    },
    begin,
    get due() {
      return due()
    },
    async rest() {
      yieldedAt ??= clock.now()
      await nextTurn()
      begin()
    },
  }
}
