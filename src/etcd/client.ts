/** A client of etcd's API v3: lists and watches keys, and queries leases, at one of several endpoints. */
import { type ClientHttp2Session, connect, type SecureClientSessionOptions } from 'node:http2'
import type { LookupFunction } from 'node:net'
import type { SecureContext } from 'node:tls'
import type { Clock, Timer } from '../scheduling/clock.ts'
import { createCooperativeScheduler } from '../scheduling/cooperative-scheduler.ts'
import { untrustedText } from '../trust/failure-text.ts'
import { CallFailure, type CallOptions, call, callOnce, status } from './calls.ts'
import {
  authenticateRequest,
  type KeyRange,
  leaseTimeToLiveRequest,
  type RangeResponse,
  rangeRequest,
  readLeaseTimeToLive,
  readRangeResponse,
  readToken,
  readWatchResponse,
  type WatchEvent,
  watchRequest,
} from './messages.ts'

export interface EtcdClientOptions {
  /** `http://HOST:PORT` or `https://HOST:PORT`; at least one. */
  readonly endpoints: readonly string[]
  readonly credentials: { readonly user: string; readonly password: string } | undefined
  /** Called for each connection to an https:// endpoint. */
  readonly secureContext: () => SecureContext
  /** Resolves the endpoints' host names. */
  readonly lookup: LookupFunction
  readonly clock: Clock
}

export interface EtcdClient {
  /** The endpoint in use, for messages. */
  readonly endpoint: string
  /** A page of the range's keys, in order. `revision` 0: the latest. Rejects with CallFailure. */
  range(range: KeyRange, limit: number, revision: number, signal: AbortSignal): Promise<RangeResponse>
  /** Calls `onEvents` for the changes from `revision` on, and with `[]` once the watch is established. Rejects when it ends. */
  watch(
    range: KeyRange,
    revision: number,
    signal: AbortSignal,
    onEvents: (events: readonly WatchEvent[]) => void,
  ): Promise<never>
  /** Remaining seconds of the lease; -1 if it has expired. */
  leaseTimeToLive(lease: bigint, signal: AbortSignal): Promise<number>
  /** Makes the next call use the next endpoint, over a new connection. */
  leave(): void
  close(): void
}

const second = 1000
/** Milliseconds, as for etcd's own client in CoreDNS. */
const callTimeout = 5 * second
/** Milliseconds. A stopped or unreachable server is detected within twice this time. */
const pingInterval = 5 * second
/** By default etcd's responses have at most 2 MiB plus the last key; operators may raise that. */
const mostOctets = 16 << 20
/**
 * Changes that come together, in one message or in its fragments: a transaction has 128 by default, and a watch that is behind gets
 * some hundred of them at once. After more, everything is listed again.
 */
const mostEvents = 32_768
const mostEventOctets = mostOctets
/** Milliseconds of one turn of the event loop in which messages are read, where turns are long. */
const longestSlice = 4
/** Octets that the server may send ahead. */
const window = 1 << 20

