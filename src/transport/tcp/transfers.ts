/**
 * The multi-message replies (zone transfers) of one connection. Clients expect the messages of such a reply without others in
 * between, so every reply that is ready meanwhile is held back until its end.
 */
import { type ChainSlots, servfail } from '../chain-slots.ts'
import type { ReplyStream } from './multi-message.ts'
import type { Output } from './output.ts'
import type { SharedState } from './shared-state.ts'

export interface Transfers {
  /** A transfer is in progress. */
  active(): boolean
  /** Calls `deliver` now, or after the transfer in progress. */
  deliver(deliver: () => void): void
  /** Sends a multi-message reply: `first`, then the others as the client takes them. */
  start(request: Uint8Array, first: Uint8Array, messages: Iterator<Uint8Array>): void
  /** The client may have taken what was written. */
  resume(): void
  /** Ends the transfer in progress. Replies held back are still delivered. */
  cancel(): void
}

export interface TransfersOptions {
  readonly shared: Pick<SharedState, 'streams' | 'onStreamFailure'>
  readonly slots: Pick<ChainSlots, 'hold'>
  readonly output: Pick<Output, 'full'>
  send(message: Uint8Array): void
  /** A transfer has ended. */
  onEnded(): void
  /** A transfer has failed: the connection must be closed, or the client would take what it got for the whole zone. */
  onFailed(): void
}

export function createTransfers({ shared, slots, output, send, onEnded, onFailed }: TransfersOptions): Transfers {
  let current: ReplyStream | undefined
  /** In order. At most `tcpPending`, because no query is read during a transfer. */
  const heldBack: (() => void)[] = []

  /** Delivers until one of them starts another transfer. */
  function deliverHeldBack(): void {
    while (current === undefined && heldBack.length > 0) heldBack.shift()!()
  }

  return {
    active: () => current !== undefined,
    deliver(deliver) {
      if (current !== undefined) heldBack.push(deliver)
      else deliver()
    },
    start(request, first, messages) {
      const release = slots.hold()
      const begun = shared.streams.start(messages, {
        full: output.full,
        write: send,
        ended(failure) {
          current = undefined
          release()
          if (failure !== undefined) {
            shared.onStreamFailure(failure)
            onFailed()
          }
          deliverHeldBack()
          onEnded()
        },
      })
      if (begun === undefined) {
        release()
        messages.return?.()
        send(servfail(request))
        return
      }
      current = begun
      send(first)
    },
    resume: () => current?.resume(),
    cancel() {
      current?.cancel()
      current = undefined
      deliverHeldBack()
    },
  }
}
