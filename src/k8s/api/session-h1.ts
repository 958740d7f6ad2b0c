/** HTTP/1.1: one connection per watch, kept alive between requests. For plain http:// endpoints and old proxies. */
import { Agent, type IncomingMessage, request } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Clock } from '../../scheduling/clock.ts'
import { ApiFailure, describeFailure, isUnreachable } from './failure.ts'
import { type ApiResponse, parseRetryAfter, type Session } from './session.ts'
import { headTimeout } from './timeouts.ts'

/** `first`: an open connection. `redial` opens further ones, with TLS if needed. */
export function openH1(first: Socket, origin: string, redial: () => Promise<Socket>, clock: Clock): Session {
  let usable = true
  let spare: Socket | undefined = first
  const agent = new Agent({ keepAlive: true })
  // `dial` returns ready sockets, so the http: agent serves https: as well.
  agent.createConnection = (_options, callback) => {
    const socket = spare
    spare = undefined
    if (socket !== undefined && !socket.destroyed) return socket
    redial().then(
      (opened) => callback?.(null, opened),
      (error: Error) => callback?.(error, undefined as unknown as Duplex),
    )
    return undefined
  }

  const send: Session['send'] = (path, headers, signal, body) =>
    new Promise<ApiResponse>((resolve, reject) => {
      const { host } = new URL(origin)
      const sent = request({ agent, method: body ? 'POST' : 'GET', path, headers: { ...headers, host }, signal })
      const timeout = headTimeout(path)
      const late = clock.after(timeout, () => {
        sent.destroy(new ApiFailure('timeout', `${origin}: no response within ${timeout / 1000} s`))
      })
      sent.on('error', (error) => {
        late.cancel()
        const failure = describeFailure(error, origin)
        // The server is unreachable: the next request opens a new session, at the connection's pace.
        if (isUnreachable(failure)) usable = false
        reject(failure)
      })
      sent.on('response', (response: IncomingMessage) => {
        late.cancel()
        resolve({
          status: response.statusCode ?? 0,
          contentType: (response.headers['content-type'] ?? '').toLowerCase(),
          retryAfter: parseRetryAfter(response.headers['retry-after']),
          body: response,
        })
      })
      sent.end(body)
    })

  return {
    protocol: 'http/1.1',
    get usable() {
      return usable
    },
    send,
    retire() {
      usable = false
      spare?.destroy()
      agent.on('free', (socket: Socket) => socket.destroy())
      for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy()
    },
    close() {
      usable = false
      spare?.destroy()
      agent.destroy()
    },
  }
}
