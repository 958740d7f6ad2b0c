/** DNS over gRPC: CoreDNS's service on one HTTP/2 session, a call for each question. */
import { type ClientHttp2Session, connect } from 'node:http2'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { decodePacket, encodePacket, grpcMethod } from '../dns/grpc-packet.ts'
import { type Endpoint, endpointText, reasonOf } from './connection.ts'

export interface GrpcOptions {
  readonly target: Endpoint
  /** Asked for when a session is opened; undefined: in the clear. */
  readonly tls: (() => ConnectionOptions & { readonly servername?: string }) | undefined
}

export interface GrpcUpstream {
  /** `192.0.2.1:53`: the `to` of metrics. */
  readonly to: string
  /** The reply's octets; `notFound` where the service says so. Rejects when there are none, or the signal is aborted. */
  query(message: Uint8Array, signal: AbortSignal): Promise<Uint8Array | 'notFound'>
  close(): void
}

const maxReplyOctets = 0xffff
const status = { OK: 0, NOT_FOUND: 5 } as const

export function createGrpcUpstream({ target, tls }: GrpcOptions): GrpcUpstream {
  const to = endpointText(target)
  let session: ClientHttp2Session | undefined

  function open(): ClientHttp2Session {
    if (session && !session.closed && !session.destroyed) return session
    const options = tls && {
      createConnection: () => connectTls({ host: target.address, port: target.port, ...tls(), ALPNProtocols: ['h2'] }),
    }
    const opened = connect(`${tls ? 'https' : 'http'}://${to}`, options)
    // Each call has events of its own for the end of the session.
    opened.on('error', () => opened.destroy())
    opened.on('goaway', () => opened.close())
    opened.unref()
    session = opened
    return opened
  }

  return {
    to,
    query: (message, signal) =>
      new Promise((resolve, reject) => {
        const fail = (error: Error) => reject(new Error(`grpc ${to}: ${reasonOf(originOf(error))}`))
        const call = open().request(
          {
            ':method': 'POST',
            ':path': grpcMethod,
            'content-type': 'application/grpc',
            te: 'trailers',
          },
          { signal },
        )
        const parts: Buffer[] = []
        let octets = 0
        let found: Status | undefined
        call.on('response', (headers) => {
          found = statusIn(headers) ?? (headers[':status'] === 200 ? undefined : httpStatus(headers[':status']))
        })
        call.on('trailers', (trailers) => {
          found = statusIn(trailers) ?? found
        })
        call.on('data', (part: Buffer) => {
          octets += part.length
          if (octets > maxReplyOctets) call.destroy(new Error('the answer is longer than a DNS message'))
          else parts.push(part)
        })
        call.on('error', fail)
        call.on('end', () => {
          if (found?.code === status.NOT_FOUND) return resolve('notFound')
          if (found?.code !== status.OK) return fail(new Error(found?.text ?? 'the call ended without a status'))
          const packet = decodePacket(Buffer.concat(parts))
          if (packet.kind === 'message') resolve(packet.message)
          else fail(new Error(`the answer is ${packet.kind}`))
        })
        call.on('close', () => fail(new Error('the connection was closed')))
        call.end(encodePacket(message))
      }),
    close: () => session?.destroy(),
  }
}

interface Status {
  /** gRPC's; undefined where HTTP says no. */
  readonly code: number | undefined
  readonly text: string
}

function statusIn(fields: Readonly<Record<string, unknown>>): Status | undefined {
  const { 'grpc-status': code, 'grpc-message': text } = fields
  return code === undefined ? undefined : { code: Number(code), text: `status ${code} ${text ?? ''}`.trim() }
}

const httpStatus = (code: unknown): Status => ({
  code: undefined,
  text: `the server answered with HTTP status ${code}`,
})

/** A session that fails cancels its calls: why it failed is the cause of their error. */
const originOf = (error: Error): Error => (error.cause instanceof Error ? error.cause : error)
