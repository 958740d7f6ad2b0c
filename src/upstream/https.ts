/** DNS over HTTPS (RFC 8484): one HTTP/2 session, a request per question, ID 0 so that HTTP caches can help. */
import { type ClientHttp2Session, connect } from 'node:http2'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import {
  type Endpoint,
  endpointText,
  type Receiver,
  reasonOf,
  type Sending,
  type UpstreamConnection,
} from './connection.ts'
import { BadReply, reworded } from './failure.ts'
import { withId } from './random.ts'

export interface HttpsOptions {
  readonly target: Endpoint & { readonly serverName: string }
  /** Called when a session is opened. */
  readonly tls: () => ConnectionOptions
  readonly dohMethod: 'GET' | 'POST'
  /** Milliseconds that an idle session is kept. */
  readonly expire: number
}

const path = '/dns-query'
const mediaType = 'application/dns-message'
const maxAnswerOctets = 0xffff

/** A failing session cancels its requests: the original error is the cause of theirs. */
const originOf = (error: Error): Error => (error.cause instanceof Error ? error.cause : error)

export function createHttpsConnection(options: HttpsOptions): UpstreamConnection {
  const text = endpointText(options.target)
  const authority = options.target.serverName || text
  let session: ClientHttp2Session | undefined

  function open(): ClientHttp2Session {
    if (session && !session.closed && !session.destroyed) return session
    const opened = connect(`https://${authority}`, {
      createConnection: () => connectTls({ ...options.tls(), ALPNProtocols: ['h2'] }),
    })
    // Each request has its own events for the end of the session.
    opened.on('error', () => opened.destroy())
    opened.on('goaway', () => opened.close())
    opened.setTimeout(options.expire, () => opened.close())
    opened.unref()
    session = opened
    return opened
  }

  function send(wire: Uint8Array, receiver: Receiver): Sending {
    const body = Buffer.from(withId(wire, 0))
    const post = options.dohMethod === 'POST'
    const used = open()
    const request = used.request({
      ':method': options.dohMethod,
      ':path': post ? path : `${path}?dns=${body.toString('base64url')}`,
      accept: mediaType,
      ...(post ? { 'content-type': mediaType, 'content-length': body.length } : {}),
    })
    const parts: Buffer[] = []
    let octets = 0
    let status = 0
    let over = false
    const fail = (error: Error): void => {
      if (over) return
      over = true
      request.close()
      const text = `${options.dohMethod} https://${authority}${path}: ${reasonOf(originOf(error))}`
      receiver.failed(reworded(error, text, !used.connecting))
    }
    request.on('response', (headers) => {
      status = headers[':status'] ?? 0
    })
    request.on('data', (part: Buffer) => {
      octets += part.length
      if (octets > maxAnswerOctets) fail(new BadReply('the answer is longer than a DNS message'))
      else parts.push(part)
    })
    request.on('error', fail)
    request.on('close', () => fail(new Error('the connection was closed')))
    request.on('end', () => {
      if (over) return
      if (status !== 200) return fail(new BadReply(`the server answered with HTTP status ${status}`))
      if (!receiver.answer(Buffer.concat(parts))) return fail(new BadReply('the answer is to another question'))
      over = true
    })
    request.end(post ? body : undefined)
    return {
      cancel(why) {
        over = true
        request.close()
        if (why !== 'silent') return
        // The server may be gone: pending answers may still arrive, but new questions take another session.
        if (used.connecting) used.destroy()
        else used.close()
      },
      timeout: () => new Error(`${options.dohMethod} https://${authority}${path}: i/o timeout`),
    }
  }

  return {
    send(wire, receiver) {
      try {
        return send(wire, receiver)
      } catch (error) {
        // A session that is going away may refuse a request at once: this counts as a failed exchange.
        queueMicrotask(() => receiver.failed(error instanceof Error ? error : new Error(String(error))))
        return { cancel() {}, timeout: () => new Error(`https://${authority}${path}: i/o timeout`) }
      }
    },
    close() {
      session?.destroy()
    },
  }
}
