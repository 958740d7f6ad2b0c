/** DNS over gRPC, as CoreDNS serves it: HTTP/2, with TLS, or unencrypted without `tls`. */
import { decodePacket, encodePacket, grpcMethod, packetOverhead } from '../../dns/grpc-packet.ts'
import { hasQueryHeader } from '../http/query-header.ts'
import type { HttpResponse, HttpService } from '../http/service.ts'
import { openHttp2 } from '../http2/connection.ts'
import type { Limits } from '../limits.ts'
import type { TransportMetrics } from '../metrics.ts'
import type { StreamProtocol } from '../tcp/protocol.ts'

const mediaType = 'application/grpc'
/** CoreDNS's default for `grpc_server { max_streams }`. */
const defaultStreams = 256

/** gRPC's status codes. */
const status = { OK: 0, UNKNOWN: 2, RESOURCE_EXHAUSTED: 8, UNIMPLEMENTED: 12, INTERNAL: 13 } as const

export function dnsOverGrpc(limits: Limits, metrics: TransportMetrics): StreamProtocol {
  const service = createService(limits, metrics)
  return {
    scheme: 'grpc',
    applications: ['h2'],
    open: (...connection) => openHttp2(service, ...connection),
  }
}

function createService(
  { tcpRequestBytes }: Pick<Limits, 'tcpRequestBytes'>,
  { tcpOversized }: Pick<TransportMetrics, 'tcpOversized'>,
): HttpService {
  const largest = tcpRequestBytes + packetOverhead
  return {
    transport: 'grpc',
    defaultStreams,
    begin({ method, target, field }) {
      const refused = (response: HttpResponse) => ({ kind: 'refused', response }) as const
      if (method !== 'POST') return refused({ status: 405, headers: { allow: 'POST' } })
      if (!field('content-type')?.startsWith(mediaType)) return refused({ status: 415, headers: {} })
      if (target !== grpcMethod) return refused(failure(status.UNIMPLEMENTED, `unknown method ${target}`))
      return {
        kind: 'body',
        largest,
        read(body) {
          const packet = decodePacket(body)
          switch (packet.kind) {
            case 'compressed':
              return { refused: failure(status.UNIMPLEMENTED, 'compressed messages are not served') }
            case 'incomplete':
            case 'invalid':
              return { refused: failure(status.INTERNAL, `the message is ${packet.kind}`) }
          }
          return hasQueryHeader(packet.message)
            ? { message: packet.message }
            : { refused: failure(status.UNKNOWN, 'the message is not a DNS query') }
        },
        tooLarge() {
          tcpOversized.inc()
          return failure(status.RESOURCE_EXHAUSTED, `the message is larger than ${largest} octets`)
        },
      }
    },
    respond: (reply) =>
      reply === undefined
        ? failure(status.UNKNOWN, 'no response')
        : {
            status: 200,
            headers: { 'content-type': mediaType },
            body: encodePacket(reply),
            trailers: { 'grpc-status': String(status.OK) },
          },
  }
}

/** Limit of an error text in characters: it may quote the client, and must fit a frame. */
const mostText = 256

/** A response without a body: status and text are in its headers. */
function failure(code: number, text: string): HttpResponse {
  // gRPC percent-encodes everything except printable ASCII, and the percent sign.
  const message = text
    .slice(0, mostText)
    .replace(/[^ -$&-~]/g, (octet) => `%${octet.charCodeAt(0).toString(16).padStart(2, '0')}`)
  return { status: 200, headers: { 'content-type': mediaType, 'grpc-status': code, 'grpc-message': message } }
}
