/**
 * The connection to one API server, shared by all watches: one session at a time, opened when needed.
 *
 * Pace of attempts: the backoff of 0.8 to 30 s protects a server in trouble, but a port that refuses connections needs no
 * protection, and an attempt costs it nothing. Answers must be right within 2 s of the server's return, so an unreachable
 * server is tried every half to one second (at random, so that replicas do not synchronise), once for all watches. When it
 * answers with errors the reflectors' backoff applies, but limited during the first seconds after an outage, because an API
 * server that is starting briefly answers 403, 429 and 503.
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
  /** The session for new requests. Rejects with ApiFailure; later calls try again at the pace above. */
  session(signal: AbortSignal): Promise<Session>
  /** Sends a GET of `path` below the API's address. Rejects with ApiFailure; any HTTP status resolves. */
  get(session: Session, path: string, accept: string, signal: AbortSignal): Promise<ApiResponse>
  /** Sends a POST of an object in JSON. */
  post(session: Session, path: string, object: object, signal: AbortSignal): Promise<ApiResponse>
  /** The server's name in messages: its URL, once known. */
  readonly name: string
  /** An outage has just ended: the server may still be starting. */
  readonly recovering: boolean
  /** The last request was answered, and the watches' session is open. */
  readonly connected: boolean
  close(): void
}

/** Maximum of the random milliseconds between two attempts at an unreachable server; the minimum is half of it. */
const probeInterval = 1000
/** Milliseconds after an outage during which the server may still be starting. */
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

  /** New requests take another session; those in progress continue. */
  const leave = (session: Session): void => {
    if (current !== session) return
    current = undefined
    session.retire()
  }

  /** A wrong certificate or file has to be corrected by a person: retrying every second would not help. */
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
        // A connection keeps its client certificate even after it has expired: using the file's new one needs a new connection.
        if (target?.tls.cert !== undefined) leave(session)
        unauthorizedLog.failed(`Kubernetes API: ${name()} does not accept ${credentials.identity} (401 Unauthorized)`)
      } else {
        unauthorizedLog.over()
      }
      return response
    } catch (error) {
      measured.done('<error>')
      const failure = describeFailure(error, name())
      // It answers pings but no request: another server behind the same address may.
      if (failure.reason === 'timeout') leave(session)
      // A connection that fails at its first request counts as not established.
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
      // A stop while the session was being opened has closed only the previous one.
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
