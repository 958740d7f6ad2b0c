/**
 * An exchange with an upstream that a UDP thread has begun for a query before the chain got it: the chain goes on from
 * there. `forward` takes it when it asks that upstream; everyone else passes it on unseen.
 */
export interface BegunExchange {
  /** The upstream's number (RelayUpstream). */
  readonly upstream: number
  /** Milliseconds of the monotonic clock. */
  readonly startedAt: number
  /**
   * Gives what comes of it to `receiver`, at once where it is known. Call it once. `cancel` of the result ends the wait.
   */
  take(receiver: BegunReceiver): { cancel(): void }
}

export interface BegunReceiver {
  /** A message from the upstream. Returns true when it is the answer. */
  answer(bytes: Uint8Array): boolean
  failed(error: Error): void
  /** No answer can come any more, and the upstream is not to blame. */
  takenBack(): void
}
