/** A question to upstreams, the rules by which it is asked, and its result. */
import type { Message, Question } from '../dns/message.ts'
import type { Clock } from '../scheduling/clock.ts'
import type { Endpoint, Receiver, UpstreamTransport } from './connection.ts'
import type { Inbox } from './inbox.ts'
import type { Places } from './places.ts'
import type { Upstream } from './upstream.ts'

export interface ExchangePolicy {
  readonly clock: Clock
  /** Milliseconds per upstream (`read_timeout`). */
  readonly readTimeout: number
  /** Attempts per question (`max_connect_attempts`); 0: no limit. */
  readonly maxAttempts: number
  /** Retry a truncated UDP answer over TCP (`prefer_udp`). */
  readonly retryTruncated: boolean
  /** Answers with these rcodes count only when no other upstream has a better one (`failover`). */
  readonly failover: ReadonlySet<number>
  /** With no healthy upstream, fail at once (`failfast_all_unhealthy_upstreams`). */
  readonly failfast: boolean
  /** Called when no upstream is healthy and all of them are tried. */
  readonly onAllDown: () => void
  readonly onAnswer: (upstream: Upstream, rcode: number, milliseconds: number) => void
  /** Called at the end of each attempt, successful or not. */
  readonly onEnded?: (attempt: EndedAttempt) => void
  /** Limits the attempts: each takes a place. */
  readonly places: Places
  /** No upstream counts as silent before this has been read. */
  readonly inbox: Inbox
  /** Not counted in the metrics of connections: see Receiver. */
  readonly unrecorded?: true | undefined
}

export interface UpstreamQuestion {
  /** The message to send; its ID is replaced. */
  readonly wire: Uint8Array
  readonly question: Question
  readonly transport: UpstreamTransport
  /** The address of the waiting client. */
  readonly client: string
  /** Monotonic milliseconds at which the question fails; at most `questionTimeout` from now. */
  readonly deadline?: number
  readonly cancellation?: Cancellation
  /** The first attempt, over UDP, if a UDP thread has already made it. */
  readonly begun?: BegunAttempt | undefined
}

export interface BegunAttempt {
  readonly upstream: Upstream
  /** Monotonic milliseconds. */
  readonly startedAt: number
  /** `takenBack`: no answer can come any more, and the upstream is not to blame. */
  take(receiver: Pick<Receiver, 'answer' | 'failed'> & { takenBack(): void }): { cancel(): void }
}

/** Ends a question without a waiting client. An AbortSignal would cost a tenth of a forwarded query's time. */
export interface Cancellation {
  cancelled: boolean
  /** Set by the exchange while it can be cancelled. */
  cancel: (() => void) | undefined
}

export function cancelExchange(cancellation: Cancellation): void {
  cancellation.cancelled = true
  cancellation.cancel?.()
}

/** `mismatch`: every message received answers another question, or none. */
export type ExchangeResult =
  | { readonly kind: 'answer'; readonly message: Message; readonly upstream: Upstream }
  | { readonly kind: 'mismatch' }
  | { readonly kind: 'failed'; readonly error: Error }

/** A finished attempt: one question to one upstream. */
export interface EndedAttempt {
  readonly upstream: Upstream
  readonly transport: UpstreamTransport
  /** Monotonic milliseconds. */
  readonly startedAt: number
  readonly reply: Uint8Array | undefined
  /** The local end of its connection, if known. */
  readonly local: Endpoint | undefined
}
