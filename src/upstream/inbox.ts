/**
 * What has been received but not read. A process that did not get to run finds its timers late and the answers waiting:
 * an upstream counts as silent only after everything received by then has been read.
 */
import type { Clock } from '../scheduling/clock.ts'

/** Whether anything that was unread when this function was created still is. */
export type Unread = () => boolean

export interface Inbox {
  /** Calls back, in a later turn of the event loop, when everything received by now has been read. */
  afterReading(task: () => void): void
}

/** Milliseconds between two checks. */
const lookInterval = 5
/** Turns of the event loop rather than milliseconds: a starved process gets as many. */
const mostLooks = 200

/** `unread` covers what the event loop does not read itself. */
export function createInbox(clock: Clock, unread: () => Unread): Inbox {
  const waiting: (() => void)[] = []
  let isLooking = false

  function begin(): void {
    isLooking = true
    // After this turn's timers, the event loop reads all of its own descriptors.
    setImmediate(() => look(waiting.splice(0), unread(), 0))
  }

  function look(tasks: readonly (() => void)[], isUnread: Unread, looks: number): void {
    if (looks < mostLooks && isUnread()) {
      clock.after(lookInterval, () => look(tasks, isUnread, looks + 1))
      return
    }
    isLooking = false
    if (waiting.length > 0) begin()
    for (const task of tasks) task()
  }

  return {
    afterReading(task) {
      waiting.push(task)
      if (!isLooking) begin()
    },
  }
}
