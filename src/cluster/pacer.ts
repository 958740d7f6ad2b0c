/**
 * Keeps the event loop free: DNS is answered on the same thread, so no list may hold it for longer than a slice, however
 * the network hands its octets over.
 */
import { setImmediate as turn } from 'node:timers/promises'

/** Milliseconds of work between two turns of the event loop. */
const slice = 1

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
      return performance.now() - since > slice
    },
    async rest() {
      await turn()
      begin()
    },
  }
}
