import { rcode } from '../../dns/codes.ts'
import type { Message } from '../../dns/message.ts'
import { isSubdomain } from '../../dns/name.ts'
import { replyTo } from '../../dns/reply.ts'
import { encodeMessage } from '../../dns/wire.ts'
import type { ReasonOfChain, RelayForward } from '../../plugin/capabilities/relay.ts'
import type { Outcome, Query } from '../../plugin/query.ts'
import type { Clock } from '../../scheduling/clock.ts'
import type { UpstreamTransport } from '../../upstream/connection.ts'
import { exchange, questionTimeout } from '../../upstream/exchange.ts'
import { failureReason, otherAnswer } from '../../upstream/failure.ts'
import type { Inbox } from '../../upstream/inbox.ts'
import { createPlaces, NoPlace, type Place, type Places } from '../../upstream/places.ts'
import {
  type BegunAttempt,
  type Cancellation,
  cancelExchange,
  type ExchangePolicy,
  type ExchangeResult,
} from '../../upstream/question.ts'
import type { Upstream } from '../../upstream/upstream.ts'
import type { EndedExchange } from './capability.ts'
import { answerFor, failureKey, sharingKey, upstreamRequest } from './coalesce.ts'
import { createFailures } from './failures.ts'
import { createFlights } from './flights.ts'
import type { ForwardMetrics } from './metrics.ts'
import { createOrder } from './order.ts'
import { createRelayForward } from './relay.ts'
import type { ServerList } from './servers.ts'
import type { ForwardSettings } from './settings.ts'

const plugin = 'forward'

/** One `forward` of a server block. */
export interface Forward {
  readonly settings: ForwardSettings
  readonly servers: ServerList
  /** Whether FROM covers the name and `except` does not. */
  matches(name: string): boolean
  /** For the UDP threads, or why they must not ask its upstreams. */
  relay(): RelayForward | ReasonOfChain
  /** Queries that wait for an upstream. */
  readonly running: number
  /** The same for UDP threads. */
  ofThreads(): number
  answer(query: Query): Outcome | Promise<Outcome>
  /** How often upstreams have recovered. */
  recoveries(): number
  /** Answers SERVFAIL to the queries that wait. */
  abort(): void
}

export interface ForwardOptions {
  readonly settings: ForwardSettings
  readonly servers: ServerList
  readonly clock: Clock
  readonly metrics: ForwardMetrics
  readonly places: Places
  readonly inbox: Inbox
  /** Whether an earlier plugin keeps failures to answer the name. */
  readonly failuresAreKept: (name: string) => boolean
  /** Called when the failure of a query is kept; `until`: on the monotonic clock. */
  readonly onFailureKept: (query: Query, until: number) => void
  /** Called for each exchange. */
  readonly observers: () => readonly ((exchange: EndedExchange) => void)[]
  /** An upstream has answered the query. */
  readonly onAnswered: (query: Query, upstream: string) => void
}

/** More than the servers of one list can ever have. */
const recoveriesOfList = 2 ** 24

const ended: ExchangeResult = { kind: 'failed', error: new NoPlace('the query has ended') }

