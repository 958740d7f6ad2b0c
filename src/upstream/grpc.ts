/** DNS over gRPC with CoreDNS's service definition: one HTTP/2 session, one call per question. */
import { connect, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { decodePacket, encodePacket, grpcMethod } from '../dns/grpc-packet.ts'
import type { Clock, Timer } from '../scheduling/clock.ts'
import { type Endpoint, endpointText, reasonOf } from './connection.ts'
import { BadReply, reworded } from './failure.ts'
import { createSessions } from './grpc-session.ts'

/** `path`: a Unix socket. */
export type GrpcTarget = Endpoint | { readonly path: string }

export interface GrpcOptions {
  readonly target: GrpcTarget
  /** Called when a session is opened; undefined: without TLS. */
  readonly tls: (() => ConnectionOptions & { readonly servername?: string }) | undefined
  readonly clock: Clock
  /** Called when an open connection is abandoned because the server is silent. */
  readonly onSilent: (to: string) => void
}

export interface GrpcUpstream {
  /** `192.0.2.1:53`, `unix:///run/dns.sock`: the `to` of metrics. */
  readonly to: string
  /** No connection is open, the last attempt failed, and further attempts are made. */
  isDown(): boolean
  /**
   * The reply's octets, or `notFound` if the service says so. Rejects without an answer, when the signal is aborted, or
   * after `timeout` milliseconds; with LostConnection if a retry may help.
   */
  query(message: Uint8Array, options: QueryOptions): Promise<Uint8Array | 'notFound'>
  close(): void
}

export interface QueryOptions {
  readonly signal: AbortSignal
  /** Undefined: limited by the signal only. */
  readonly timeout: number | undefined
}

/** An open connection was closed before any part of the answer arrived. */
export class LostConnection extends Error {}

const maxReplyOctets = 0xffff
const status = { OK: 0, NOT_FOUND: 5 } as const

export function createGrpcUpstream({ target, tls, clock, onSilent }: GrpcOptions): GrpcUpstream {
  const to = 'path' in target ? `unix://${target.path}` : endpointText(target)
  const place = 'path' in target ? target : { host: target.address, port: target.port }
  // Like grpc-go: a Unix socket's certificate is for `localhost`, and an IPv6 zone has no meaning to the other end.
  const authority = 'path' in target ? 'localhost' : endpointText({ ...target, address: target.address.split('%')[0] })
  const named = 'path' in target ? { servername: 'localhost' } : {}
  const dial = (): Socket =>
    tls ? connectTls({ ...place, ...named, ...tls(), ALPNProtocols: ['h2'] }) : connect(place)
  const sessions = createSessions({ dial, clock, onSilent: () => onSilent(to) })

  return {
    to,
    isDown: sessions.isDown,
    query: (message, { signal, timeout }) =>
      new Promise((resolve, reject) => {
        const session = sessions.current()
        const kept = session.isProven()
        const parts: Buffer[] = []
        let octets = 0
        let found: Status | undefined
        let late: Timer | undefined
        /** Nobody waits any more. */
        let abandoned = false
        const fail = (error: Error) => {
          const cut = session.isReached() && !abandoned && !signal.aborted
          const cause = reworded(error, `grpc ${to}: ${reasonOf(originOf(error))}`, cut)
          const lost = kept && session.isOver() && found === undefined && octets === 0
          reject(lost ? new LostConnection(cause.message, { cause }) : cause)
        }
        const call = session.request(
          {
            ':method': 'POST',
            ':path': grpcMethod,
            ':authority': authority,
            'content-type': 'application/grpc',
            te: 'trailers',
          },
          signal,
        )
        if (timeout !== undefined)
          late = clock.after(timeout, () => {
            abandoned = true
            call.destroy(new Error(`no answer within ${timeout / 1000} s`))
          })
        call.on('response', (headers) => {
          found = statusIn(headers) ?? (headers[':status'] === 200 ? undefined : httpStatus(headers[':status']))
        })
        call.on('trailers', (trailers) => {
          found = statusIn(trailers) ?? found
        })
        call.on('data', (part: Buffer) => {
          octets += part.length
          if (octets > maxReplyOctets) call.destroy(new BadReply('the answer is longer than a DNS message'))
          else parts.push(part)
        })
        call.on('error', fail)
        call.on('end', () => {
          if (found?.code === status.NOT_FOUND) return resolve('notFound')
          if (found?.code !== status.OK) return fail(new BadReply(found?.text ?? 'the call ended without a status'))
          const packet = decodePacket(Buffer.concat(parts))
          if (packet.kind === 'message') resolve(packet.message)
          else fail(new BadReply(`the answer is ${packet.kind}`))
        })
        call.on('close', () => {
          late?.cancel()
          fail(new Error('the connection was closed'))
        })
        call.end(encodePacket(message))
      }),
    close: sessions.close,
  }
}

interface Status {
  /** The gRPC status code; undefined if the failure is an HTTP status. */
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

/** A failing session cancels its calls: the original error is the cause of theirs. */
const originOf = (error: Error): Error => (error.cause instanceof Error ? error.cause : error)
