/** When a client must have sent its next complete message, or, once the server has closed its side, taken the last replies. */
import type { Listener } from '../../server/ingress.ts'
import type { Limits } from '../limits.ts'

export interface Deadlines {
  /** A complete message has arrived: the next one may take as long as an idle connection. */
  received(now: number): void
  /** A pending reply has been written: the client's time starts again. */
  replied(now: number): void
  /** The client's octets are not being read, so it cannot be late. */
  suspended(now: number): void
  /** The server's side is closed. */
  ended(now: number): void
  passed(now: number): boolean
  /** Whether a client that has taken nothing for so many milliseconds is too slow. */
  isStalled(milliseconds: number): boolean
}

/** `listenerOf` returns the current listener: a reload may change `timeouts`. */
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
