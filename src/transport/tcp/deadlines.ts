/** By when a client must have sent its next message whole, or, after our end, have taken the last replies. */
import type { Listener } from '../../server/ingress.ts'
import type { Limits } from '../limits.ts'

export interface Deadlines {
  /** A message has come whole: the next one has as long as an idle connection. */
  received(now: number): void
  /** A reply that was waited for has been written: the client gets the same time from here on. */
  replied(now: number): void
  /** The client cannot be late while its octets are not read. */
  suspended(now: number): void
  /** Our side is closed. */
  ended(now: number): void
  passed(now: number): boolean
  /** The client has taken nothing of what was written to it for so many milliseconds: longer than it may. */
  isStalled(milliseconds: number): boolean
}

/** `listenerOf` gives the listener as it is now: `timeouts` may change with a reload. */
export function createDeadlines(limits: Limits, listenerOf: () => Listener, openedAt: number): Deadlines {
  const write = (): number => listenerOf().timeouts?.write ?? limits.tcpWrite
  const idle = (): number => listenerOf().timeouts?.idle ?? limits.tcpIdle
  let at = openedAt + (listenerOf().timeouts?.read ?? limits.tcpRead)
  return {
    received(now) {
      at = now + idle()
    },
    replied(now) {
      at = Math.max(at, now + idle())
    },
    suspended(now) {
      at = now + idle()
    },
    ended(now) {
      at = now + write()
    },
    passed: (now) => now > at,
    isStalled: (milliseconds) => milliseconds > write(),
  }
}
