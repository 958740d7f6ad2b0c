/**
 * What has come and is not read yet. A process that did not get to run finds its timers late and the answers waiting: an
 * upstream is silent only once all that had come by then is read.
 */
import type { Clock } from '../scheduling/clock.ts'

/** True while something is still unread of what was there at the call that gave it. */
export type Unread = () => boolean

export interface Inbox {
  /** Calls back, in a later turn, when what has come by now is read. */
  afterReading(task: () => void): void
}

/** Milliseconds between two looks. */
const lookInterval = 5
/** Turns of the event loop, not milliseconds: a process that does not get to run has as many. */
const mostLooks = 200

/** `unread` tells what the event loop does not read by itself. */
export function createInbox(clock: Clock, unread: () => Unread): Inbox {
  const waiting: (() => void)[] = []
  let isLooking = false

  function begin(): void {
    isLooking = true
    // Behind the turn's timers the event loop reads every descriptor of its own.
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
