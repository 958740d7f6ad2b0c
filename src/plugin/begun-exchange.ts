/**
 * An exchange with an upstream that a UDP thread began before the query reached the chain. `forward` takes it over when
 * it asks that upstream; other plugins pass it on unchanged.
 */
export interface BegunExchange {
  /** The upstream's number (RelayUpstream). */
  readonly upstream: number
  /** Milliseconds of the monotonic clock. */
  readonly startedAt: number
  /** Delivers the result to `receiver`, synchronously if it is already known. Call it once. `cancel` ends the wait. */
  take(receiver: BegunReceiver): { cancel(): void }
}

export interface BegunReceiver {
  /** A message from the upstream. Returns true when it is the answer. */
  answer(bytes: Uint8Array): boolean
  failed(error: Error): void
  /** No answer can come any more, and the upstream is not to blame. */
  takenBack(): void
}
