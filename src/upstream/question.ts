/** What is asked of upstreams, by which rules, and what comes of it. */
import type { Message, Question } from '../dns/message.ts'
import type { Clock } from '../scheduling/clock.ts'
import type { Endpoint, Receiver, UpstreamTransport } from './connection.ts'
import type { Inbox } from './inbox.ts'
import type { Places } from './places.ts'
import type { Upstream } from './upstream.ts'

export interface ExchangePolicy {
  readonly clock: Clock
  /** Milliseconds that one upstream may take (`read_timeout`). */
  readonly readTimeout: number
  /** Attempts per question (`max_connect_attempts`); 0: no limit. */
  readonly maxAttempts: number
  /** A truncated answer over UDP is asked for again over TCP (`prefer_udp`). */
  readonly retryTruncated: boolean
  /** Answers with these rcodes count only when no other upstream has a better one (`failover`). */
  readonly failover: ReadonlySet<number>
  /** With no healthy upstream, fail at once (`failfast_all_unhealthy_upstreams`). */
  readonly failfast: boolean
  /** No upstream is healthy: all of them are tried. */
  readonly onAllDown: () => void
  readonly onAnswer: (upstream: Upstream, rcode: number, milliseconds: number) => void
  /** Each attempt that has ended, whatever its end. */
  readonly onEnded?: (attempt: EndedAttempt) => void
  /** Each attempt takes a place. */
  readonly places: Places
  /** No upstream is silent before this is read. */
  readonly inbox: Inbox
  /** Metrics do not count its connections: see Receiver. */
  readonly unrecorded?: true | undefined
}

export interface UpstreamQuestion {
  /** The message to send, whatever its ID. */
  readonly wire: Uint8Array
  readonly question: Question
  readonly transport: UpstreamTransport
  /** The address of the client that waits for the answer. */
  readonly client: string
  /** Monotonic milliseconds at which the question has failed; never later than `questionTimeout` from now. */
  readonly deadline?: number
  readonly cancellation?: Cancellation
  /** The first attempt, over UDP, where it has been made already. */
  readonly begun?: BegunAttempt | undefined
}

export interface BegunAttempt {
  readonly upstream: Upstream
  /** Monotonic milliseconds. */
  readonly startedAt: number
  /** `takenBack`: no answer can come any more, and the upstream is not to blame. */
  take(receiver: Pick<Receiver, 'answer' | 'failed'> & { takenBack(): void }): { cancel(): void }
}

/** Ends a question without a waiting client. An AbortSignal would cost a forwarded query a tenth of its time. */
export interface Cancellation {
  cancelled: boolean
  /** Set by the exchange that can be ended. */
  cancel: (() => void) | undefined
}

export function cancelExchange(cancellation: Cancellation): void {
  cancellation.cancelled = true
  cancellation.cancel?.()
}

/** `mismatch`: every message that came answers another question, or none. */
export type ExchangeResult =
  | { readonly kind: 'answer'; readonly message: Message; readonly upstream: Upstream }
  | { readonly kind: 'mismatch' }
  | { readonly kind: 'failed'; readonly error: Error }

/** One question to one upstream, over. */
export interface EndedAttempt {
  readonly upstream: Upstream
  readonly transport: UpstreamTransport
  /** Monotonic milliseconds. */
  readonly startedAt: number
  readonly reply: Uint8Array | undefined
  /** Our end of its connection, where that is known. */
  readonly local: Endpoint | undefined
}