export function createForward(options: ForwardOptions): Forward {
  const { settings, servers, clock, metrics, places } = options
  const flights = createFlights<ExchangeResult>(ended)
  const order = createOrder(settings.policy)
  const policy: ExchangePolicy = {
    clock,
    readTimeout: settings.readTimeout,
    maxAttempts: 0,
    retryTruncated: settings.preferUdp,
    failover: settings.failover,
    failfast: settings.failfast,
    onAllDown: metrics.allDown,
    onAnswer(upstream, code, milliseconds) {
      metrics.answered(upstream.to, code, milliseconds)
      upstream.answers.count++
      upstream.answers.seconds += milliseconds / 1_000
    },
    places,
    inbox: options.inbox,
  }
  const unrecorded: ExchangePolicy = {
    ...policy,
    onAllDown: () => undefined,
    onAnswer: () => undefined,
    unrecorded: true,
  }
  /** A new list of servers counts as a recovery. */
  let lists = 0
  servers.watch(() => void lists++)
  const recoveries = (): number =>
    servers.current.reduce((sum, { health }) => sum + health.recoveries, lists * recoveriesOfList)
  const failures = createFailures({ clock, recoveries, onEvicted: metrics.failureEvicted })
  let running = 0
  const relay = createRelayForward(settings, servers)
  /**
   * `max_concurrent`, shared fairly: when it is reached, the client with the most queries loses its oldest to a
   * newcomer.
   */
  const concurrent =
    settings.maxConcurrent > 0 &&
    createPlaces({
      clock,
      exchanges: () => settings.maxConcurrent - relay.ofThreads(),
      octets: Number.POSITIVE_INFINITY,
      onRefused: metrics.tooMany,
    })

  function ask(query: Query, asked: AskedUpstream, evictable: Evictable): Promise<ExchangeResult> {
    const { request, key, transport } = asked
    const [question] = request.questions
    const longest = clock.now() + settings.readTimeout
    const deadline = Math.min(clock.now() + questionTimeout, query.budget.deadline)
    // A question with little time left may fail where another would not.
    const keeps = deadline >= longest && !query.unrecorded && !options.failuresAreKept(query.name)
    return flights.join(
      key,
      `${query.name} ${question.type} ${question.class}`,
      // A UDP client cannot be seen to leave: the deadline is enough, and a signal costs a few microseconds.
      query.transport === 'udp' ? undefined : query.budget.signal,
      (cancellation) => {
        evictable.cancellation = cancellation
        const upstreams = order(servers.current)
        const maxAttempts = settings.maxConnectAttempts ?? 2 * upstreams.length
        const wire = encodeMessage(request, { limit: 0xffff })
        const client = query.client.address
        const begun = transport === 'udp' ? begunWith(query, upstreams) : undefined
        const asking = { wire, question, transport, client, deadline, cancellation, begun }
        const how = query.unrecorded ? unrecorded : { ...policy, ...observed(query, wire, options.observers()) }
        const result = exchange(asking, upstreams, { ...how, maxAttempts })
        return keeps ? result.then((settled) => noted(query, asked, settled)) : result
      },
    )
  }

  function noted(query: Query, { request, transport }: AskedUpstream, result: ExchangeResult): ExchangeResult {
    if (result.kind === 'answer' && failures.empty && result.message.rcode !== rcode.SERVFAIL) return result
    const key = failureKey(request, query.name, transport)
    const until = key === undefined ? undefined : failures.note(key, result)
    if (until !== undefined) options.onFailureKept(query, until)
    return result
  }

  function prepare(query: Query): AskedUpstream {
    const request = upstreamRequest(query.request)
    const transport = transportFor(query, settings)
    return { request, transport, key: sharingKey(request, query.name, transport) }
  }

  async function forward(
    query: Query,
    asked: AskedUpstream,
    evictable: Evictable,
    place: Place | undefined,
  ): Promise<Outcome> {
    running++
    try {
      const result = await ask(query, asked, evictable)
      // The exchange may have been that of another query.
      if (result.kind === 'answer') options.onAnswered(query, result.upstream.to)
      return outcome(query, result)
    } finally {
      running--
      place?.release()
    }
  }

  return {
    settings,
    servers,
    get running() {
      return running
    },
    matches: (name) =>
      isSubdomain(settings.from, name) &&
      (name === settings.from || !settings.except.some((excepted) => isSubdomain(excepted, name))),
    recoveries,
    answer(query) {
      const asked = prepare(query)
      const failure = failures.empty ? undefined : failureKey(asked.request, query.name, asked.transport)
      const failed = failure === undefined ? undefined : failures.get(failure)
      if (failed) return outcome(query, failed)
      const evictable: Evictable = { cancellation: undefined }
      // A query that shares an exchange costs the upstreams nothing.
      if (!concurrent || flights.isUnderWay(asked.key)) return forward(query, asked, evictable, undefined)
      const evict = (): void => evictable.cancellation && cancelExchange(evictable.cancellation)
      const place = relay.counted(concurrent.take(query.client.address, 0, evict))
      if (place) return forward(query, asked, evictable, place)
      const error = new Error(`concurrent queries exceeded maximum ${settings.maxConcurrent}`)
      return { kind: 'rcode', rcode: rcode.REFUSED, plugin, error }
    },
    ofThreads: relay.ofThreads,
    abort: flights.abort,
    relay: relay.current,
  }
}

function observed(
  query: Query,
  request: Uint8Array,
  observers: readonly ((exchange: EndedExchange) => void)[],
): Pick<ExchangePolicy, 'onEnded'> {
  if (observers.length === 0) return {}
  return {
    onEnded({ upstream, transport, startedAt, reply, local }) {
      const ended = {
        query,
        upstream: upstream.endpoint,
        transport: protocolOf(transport),
        local,
        startedAt,
        request,
        reply,
      }
      for (const observe of observers) observe(ended)
    },
  }
}

const protocolOf = (transport: UpstreamTransport): 'udp' | 'tcp' => (transport === 'udp' ? 'udp' : 'tcp')

/** A query for an upstream. */
interface AskedUpstream {
  readonly request: Message
  readonly transport: UpstreamTransport
  /** The key by which it shares its exchange; undefined: it does not. */
  readonly key: string | undefined
}

/** An exchange that may lose its place to another client's. */
interface Evictable {
  cancellation: Cancellation | undefined
}

/** The exchange that a UDP thread began for the query, if it is with one of these upstreams. */
function begunWith({ begun }: Query, upstreams: readonly Upstream[]): BegunAttempt | undefined {
  const upstream = begun && upstreams.find(({ number }) => number === begun.upstream)
  return upstream && { upstream, startedAt: begun.startedAt, take: begun.take }
}

/** The transport follows the client's unless the settings say otherwise. */
function transportFor(query: Query, settings: ForwardSettings): UpstreamTransport {
  if (settings.forceTcp) return 'stream'
  return query.transport === 'udp' || settings.preferUdp ? 'udp' : 'stream'
}

function outcome({ request }: Query, result: ExchangeResult): Outcome {
  switch (result.kind) {
    case 'answer':
      return { kind: 'reply', message: answerFor(request, result.message), plugin }
    case 'mismatch':
      return { kind: 'reply', message: replyTo(request, { rcode: rcode.FORMERR }), plugin, extendedError: otherAnswer }
    case 'failed':
      return {
        kind: 'rcode',
        rcode: rcode.SERVFAIL,
        plugin,
        error: result.error,
        extendedError: failureReason(result.error),
        ...(result.error instanceof NoPlace && { ofQuestion: true }),
      }
  }
}
