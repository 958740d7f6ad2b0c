/**
 * Limits what a client may send without asking anything (RFC 9113 §10.5): frames other than requests (PING, SETTINGS,
 * PRIORITY, empty DATA, frames for closed streams), requests that cannot be served, and streams reset before their answer.
 */
import { ConnectionError, errorCode } from './frames.ts'

/** Initial allowance; each answered request adds as many again, up to these values. */
const most = { frames: 1000, resets: 100 }
const perAnswer = { frames: 10, resets: 1 }

export interface Allowance {
  /** Throws ConnectionError when the allowance is used up. */
  spend(what: 'frames' | 'resets'): void
  /** A request was answered. */
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
