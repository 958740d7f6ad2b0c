/**
 * One question to several servers. They are asked in the order given, the next one when one fails, or as soon as one is
 * silent for longer than its answers take (see patience.ts); the first answer wins. So a lost server costs a query some
 * 100 ms, where waiting for its time-out would cost two seconds.
 */
import type { Message, Question } from '../dns/message.ts'
import type { Clock, Timer } from '../scheduling/clock.ts'
import { classifyReply } from './answers.ts'
import type { Sending } from './carrier.ts'
import { shuffled } from './random.ts'
import type { Upstream } from './upstream.ts'

export interface ExchangePolicy {
  readonly clock: Clock
  /** Milliseconds that one server may take (`read_timeout`). */
  readonly readTimeout: number
  /** Attempts per question (`max_connect_attempts`); 0: no limit. */
  readonly maxAttempts: number
  /** A truncated answer over UDP is asked for again over TCP (`prefer_udp`). */
  readonly retryTruncated: boolean
  /** Answers with these rcodes count only when no other server has a better one (`failover`). */
  readonly failover: ReadonlySet<number>
  /** With no healthy server, fail at once (`failfast_all_unhealthy_upstreams`). */
  readonly failfast: boolean
  /** No server is healthy: all of them are tried. */
  readonly onAllDown: () => void
  readonly onAnswer: (upstream: Upstream, rcode: number, milliseconds: number) => void
}

export interface Asked {
  /** The message to send, whatever its ID. */
  readonly wire: Uint8Array
  readonly question: Question
  readonly way: 'udp' | 'stream'
}

/** `mismatch`: all that came were messages that answer no question, or another one. */
export type ExchangeResult =
  | { readonly kind: 'answer'; readonly message: Message; readonly upstream: Upstream }
  | { readonly kind: 'mismatch' }
  | { readonly kind: 'failed'; readonly error: Error }

/** Milliseconds from the question on: resolvers in pods give up after five seconds, and SERVFAIL should reach them. */
const patienceOfClients = 4500
/** With every server known to be down: long enough for one that has just come back. */
const allDownTimeout = 500
/** `max_connect_attempts 0` means no limit; servers that refuse at once must not be asked for five seconds without end. */
const mostAttempts = 1000
/** So many times overtaken in a row, a server is suspected to be down. */
const mostOvertakings = 3

interface Flight {
  readonly upstream: Upstream
  readonly way: 'udp' | 'stream'
  readonly startedAt: number
  sending: Sending | undefined
}

/** Never rejects. Resolves within `patienceOfClients`. */
export function exchange(
  asked: Asked,
  upstreams: readonly Upstream[],
  policy: ExchangePolicy,
): Promise<ExchangeResult> {
  const healthy = upstreams.filter((upstream) => !upstream.health.down)
  if (healthy.length === 0) {
    policy.onAllDown()
    if (policy.failfast || upstreams.length === 0) {
      return Promise.resolve({ kind: 'failed', error: new Error('no healthy proxies') })
    }
    return new Promise((resolve) => race(asked, shuffled(upstreams), allDownTimeout, policy, resolve))
  }
  // Whoever is being checked comes last: it has just failed somebody.
  const trusted = healthy.filter((upstream) => !upstream.health.checking)
  const order =
    trusted.length === healthy.length
      ? healthy
      : [...trusted, ...healthy.filter((upstream) => upstream.health.checking)]
  return new Promise((resolve) => race(asked, order, patienceOfClients, policy, resolve))
}

