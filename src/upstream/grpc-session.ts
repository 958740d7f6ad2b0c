/**
 * The HTTP/2 sessions to one gRPC server: one at a time, opened when needed. While calls wait, PINGs detect a server that
 * has become unreachable without closing the connection (frozen, cut off). After that, and when no session can be opened,
 * opening one is retried until it succeeds.
 */
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type OutgoingHttpHeaders } from 'node:http2'
import type { Socket } from 'node:net'
import type { Clock, Timer } from '../scheduling/clock.ts'

const second = 1_000
/** Calls that have waited this long without any octet cause a PING; each further PING waits twice as long. */
const quiet = second
/** grpc-go treats a fourth PING without an answer to a call in between as abuse, and closes the connection with GOAWAY. */
const mostPings = 3
const pingWait = second
/** The lifetime of a question. */
const connectWait = 5 * second
/** Pauses between attempts: grpc-go's, 1.6 times longer each, but limited to 5 s instead of its 120 s. */
const retry = { first: second, longest: 5 * second, factor: 1.6 }

export interface SessionsOptions {
  readonly dial: () => Socket
  readonly clock: Clock
  /** Called when an open session is abandoned because the server is silent. */
  readonly onSilent: () => void
}

export interface Sessions {
  current(): GrpcSession
  /** The last session could not be opened or was abandoned as silent, and no new one is open. */
  isDown(): boolean
  close(): void
}

export interface GrpcSession {
  /** Whether the server has answered anything on it. */
  isProven(): boolean
  /** Whether its connection was made and not given up here: then the server is what ends it. */
  isReached(): boolean
  isOver(): boolean
  /** Throws when the session has ended. */
  request(headers: OutgoingHttpHeaders, signal: AbortSignal): ClientHttp2Stream
}

export function createSessions({ dial, clock, onSilent }: SessionsOptions): Sessions {
  let latest: WatchedSession | undefined
  let down = false
  let closed = false
  let pause = retry.first
  let attempt: Timer | undefined

  function open(): WatchedSession {
    attempt?.cancel()
    const session = openSession(dial, clock, {
      proven() {
        down = false
        pause = retry.first
      },
      over(why) {
        if (why === 'silent') onSilent()
        // A session retired by GOAWAY says nothing about its successor.
        if (closed || why === 'ended' || session !== latest) return
        down = true
        tryLater()
      },
    })
    latest = session
    return session
  }

  function tryLater(): void {
    attempt?.cancel()
    // Jitter: upstreams of many servers behind one failed network must not all retry at once.
    attempt = clock.after(pause * (0.8 + 0.4 * Math.random()), () => {
      pause = Math.min(pause * retry.factor, retry.longest)
      current()
    })
  }

  const current = (): WatchedSession => (latest && !latest.isOver() ? latest : open())

  return {
    current,
    isDown: () => down,
    close() {
      closed = true
      attempt?.cancel()
      latest?.destroy()
    },
  }
}

interface WatchedSession extends GrpcSession {
  destroy(): void
}

interface SessionEvents {
  proven(): void
  /** Called once. `unopened`: the server never answered on it. */
  over(why: 'ended' | 'silent' | 'unopened'): void
}

function openSession(dial: () => Socket, clock: Clock, events: SessionEvents): WatchedSession {
  // Each call sets its own authority.
  const session: ClientHttp2Session = connect('http://localhost', { createConnection: dial })
  let calls = 0
  let pings = 0
  /** Octets for a call have arrived since the timer was set. */
  let heard = false
  let proven = false
  let over = false
  let givenUp = false
  /** Runs until the session is proven, and later while calls wait. */
  let timer: Timer | undefined = clock.after(connectWait, () =>
    end('unopened', `no connection within ${connectWait / second} s`),
  )
  let pinging = false

  // A TCP connection proves nothing: the kernel accepts connections on behalf of a stopped process.
  session.once('remoteSettings', () => {
    stop()
    proven = true
    events.proven()
    watch()
  })
  // Each call has its own events for the end of the session.
  session.on('error', () => session.destroy())
  session.on('goaway', () => session.close())
  session.on('close', () => end(proven ? 'ended' : 'unopened'))
  session.unref()

  function stop(): void {
    timer?.cancel()
    timer = undefined
  }

  function watch(): void {
    heard = false
    if (calls > 0 && proven) timer = clock.after(quiet * 2 ** pings, look)
  }

  function look(): void {
    if (heard) {
      pings = 0
      watch()
    } else if (pings < mostPings) ping()
    else end('silent', 'no answer to any call')
  }

  function ping(): void {
    pinging = true
    pings++
    const goOn = (): void => {
      if (!pinging) return
      pinging = false
      stop()
      if (!session.destroyed) watch()
    }
    const taken = session.ping(goOn)
    const late = (): void => {
      // An answer to a call is as good as one to the PING.
      if (heard) goOn()
      else if (pinging) end('silent', `no answer to a PING within ${pingWait / second} s`)
    }
    // If this process was starved, the answer may have arrived but not been read yet.
    timer = clock.after(pingWait, () => void setImmediate(late))
    if (!taken) end('silent', 'no PING can be sent')
  }

  function end(why: 'ended' | 'silent' | 'unopened', reason?: string): void {
    if (over) return
    over = true
    stop()
    events.over(why)
    if (reason === undefined) return
    givenUp = true
    session.destroy(new Error(reason))
  }

  return {
    isProven: () => proven,
    isReached: () => !session.connecting && !givenUp,
    isOver: () => session.closed || session.destroyed,
    request(headers, signal) {
      const call = session.request(headers, { signal })
      for (const event of ['response', 'data', 'trailers']) call.on(event, () => (heard = true))
      // `end` comes before `close`, if at all.
      let waits = true
      const finish = (): void => {
        if (!waits) return
        waits = false
        if (heard) pings = 0
        if (--calls === 0 && proven && !pinging) stop()
      }
      call.on('end', finish).on('close', finish)
      if (++calls === 1 && !pinging) watch()
      return call
    },
    destroy: () => session.destroy(),
  }
}
