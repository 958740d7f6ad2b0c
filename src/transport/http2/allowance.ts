/**
 * What a client may send that asks for nothing (RFC 9113 §10.5): frames that are no request (PING, SETTINGS, PRIORITY, empty DATA,
 * what belongs to no open stream), requests that cannot be served, and streams that it resets before they are answered.
 */
import { ConnectionError, errorCode } from './frames.ts'

/** At the beginning; each answer allows for as many more, up to that again. */
const most = { frames: 1000, resets: 100 }
const perAnswer = { frames: 10, resets: 1 }

export interface Allowance {
  /** Throws ConnectionError when there is nothing left. */
  spend(what: 'frames' | 'resets'): void
  /** A request is answered. */
  answered(): void
}

export function createAllowance(): Allowance {
  const left = { ...most }
  return {
    spend(what) {
      if (--left[what] < 0) throw new ConnectionError(errorCode.ENHANCE_YOUR_CALM, `too many ${what}`)
    },
    answered() {
      left.frames = Math.min(most.frames, left.frames + perAnswer.frames)
      left.resets = Math.min(most.resets, left.resets + perAnswer.resets)
    },
  }
}