export function createEtcdClient({
  endpoints,
  credentials,
  secureContext,
  lookup,
  clock,
}: EtcdClientOptions): EtcdClient {
  const scheduler = createCooperativeScheduler(clock, longestSlice)
  let at = 0
  let session: ClientHttp2Session | undefined
  let token: string | undefined
  let pings: Timer | undefined
  /** Why sessions have failed: their calls only report that they were cancelled. */
  const failures = new WeakMap<ClientHttp2Session, Error>()

  const endpoint = (): string => endpoints[at % endpoints.length]

  function open(): ClientHttp2Session {
    if (session && !session.closed && !session.destroyed) return session
    const url = new URL(endpoint())
    const options: SecureClientSessionOptions & { lookup: LookupFunction } = {
      settings: { enablePush: false, initialWindowSize: window },
      lookup,
    }
    const opened = connect(
      url,
      url.protocol === 'https:' ? { ...options, secureContext: secureContext(), minVersion: 'TLSv1.2' } : options,
    )
    session = opened
    token = undefined
    opened.on('error', (error) => failures.set(opened, error))
    opened.on('connect', () => opened.setLocalWindowSize(window))
    opened.on('goaway', () => opened.close())
    opened.unref()
    pings?.cancel()
    pings = keepAsking(opened, clock)
    return opened
  }

  async function authenticate(signal: AbortSignal): Promise<void> {
    if (!credentials || token !== undefined) return
    const request = authenticateRequest(credentials.user, credentials.password)
    const options = optionsOf('/etcdserverpb.Auth/Authenticate', request, signal)
    token = readToken(await named(options, callOnce(options, clock, callTimeout)))
  }

  const optionsOf = (method: string, request: Uint8Array, signal: AbortSignal): CallOptions => ({
    session: open(),
    method,
    request,
    // Without a leader, a member would return stale data and no changes.
    headers: { hasleader: 'true', ...(token === undefined ? {} : { token }) },
    signal,
    mostOctets,
    scheduler,
  })

  /** Adds the endpoint's name, and the reason for the session's end, to failures. */
  async function named<T>({ session: used }: CallOptions, result: Promise<T>): Promise<T> {
    const to = endpoint()
    try {
      return await result
    } catch (error) {
      const cause = failures.get(used) ?? (error as Error)
      const code = (cause as NodeJS.ErrnoException).code
      const text = untrustedText(code, "name its CA with 'tls'") ?? cause.message
      throw new CallFailure(`${to}: ${text}`, error instanceof CallFailure ? error.status : undefined)
    }
  }

  /** Replaces a token that etcd no longer accepts, once. */
  async function authenticated<T>(signal: AbortSignal, send: () => Promise<T>): Promise<T> {
    await authenticate(signal)
    try {
      return await send()
    } catch (error) {
      if (!credentials || !(error instanceof CallFailure) || error.status !== status.unauthenticated) throw error
      token = undefined
      await authenticate(signal)
      return send()
    }
  }

  const once = (method: string, request: Uint8Array, signal: AbortSignal): Promise<Uint8Array> =>
    authenticated(signal, () => {
      const options = optionsOf(method, request, signal)
      return named(options, callOnce(options, clock, callTimeout))
    })

  return {
    get endpoint() {
      return endpoint()
    },
    async range(range, limit, revision, signal) {
      return readRangeResponse(
        await once('/etcdserverpb.KV/Range', rangeRequest(range, limit, revision), signal),
        limit,
      )
    },
    async watch(range, revision, signal, onEvents) {
      let fragments: WatchEvent[] = []
      let octets = 0
      const late = new AbortController()
      const timer = clock.after(callTimeout, () => late.abort())
      const watching = authenticated(signal, () => {
        const options = optionsOf(
          '/etcdserverpb.Watch/Watch',
          watchRequest(range, revision),
          AbortSignal.any([signal, late.signal]),
        )
        return named(
          options,
          call(
            options,
            (message) => {
              timer.cancel()
              const response = readWatchResponse(message, mostEvents - fragments.length)
              octets += message.length
              if (octets > mostEventOctets)
                throw new CallFailure(`a change of the watch has more than ${mostEventOctets} octets`)
              if (response.canceled) throw new CallFailure(`the watch was ended: ${response.reason}`)
              for (const event of response.events) fragments.push(event)
              if (response.fragment) return
              onEvents(fragments)
              fragments = []
              octets = 0
            },
            true,
          ),
        )
      })
      try {
        await watching
      } catch (error) {
        throw late.signal.aborted
          ? new CallFailure(`${endpoint()}: the watch does not stand within ${callTimeout / second} s`)
          : error
      } finally {
        timer.cancel()
      }
      throw new CallFailure(`${endpoint()}: the watch has ended`)
    },
    async leaseTimeToLive(lease, signal) {
      return readLeaseTimeToLive(
        await once('/etcdserverpb.Lease/LeaseTimeToLive', leaseTimeToLiveRequest(lease), signal),
      )
    },
    leave() {
      at = (at + 1) % endpoints.length
      pings?.cancel()
      session?.destroy()
      session = undefined
    },
    close() {
      pings?.cancel()
      session?.destroy()
    },
  }
}

/** Ends a session with an unresponsive server: a connection that died without a reset looks like one without changes. */
function keepAsking(session: ClientHttp2Session, clock: Clock): Timer {
  let answered = true
  return clock.every(pingInterval, () => {
    if (session.destroyed) return
    if (!answered) return session.destroy(new Error(`no answer to a ping within ${pingInterval / second} s`))
    answered = false
    if (session.connecting) return
    session.ping(() => {
      answered = true
    })
  })
}
