/**
 * The connection to one API server, shared by all watches: one session at a time, opened when it is needed.
 *
 * How often to try a server that cannot be reached? The backoff of 0.8 to 30 s protects a server that struggles; a port
 * that refuses is no server that struggles, and an attempt costs it nothing. Answers must be right within 2 s of the
 * server's return, so attempts go on every half to one second (at random, so that replicas do not come in step), one for
 * all watches. Once it answers with errors, the reflectors' backoff holds, but capped for the first seconds after an
 * outage, because an API server that is starting says 403, 429 and 503 for a moment before it is ready.
 */
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Clock } from '../../scheduling/clock.ts'
import { pause } from '../../scheduling/pause.ts'
import type { Logger } from '../../telemetry/log.ts'
import { createRateLimitedLog } from '../../telemetry/rate-limited-log.ts'
import { createBackoff } from './backoff.ts'
import type { Credentials } from './credentials.ts'
import { dial, type Target } from './dial.ts'
import { type ApiFailure, describeFailure, isUnreachable } from './failure.ts'
import type { RequestMeter } from './request-meter.ts'
import type { ApiResponse, Session } from './session.ts'
import { openH1 } from './session-h1.ts'
import { openH2 } from './session-h2.ts'

export interface Connection {
  /** The session for new requests. Rejects with ApiFailure, after which the next call tries again when it is time. */
  session(signal: AbortSignal): Promise<Session>
  /** Sends a GET of `path` below the API's address. Rejects with ApiFailure; any status resolves. */
  get(session: Session, path: string, accept: string, signal: AbortSignal): Promise<ApiResponse>
  /** The same with a POST of an object, in JSON. */
  post(session: Session, path: string, object: object, signal: AbortSignal): Promise<ApiResponse>
  /** What the server is called in messages: its URL, once it is known. */
  readonly name: string
  /** An outage has just ended: the server may still be starting. */
  readonly recovering: boolean
  /** The last request was answered, and the session that the watches share stands. */
  readonly connected: boolean
  close(): void
}

/** Milliseconds between two attempts at a server that cannot be reached: up to this, at least half of it. */
const probeInterval = 1000
/** Milliseconds after the end of an outage during which the server may be starting. */
const recoveryTime = 15_000

export interface ConnectionDeps {
  readonly credentials: Credentials
  readonly log: Logger
  readonly clock: Clock
  readonly meter: RequestMeter
}

export function createConnection({ credentials, log, clock, meter }: ConnectionDeps): Connection {
  const stop = new AbortController()
  const backoff = createBackoff(clock)
  const unreachableLog = createRateLimitedLog('the Kubernetes API', log, clock)
  const unauthorizedLog = createRateLimitedLog('the Kubernetes API', log, clock)
  let current: Session | undefined
  let opening: Promise<Session> | undefined
  let retryAt = Number.NEGATIVE_INFINITY
  let openedAt = 0
  let unreachable = false
  let recoveredAt = Number.NEGATIVE_INFINITY
  let target: Target | undefined
  const name = (): string => target?.url.href.replace(/\/$/, '') ?? credentials.name

  const unreachableBecause = (failure: ApiFailure): void => {
    unreachable = true
    retryAt = clock.now() + retryDelay(failure)
    if (!stop.signal.aborted) unreachableLog.failed(`Kubernetes API: ${failure.message}`)
  }

  const answered = (): void => {
    if (unreachable) recoveredAt = clock.now()
    unreachable = false
    unreachableLog.over()
  }

  const openSession = async (): Promise<Session> => {
    let socket: Socket | TLSSocket
    let fresh: Target
    try {
      fresh = await credentials.target()
      socket = await dial(fresh, stop.signal, clock)
    } catch (error) {
      const failure = describeFailure(error, name())
      unreachableBecause(failure)
      throw failure
    }
    target = fresh
    openedAt = clock.now()
    const { origin } = fresh.url
    if ('alpnProtocol' in socket && socket.alpnProtocol === 'h2') return openH2(socket, origin, clock)
    const redial = async () => dial(await credentials.target(), stop.signal, clock)
    return openH1(socket, origin, redial, clock)
  }

  const readHeaders = async (): Promise<Readonly<Record<string, string>>> => {
    try {
      return await credentials.headers()
    } catch (error) {
      const failure = describeFailure(error, name())
      unreachableBecause(failure)
      throw failure
    }
  }

  /** The next request takes another session; what is under way goes on. */
  const leave = (session: Session): void => {
    if (current !== session) return
    current = undefined
    session.retire()
  }

  /** A wrong certificate or file needs a person: retrying every second would not help. */
  const retryDelay = ({ reason }: ApiFailure): number =>
    reason === 'tls' || reason === 'config' ? backoff.next() : probeInterval * (1 - Math.random() / 2)

  const send = async (
    session: Session,
    path: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
    body?: Buffer,
  ): Promise<ApiResponse> => {
    const prefix = target?.url.pathname.replace(/\/$/, '') ?? ''
    const authorization = await readHeaders()
    const measured = meter.start(target?.url.host ?? '', body ? 'POST' : 'GET')
    try {
      const all = { ...authorization, ...headers, 'user-agent': userAgent }
      const response = await session.send(`${prefix}${path}`, all, signal, body)
      measured.done(String(response.status))
      answered()
      if (response.status === 401) {
        credentials.refused()
        // A connection keeps the certificate that it began with, expired or not: the one in the file now needs another.
        if (target?.tls.cert !== undefined) leave(session)
        unauthorizedLog.failed(`Kubernetes API: ${name()} does not accept ${credentials.identity} (401 Unauthorized)`)
      } else {
        unauthorizedLog.over()
      }
      return response
    } catch (error) {
      measured.done('<error>')
      const failure = describeFailure(error, name())
      // It answers pings and no request: behind the same address may be a server that does.
      if (failure.reason === 'timeout') leave(session)
      // One that stood for a while may break; one that breaks at the first request is no connection.
      if (isUnreachable(failure) && clock.now() - openedAt < probeInterval) unreachableBecause(failure)
      throw failure
    }
  }

  return {
    async session(signal) {
      await pause(clock, retryAt - clock.now(), signal)
      signal.throwIfAborted()
      if (current?.usable) return current
      opening ??= openSession().finally(() => {
        opening = undefined
      })
      current = await opening
      // A stop during the opening has closed only the session before this one.
      if (stop.signal.aborted) current.close()
      return current
    },
    get: (session, path, accept, signal) => send(session, path, { accept }, signal),
    post: (session, path, object, signal) =>
      send(session, path, jsonHeaders, signal, Buffer.from(JSON.stringify(object))),
    get name() {
      return name()
    },
    get recovering() {
      return clock.now() - recoveredAt < recoveryTime
    },
    get connected() {
      return !unreachable && current?.usable === true
    },
    close() {
      stop.abort()
      current?.close()
    },
  }
}

const userAgent = 'slicedns'
const jsonHeaders = { accept: 'application/json', 'content-type': 'application/json' }
