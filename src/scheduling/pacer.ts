/**
 * Keeps the event loop free: DNS is answered on the same thread, so no list may hold it for longer than a slice, however
 * the network hands its octets over.
 */
import { setImmediate as turn } from 'node:timers/promises'

/** Milliseconds of work between two turns of the event loop. */
const slice = 1

/**
 * Before the first list is complete every query is a miss, and misses can fill the event loop: 1 ms of reading between
 * long turns would put off for minutes what ends them. So a slice may last as long as the turn before it, up to this.
 */
const longestSlice = 20

export interface Pacer {
  /** Work begins, after waiting for the network. */
  begin(): void
  /** True when this turn's time is used up: call `rest` then. */
  readonly due: boolean
  rest(): Promise<void>
}

/** One for all watches, which share the thread. */
export function createPacer(): Pacer {
  let inTurn = false
  let since = 0
  let allowed = slice
  const begin = (): void => {
    // Several chunks may come in one turn of the event loop: together they have one slice.
    if (inTurn) return
    inTurn = true
    since = performance.now()
    setImmediate(() => {
      inTurn = false
    })
  }
  return {
    begin,
    get due() {
      return performance.now() - since > allowed
    },
    async rest() {
      const left = performance.now()
      await turn()
      allowed = Math.min(Math.max(performance.now() - left, slice), longestSlice)
      begin()
    },
  }
}
