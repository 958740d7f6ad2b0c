/**
 * The HTTP/2 sessions to one gRPC server: one at a time, opened when it is needed. A server that has gone without a word (frozen, cut
 * off) is noticed by PINGs while calls wait; after that, and where none can be opened, a new session is tried for until there is one.
 */
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type OutgoingHttpHeaders } from 'node:http2'
import type { Socket } from 'node:net'
import type { Clock, Timer } from '../scheduling/clock.ts'

const second = 1_000
/** Calls that wait so long without an octet for any of them are worth a PING; each PING waits twice as long as the one before. */
const quiet = second
/** grpc-go takes the fourth PING without an answer to a call in between for abuse, and ends the connection with GOAWAY. */
const mostPings = 3
const pingWait = second
/** As long as a question lives. */
const connectWait = 5 * second
/** Pauses between attempts, as grpc-go has them (1.6 times longer each), but for the longest, which is its 120 s. */
const retry = { first: second, longest: 5 * second, factor: 1.6 }

export interface SessionsOptions {
  readonly dial: () => Socket
  readonly clock: Clock
  /** Called when a session that was open is given up because the server is silent. */
  readonly onSilent: () => void
}

export interface Sessions {
  current(): GrpcSession
  /** The last session could not be opened or has fallen silent, and no new one is open. */
  isDown(): boolean
  close(): void
}

export interface GrpcSession {
  /** The server has answered on it. */
  isProven(): boolean
  /** Its connection was made, and we have not given it up: what ends it is the server's doing. */
  isReached(): boolean
  isOver(): boolean
  /** Throws where the session is over. */
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
        // One that a GOAWAY has retired says nothing about its successor.
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
    // Upstreams of many servers that have lost one network must not all come back at once.
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
  /** Called once. `unopened`: the server has never answered on it. */
  over(why: 'ended' | 'silent' | 'unopened'): void
}

function openSession(dial: () => Socket, clock: Clock, events: SessionEvents): WatchedSession {
  // The authority is a header of each call.
  const session: ClientHttp2Session = connect('http://localhost', { createConnection: dial })
  let calls = 0
  let pings = 0
  /** Octets for a call have come since the timer began. */
  let heard = false
  let proven = false
  let over = false
  let givenUp = false
  /** Until the session is proven, then while calls wait. */
  let timer: Timer | undefined = clock.after(connectWait, () =>
    end('unopened', `no connection within ${connectWait / second} s`),
  )
  let pinging = false

  // A listening socket is not enough: the kernel accepts connections for a process that is stopped.
  session.once('remoteSettings', () => {
    stop()
    proven = true
    events.proven()
    watch()
  })
  // Each call has events of its own for the end of the session.
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
      // An answer to a call says as much.
      if (heard) goOn()
      else if (pinging) end('silent', `no answer to a PING within ${pingWait / second} s`)
    }
    // Where this process was starved the answer may be there, unread.
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
      // Its end comes before its close, where it has one.
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