// One function although it is long: its parts share the state of one race, and nothing else does.
function race(
  asked: Asked,
  order: readonly Upstream[],
  budget: number,
  policy: ExchangePolicy,
  resolve: (result: ExchangeResult) => void,
): void {
  const { clock, readTimeout } = policy
  const deadline = clock.now() + budget
  const attemptLimit = policy.maxAttempts === 0 ? mostAttempts : policy.maxAttempts
  const flights = new Set<Flight>()
  let attempts = 0
  let launchedAt = 0
  let timer: Timer | undefined
  let over = false
  let lastError: Error | undefined
  let secondBest: ExchangeResult | undefined
  let mismatch = false

  /** Asks the next server in turn that is not being asked; a lone one may be asked again, its answer may be lost. */
  function attempt(): boolean {
    if (attempts >= attemptLimit || clock.now() >= deadline) return false
    for (let tried = 0; tried < order.length; tried++) {
      const upstream = order[(attempts + tried) % order.length]
      if (order.length > 1 && isAsked(upstream)) continue
      attempts += tried + 1
      launch(upstream, asked.way)
      return true
    }
    return false
  }

  function isAsked(upstream: Upstream): boolean {
    for (const flight of flights) if (flight.upstream === upstream) return true
    return false
  }

  function launch(upstream: Upstream, way: 'udp' | 'stream'): void {
    launchedAt = clock.now()
    const flight: Flight = { upstream, way, startedAt: launchedAt, sending: undefined }
    flights.add(flight)
    flight.sending = upstream.send(way, asked.wire, {
      answer: (bytes) => receive(flight, bytes),
      failed: (error) => lose(flight, error),
    })
    arm()
  }

  function receive(flight: Flight, bytes: Uint8Array): boolean {
    if (over || !flights.has(flight)) return true
    const judgement = classifyReply(bytes, asked.question)
    if (judgement.kind === 'other') {
      mismatch = true
      // Nobody can forge a message inside a connection: this server has no better answer.
      if (flight.way === 'stream') settle({ kind: 'mismatch' }, flight)
      return flight.way === 'stream'
    }
    const { upstream } = flight
    const { message } = judgement
    const milliseconds = clock.now() - flight.startedAt
    upstream.health.alive()
    upstream.patience.answered(milliseconds)
    upstream.overtaken = 0
    policy.onAnswer(upstream, message.rcode, milliseconds)
    if (message.truncated && flight.way === 'udp' && policy.retryTruncated) {
      flights.delete(flight)
      launch(upstream, 'stream')
      return true
    }
    const result: ExchangeResult = { kind: 'answer', message, upstream }
    if (!policy.failover.has(message.rcode)) settle(result, flight)
    else {
      secondBest = result
      flights.delete(flight)
      if (!(attempts < order.length && attempt()) && flights.size === 0) settle(result)
    }
    return true
  }

  function lose(flight: Flight, error: Error): void {
    if (over || !flights.delete(flight)) return
    lastError = error
    flight.upstream.health.suspect()
    if (!attempt() && flights.size === 0) settle(outcomeWithoutAnswer())
  }

  function outcomeWithoutAnswer(): ExchangeResult {
    if (secondBest) return secondBest
    if (mismatch) return { kind: 'mismatch' }
    return { kind: 'failed', error: lastError ?? new Error('no healthy proxies') }
  }

  function settle(result: ExchangeResult, winner?: Flight): void {
    over = true
    timer?.cancel()
    for (const flight of flights) {
      if (flight === winner) continue
      flight.sending?.cancel('settled')
      if (winner && flight.startedAt < winner.startedAt && flight.upstream !== winner.upstream) {
        if (++flight.upstream.overtaken < mostOvertakings) continue
        flight.upstream.overtaken = 0
        flight.upstream.health.suspect()
      }
    }
    resolve(result)
  }

  /** When the next server should be asked too; never, once each has been. */
  function hedgeAt(): number {
    if (attempts >= Math.max(2, order.length) || attempts >= attemptLimit) return Number.POSITIVE_INFINITY
    const upstream = order[(attempts - 1) % order.length]
    const wait = order.length > 1 ? upstream.patience.wait : Math.max(upstream.patience.wait, readTimeout / 2)
    return launchedAt + wait
  }

  function arm(): void {
    timer?.cancel()
    let at = Math.min(deadline, hedgeAt())
    for (const flight of flights) at = Math.min(at, flight.startedAt + readTimeout)
    timer = clock.after(Math.max(1, Math.ceil(at - clock.now())), tick)
  }

  function tick(): void {
    const now = clock.now()
    if (now >= hedgeAt()) attempt()
    for (const flight of flights) {
      if (now < Math.min(deadline, flight.startedAt + readTimeout)) continue
      const error = flight.sending!.timeout()
      flight.sending!.cancel('silent')
      lose(flight, error)
      if (over) return
    }
    if (!over) arm()
  }

  if (!attempt()) settle(outcomeWithoutAnswer())
}
