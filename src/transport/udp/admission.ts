/**
 * What a UDP thread does that cannot even refuse all queries it gets: it lets the kernel drop some of those for outside names
 * before they are queued (admission-filter.ts), so that cluster names neither wait behind them nor are lost because the queue
 * is full. The share that is let in follows the queue: halved while it is long, raised by a quarter while it is short. When
 * nothing is dropped any more all are let in.
 */
import type { ReceiveQueue } from './socket.ts'

export interface Admission {
  /** A batch has been served, or time has passed. `behind`: the thread sheds. */
  look(behind: boolean, now: number): void
  /** While outside names are dropped: it must be looked at in so many milliseconds, whether anything comes or not. */
  readonly closed: boolean
  open(): void
}

export interface AdmissionOptions {
  readonly readQueue: () => Pick<ReceiveQueue, 'used' | 'drops'> | undefined
  /** Lets this share of outside names in from now on; 1: all. False where that cannot be done. */
  readonly admit: (share: number) => boolean
  /** Called each time that dropping begins. */
  readonly closing: () => void
}

/** Milliseconds between two changes: one costs some 0.1 ms. */
export const admissionInterval = 5
/** Octets of kernel memory: some 300 datagrams of the loopback, or a hundred of a driver that fills pages: about 1 ms. */
const long = 256 * 1024
const short = 64 * 1024
/** Of a million queries a second no more than a thread refuses. */
const least = 1 / 16
/** Milliseconds after the last long queue for which the next one is not waited for until the thread sheds. */
const alertness = 1000

const noQueue = { used: 0, drops: 0 }

export function createAdmission({ readQueue, admit, closing }: AdmissionOptions): Admission {
  let share = 1
  let due = Number.NEGATIVE_INFINITY
  let behindSince = Number.NaN
  let isRefused = false
  let dropsBefore = 0
  let alertUntil = Number.NEGATIVE_INFINITY

  function change(to: number): void {
    share = Math.min(1, Math.max(least, to))
    isRefused = share < 1 && !admit(share)
    if (isRefused) share = 1
    if (share === 1) admit(1)
  }

  /** For a whole interval: a burst is shed within milliseconds. */
  function hasBeenBehind(behind: boolean, now: number): boolean {
    if (!behind) behindSince = Number.NaN
    else if (Number.isNaN(behindSince)) behindSince = now
    return now - behindSince >= admissionInterval
  }

  return {
    look(behind, now) {
      if (now < due || isRefused || (share === 1 && now > alertUntil && !hasBeenBehind(behind, now))) return
      const { used, drops } = readQueue() ?? noQueue
      const isDropping = drops !== dropsBefore
      dropsBefore = drops
      const wasOpen = share === 1
      due = now + admissionInterval
      if (used > long) {
        alertUntil = now + alertness
        change(share / 2)
        if (wasOpen && share < 1) closing()
      } else if (!wasOpen && !isDropping) change(1)
      else if (!wasOpen && used < short) change(share * 1.25)
    },
    get closed() {
      return share < 1
    },
    open() {
      isRefused = false
      if (share < 1) change(1)
    },
  }
}
