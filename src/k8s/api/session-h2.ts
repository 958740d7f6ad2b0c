/** All watches on one HTTP/2 connection; pings detect a connection that has died silently. */
import { connect, constants, type IncomingHttpHeaders } from 'node:http2'
import type { Socket } from 'node:net'
import type { Clock } from '../../scheduling/clock.ts'
import { ApiFailure, describeFailure } from './failure.ts'
import { type ApiResponse, parseRetryAfter, type Session } from './session.ts'
import { headTimeout } from './timeouts.ts'

/**
 * Octets that the server may send ahead, per stream and in total. With Node.js's 64 KiB a list of 32 MB took 3.5 s at a round
 * trip of 4 ms, with 4 MiB 0.15 s. It also limits what is buffered while the decoder lets queries have their turn.
 */
const window = 4 * 1024 * 1024
/** Milliseconds between two pings. */
const pingInterval = 10_000
/** Milliseconds for the response to a ping: a half-open connection is detected within 20 s. */
const pingTimeout = 10_000

export function openH2(socket: Socket, origin: string, clock: Clock): Session {
  let leaving = false
  const session = connect(origin, {
    createConnection: () => socket,
    settings: { enablePush: false, initialWindowSize: window },
    maxSessionMemory: 64,
  })
  // Errors reject the pending responses; without a listener they would end the process.
  session.on('error', () => {})
  session.on('connect', () => session.setLocalWindowSize(window))
  // GOAWAY: the server is shutting down or rebalancing. Streams in progress may complete (RFC 9113 §6.8).
  session.on('goaway', () => {
    leaving = true
  })

  const die = (): void => {
    const error = new ApiFailure(
      'silent',
      `${origin}: the connection is dead: no answer to a ping in ${pingTimeout} ms`,
    )
    session.destroy(error)
  }
  const pings = clock.every(pingInterval, () => {
    if (session.destroyed) return pings.cancel()
    let answered = false
    const timeout = clock.after(pingTimeout, () => {
      // After the process was suspended, the response is in the socket: it is read before the second turn.
      setImmediate(() => setImmediate(() => answered || session.destroyed || die()))
    })
    session.ping((error) => {
      answered = error === null
      timeout.cancel()
    })
  })
  session.on('close', () => pings.cancel())

  return {
    protocol: 'h2',
    get usable() {
      return !leaving && !session.closed && !session.destroyed
    },
    send: (path, headers, signal, body) =>
      new Promise<ApiResponse>((resolve, reject) => {
        const method = body ? 'POST' : 'GET'
        const stream = session.request(
          { ...headers, [constants.HTTP2_HEADER_METHOD]: method, [constants.HTTP2_HEADER_PATH]: path },
          { signal, endStream: body === undefined },
        )
        if (body) stream.end(body)
        const timeout = headTimeout(path)
        const late = clock.after(timeout, () => {
          stream.destroy(new ApiFailure('timeout', `${origin}: no response within ${timeout / 1000} s`))
        })
        const failed = (error: unknown): void => {
          late.cancel()
          reject(describeFailure(error, origin))
        }
        stream.on('error', failed)
        stream.on('close', () => failed(new ApiFailure('broken', `${origin}: the request was dropped unanswered`)))
        stream.on('response', (head: IncomingHttpHeaders & { ':status'?: number }) => {
          late.cancel()
          resolve({
            status: head[':status'] ?? 0,
            contentType: (head['content-type'] ?? '').toLowerCase(),
            retryAfter: parseRetryAfter(head['retry-after']),
            body: stream,
          })
        })
      }),
    // Pings continue until then: the responses in progress are watches.
    retire: () => session.close(),
    close() {
      pings.cancel()
      session.destroy()
    },
  }
}
