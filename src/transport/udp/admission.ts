/**
 * For a UDP thread that cannot even refuse all the queries it receives: makes the kernel drop some of those for outside
 * names before they are queued (admission-filter.ts), so that cluster names neither wait behind them nor are lost because
 * the queue is full. The admitted share follows the queue: halved while it is long, raised by a quarter while it is short.
 * When nothing is dropped any more all are admitted again.
 */
import type { ReceiveQueue } from './socket.ts'

export interface Admission {
  /** To be called after each batch, and periodically while `closed`. `behind`: the thread sheds. */
  look(behind: boolean, now: number): void
  /** True while outside names are dropped: `look` must then be called every `admissionInterval`, even without traffic. */
  readonly closed: boolean
  open(): void
}

export interface AdmissionOptions {
  readonly readQueue: () => Pick<ReceiveQueue, 'used' | 'drops'> | undefined
  /** Sets the admitted share of outside names; 1: all. False if that is not possible. */
  readonly admit: (share: number) => boolean
  /** Called each time that dropping begins. */
  readonly closing: () => void
}

/** Milliseconds between two changes: each costs about 0.1 ms. */
export const admissionInterval = 5
/** Octets of kernel memory: about 1 ms, 300 datagrams on the loopback, or a hundred from a driver that fills pages. */
const long = 256 * 1024
const short = 64 * 1024
/** The smallest share: of a million queries a second it lets in no more than a thread can refuse. */
const least = 1 / 16
/** Milliseconds after a long queue during which the next one acts at once, without waiting for the thread to shed. */
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

  /** Whether that was so for a whole interval: a shorter burst is shed within milliseconds. */
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
