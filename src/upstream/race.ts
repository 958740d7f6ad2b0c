/**
 * The attempts for one question. Upstreams are asked in the order given, each in its turn, and the first answer wins. The
 * question fails when all attempts have failed, or when no upstream has shown a sign of life for `read_timeout`.
 */
import type { Message } from '../dns/message.ts'
import type { Timer } from '../scheduling/clock.ts'
import { classifyReply } from './answers.ts'
import { createAttemptPlan } from './attempts.ts'
import { type Receiver, reasonOf, type Sending, type UpstreamTransport } from './connection.ts'
import { NoPlace, type Place } from './places.ts'
import type { BegunAttempt, ExchangePolicy, ExchangeResult, UpstreamQuestion } from './question.ts'
import type { Upstream } from './upstream.ts'

/** An upstream overtaken this often in a row is suspected to be down. */
const mostOvertakings = 3

/** Milliseconds reserved out of `read_timeout` for SERVFAIL to reach the client. */
const replyTime = 50

/** One question to one upstream. */
interface Attempt {
  readonly upstream: Upstream
  readonly transport: UpstreamTransport
  /** Monotonic milliseconds. */
  readonly startedAt: number
  /** The octets of the answer. */
  reply?: Uint8Array
  readonly place: Place
  state: AttemptState
  /** The upstream has been suspected because of this silence. */
  suspected: boolean
  /** Wakes the attempt when its upstream answers again after an outage. */
  readonly back: { callOff(): void }
}

/** `cancelled`: another attempt has settled the question. */
type AttemptState =
  | { readonly kind: 'waiting'; readonly sending: Sending }
  | { readonly kind: 'answered' | 'failed' | 'cancelled' }

/** Never rejects. One closure, because all steps share the state of one race. */
export function race(
  question: UpstreamQuestion,
  order: readonly Upstream[],
  timeout: number,
  policy: ExchangePolicy,
): Promise<ExchangeResult> {
  const { clock, readTimeout } = policy
  const calledAt = clock.now()
  const deadline = Math.min(calledAt + timeout, question.deadline ?? Number.POSITIVE_INFINITY)
  // Even if a UDP thread began the first attempt long ago, the others get half of the time.
  const startedAt = Math.max(question.begun?.startedAt ?? calledAt, calledAt - readTimeout / 2)
  const plan = createAttemptPlan(order, policy.maxAttempts, readTimeout)
  const waiting = new Set<Attempt>()
  let { begun } = question
  let lastStartedAt = 0
  let timer: Timer | undefined
  let settled = false
  /** The result if no attempt has a better one. Order: an answer, a mismatch, an error. */
  let fallback: ExchangeResult = { kind: 'failed', error: new Error('the query took too long') }
  const { promise, resolve } = Promise.withResolvers<ExchangeResult>()

  function isAsked(upstream: Upstream): boolean {
    for (const attempt of waiting) if (attempt.upstream === upstream) return true
    return false
  }

  /** When the question fails, unless an upstream shows a sign of life before: its answer may just be slow. */
  function failsAt(): number {
    let heardAt = startedAt
    for (const { health } of order) heardAt = Math.max(heardAt, health.heardAt)
    return Math.min(deadline, heardAt + readTimeout - Math.min(replyTime, readTimeout / 10))
  }

  function askNext(): boolean {
    const upstream = clock.now() < failsAt() ? plan.next(isAsked) : undefined
    return upstream !== undefined && ask(upstream, question.transport)
  }

  /** False when no place is free for another attempt. */
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
      unrecorded: policy.unrecorded,
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
      suspected: false,
      // In a microtask: the message that shows it may be this question's answer.
      back: upstream.health.whenBack(() => queueMicrotask(() => renew(attempt))),
    }
    waiting.add(attempt)
    armTimer()
    return true
  }

  function noPlace(): void {
    if (waiting.size > 0 || fallback.kind !== 'failed') return
    fallback = { kind: 'failed', error: new NoPlace('too many queries wait for upstreams') }
  }

  /** Another client got the attempt's place. */
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
    // In a stream nobody can inject a message, so this upstream has no better answer. A datagram may be forged.
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
    // One of our own limits says nothing about the upstream.
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
    attempt.back.callOff()
    waiting.delete(attempt)
  }

  /** What was sent during the upstream's outage is lost, so the question is sent again. */
  function renew(attempt: Attempt): void {
    if (attempt.state.kind !== 'waiting') return
    attempt.state.sending.cancel('settled')
    end(attempt, 'cancelled')
    if (!ask(attempt.upstream, attempt.transport) && waiting.size === 0) settle(fallback)
  }

  /** This attempt gives the result. Upstreams asked before it have been overtaken. */
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

  const timeoutAt = ({ startedAt: at }: Attempt): number => at + readTimeout
  const suspectAt = ({ startedAt: at, suspected }: Attempt): number =>
    suspected ? Number.POSITIVE_INFINITY : at + readTimeout / 2

  function armTimer(): void {
    timer?.cancel()
    let at = Math.min(failsAt(), plan.hedgeAt(lastStartedAt))
    for (const attempt of waiting) at = Math.min(at, timeoutAt(attempt), suspectAt(attempt))
    timer = clock.after(Math.max(1, Math.ceil(at - clock.now())), () => policy.inbox.afterReading(judge))
  }

  function judge(): void {
    if (settled) return
    const now = clock.now()
    if (now >= plan.hedgeAt(lastStartedAt)) askNext()
    const failed = now >= failsAt()
    for (const attempt of waiting) {
      if (attempt.state.kind !== 'waiting') continue
      if (failed || now >= timeoutAt(attempt)) giveUp(attempt, attempt.state.sending)
      else if (now >= suspectAt(attempt)) suspect(attempt)
    }
    if (!settled) armTimer()
  }

  function giveUp(attempt: Attempt, sending: Sending): void {
    const error = sending.timeout()
    sending.cancel('silent')
    fail(attempt, error)
  }

  /** Suspects the upstream of a silent attempt: the health check tells a slow answer from a dead upstream. */
  function suspect(attempt: Attempt): void {
    attempt.suspected = true
    attempt.upstream.health.suspect()
  }

  if (question.cancellation?.cancelled) cancel()
  else if (!askNext()) settle(fallback)
  else if (question.cancellation) question.cancellation.cancel = cancel
  return promise
}

/** Wraps the attempt that a UDP thread has already begun. */
function sendingOf({ upstream, take }: BegunAttempt, { answer, failed }: Receiver): Sending {
  const waiting = take({
    answer,
    failed: (error) => failed(new Error(`read udp ${upstream.to}: read: ${reasonOf(error)}`)),
    takenBack: () => failed(new NoPlace(`the exchange with ${upstream.to} has given way to another`)),
  })
  return { cancel: () => waiting.cancel(), timeout: () => new Error(`read udp ${upstream.to}: i/o timeout`) }
}

function noteOvertaken(upstream: Upstream): void {
  if (++upstream.overtaken < mostOvertakings) return
  upstream.overtaken = 0
  upstream.health.suspect()
}
