/**
 * One question to several upstreams. They are asked in the order given: the next one when one fails, or when one is
 * silent for longer than its hedge delay (hedge-delay.ts). The first answer wins. A lost upstream therefore costs a query
 * some 100 ms, where waiting for its time-out would cost two seconds.
 */
import type { Message, Question } from '../dns/message.ts'
import type { Clock, Timer } from '../scheduling/clock.ts'
import { classifyReply } from './answers.ts'
import { createAttemptPlan } from './attempts.ts'
import { type Endpoint, type Receiver, reasonOf, type Sending, type UpstreamTransport } from './connection.ts'
import { NoPlace, type Place, type Places } from './places.ts'
import { shuffled } from './random.ts'
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
  take(receiver: Receiver): { cancel(): void }
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

/** Milliseconds for a question in all: resolvers give up after five seconds, and SERVFAIL should reach them before. */
export const questionTimeout = 4500
/** With every upstream known to be down: long enough for one that has just come back. */
const allDownTimeout = 500
/** An upstream that is overtaken this often in a row is suspected to be down. */
const mostOvertakings = 3

/** One question to one upstream. */
interface Attempt {
  readonly upstream: Upstream
  readonly transport: UpstreamTransport
  /** Monotonic milliseconds. */
  readonly startedAt: number
  /** The octets of its answer. */
  reply?: Uint8Array
  readonly place: Place
  state: AttemptState
}

export interface EndedAttempt extends Pick<Attempt, 'upstream' | 'transport' | 'startedAt'> {
  readonly reply: Uint8Array | undefined
  /** Our end of its connection, where that is known. */
  readonly local: Endpoint | undefined
}

/** `cancelled`: another attempt has settled the question. */
type AttemptState =
  | { readonly kind: 'waiting'; readonly sending: Sending }
  | { readonly kind: 'answered' | 'failed' | 'cancelled' }

/** Never rejects. Resolves within `questionTimeout`. */
export function exchange(
  question: UpstreamQuestion,
  upstreams: readonly Upstream[],
  policy: ExchangePolicy,
): Promise<ExchangeResult> {
  const { begun } = question
  if (begun) {
    const others = upstreams.filter((upstream) => upstream !== begun.upstream && !upstream.health.down)
    return race(question, [begun.upstream, ...suspectsLast(others)], questionTimeout, policy)
  }
  const healthy = upstreams.filter(({ health }) => !health.down)
  if (healthy.length > 0) return race(question, suspectsLast(healthy), questionTimeout, policy)
  policy.onAllDown()
  if (policy.failfast || upstreams.length === 0) {
    return Promise.resolve({ kind: 'failed', error: new Error('no healthy proxies') })
  }
  return race(question, shuffled(upstreams), allDownTimeout, policy)
}

/** An upstream that is being checked has just failed a query: it comes last. */
function suspectsLast(healthy: readonly Upstream[]): readonly Upstream[] {
  const trusted = healthy.filter(({ health }) => !health.checking)
  if (trusted.length === healthy.length) return healthy
  return [...trusted, ...healthy.filter(({ health }) => health.checking)]
}

/** Asks the upstreams in this order. One closure: its steps share the state of one race, and nothing else does. */
function race(
  question: UpstreamQuestion,
  order: readonly Upstream[],
  timeout: number,
  policy: ExchangePolicy,
): Promise<ExchangeResult> {
  const { clock, readTimeout } = policy
  const deadline = Math.min(clock.now() + timeout, question.deadline ?? Number.POSITIVE_INFINITY)
  const plan = createAttemptPlan(order, policy.maxAttempts, readTimeout)
  const waiting = new Set<Attempt>()
  let { begun } = question
  let lastStartedAt = 0
  let timer: Timer | undefined
  let settled = false
  /** What becomes of the question when no attempt has a better result: an answer before a mismatch before an error. */
  let fallback: ExchangeResult = { kind: 'failed', error: new Error('the query took too long') }
  const { promise, resolve } = Promise.withResolvers<ExchangeResult>()

  function isAsked(upstream: Upstream): boolean {
    for (const attempt of waiting) if (attempt.upstream === upstream) return true
    return false
  }

  function askNext(): boolean {
    const upstream = clock.now() < deadline ? plan.next(isAsked) : undefined
    return upstream !== undefined && ask(upstream, question.transport)
  }

  /** False when there is no place for another attempt. */
  function ask(upstream: Upstream, transport: UpstreamTransport): boolean {
    const { client, wire } = question
    const place = policy.places.take(client, wire.length, () => losePlace(attempt), waiting.size > 0)
    if (!place) {
      noPlace()
      return false
    }
    const receiver: Receiver = {
      answer: (bytes) => receive(attempt, bytes),
      failed: (error) => fail(attempt, error),
    }
    lastStartedAt = begun?.startedAt ?? clock.now()
    const sending = begun ? sendingOf(begun, receiver) : upstream.send(transport, question.wire, receiver)
    begun = undefined
    const attempt: Attempt = {
      upstream,
      transport,
      startedAt: lastStartedAt,
      place,
      state: { kind: 'waiting', sending },
    }
    waiting.add(attempt)
    armTimer()
    return true
  }

  function noPlace(): void {
    if (waiting.size > 0 || fallback.kind !== 'failed') return
    fallback = { kind: 'failed', error: new NoPlace('too many queries wait for upstreams') }
  }

  /** Another client has got the place. */
  function losePlace(attempt: Attempt): void {
    if (attempt.state.kind !== 'waiting') return
    attempt.state.sending.cancel('settled')
    end(attempt, 'cancelled')
    noPlace()
    if (waiting.size === 0) settle(fallback)
  }

  function receive(attempt: Attempt, bytes: Uint8Array): boolean {
    if (attempt.state.kind !== 'waiting') return true
    const reply = classifyReply(bytes, question.question)
    if (reply.kind === 'answer') {
      attempt.reply = bytes
      takeAnswer(attempt, reply.message)
      return true
    }
    // Nobody can forge a message inside a stream: this upstream has no better answer. A datagram may be forged.
    if (attempt.transport === 'udp') {
      if (fallback.kind === 'failed') fallback = { kind: 'mismatch' }
      return false
    }
    conclude(attempt, { kind: 'mismatch' })
    return true
  }

  function takeAnswer(attempt: Attempt, message: Message): void {
    const { upstream, transport } = attempt
    noteAnswer(attempt, message.rcode)
    const result: ExchangeResult = { kind: 'answer', message, upstream }
    if (message.truncated && transport === 'udp' && policy.retryTruncated) {
      end(attempt, 'answered')
      if (!ask(upstream, 'stream')) settle(result)
    } else if (!policy.failover.has(message.rcode)) conclude(attempt, result)
    else {
      end(attempt, 'answered')
      fallback = result
      plan.answered()
      if (!plan.exhausted && askNext()) return
      if (waiting.size === 0) settle(fallback)
    }
  }

  function noteAnswer({ upstream, startedAt }: Attempt, rcode: number): void {
    const milliseconds = clock.now() - startedAt
    upstream.health.alive()
    upstream.hedgeDelay.record(milliseconds)
    upstream.overtaken = 0
    policy.onAnswer(upstream, rcode, milliseconds)
  }

  function fail(attempt: Attempt, error: Error): void {
    if (attempt.state.kind !== 'waiting') return
    end(attempt, 'failed')
    // A bound of our own says nothing about the upstream.
    if (!(error instanceof NoPlace)) attempt.upstream.health.suspect()
    if (fallback.kind === 'failed') fallback = { kind: 'failed', error }
    if (!askNext() && waiting.size === 0) settle(fallback)
  }

  function end(attempt: Attempt, kind: 'answered' | 'failed' | 'cancelled'): void {
    const { state, reply } = attempt
    if (policy.onEnded && state.kind === 'waiting')
      policy.onEnded({ ...attempt, reply, local: state.sending.local?.() })
    attempt.state = { kind }
    attempt.place.release()
    waiting.delete(attempt)
  }

  /** The attempt has the result. Upstreams that were asked before it have been overtaken. */
  function conclude(attempt: Attempt, result: ExchangeResult): void {
    end(attempt, 'answered')
    for (const { upstream, startedAt } of waiting) {
      if (startedAt < attempt.startedAt && upstream !== attempt.upstream) noteOvertaken(upstream)
    }
    settle(result)
  }

  function settle(result: ExchangeResult): void {
    settled = true
    timer?.cancel()
    for (const attempt of waiting) {
      if (attempt.state.kind === 'waiting') attempt.state.sending.cancel('settled')
      end(attempt, 'cancelled')
    }
    resolve(result)
  }

  function cancel(): void {
    if (!settled) settle({ kind: 'failed', error: new NoPlace('the query has ended') })
  }

  const timeoutAt = ({ startedAt }: Attempt): number => Math.min(deadline, startedAt + readTimeout)

  function armTimer(): void {
    timer?.cancel()
    let at = Math.min(deadline, plan.hedgeAt(lastStartedAt))
    for (const attempt of waiting) at = Math.min(at, timeoutAt(attempt))
    timer = clock.after(Math.max(1, Math.ceil(at - clock.now())), onTimer)
  }

  function onTimer(): void {
    const now = clock.now()
    if (now >= plan.hedgeAt(lastStartedAt)) askNext()
    for (const attempt of waiting) {
      if (attempt.state.kind !== 'waiting' || now < timeoutAt(attempt)) continue
      const { sending } = attempt.state
      const error = sending.timeout()
      sending.cancel('silent')
      fail(attempt, error)
    }
    if (!settled) armTimer()
  }

  if (question.cancellation?.cancelled) cancel()
  else if (!askNext()) settle(fallback)
  else if (question.cancellation) question.cancellation.cancel = cancel
  return promise
}

/** What has been sent already. */
function sendingOf({ upstream, take }: BegunAttempt, { answer, failed }: Receiver): Sending {
  const waiting = take({
    answer,
    failed: (error) => failed(new Error(`read udp ${upstream.to}: read: ${reasonOf(error)}`)),
  })
  return { cancel: () => waiting.cancel(), timeout: () => new Error(`read udp ${upstream.to}: i/o timeout`) }
}

function noteOvertaken(upstream: Upstream): void {
  if (++upstream.overtaken < mostOvertakings) return
  upstream.overtaken = 0
  upstream.health.suspect()
}
