/** A message of the flood as a request of HTTP/2, and what its response says. */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2'
import { decodePacket, encodePacket, grpcMethod } from '../../../src/dns/grpc-packet.ts'

export interface HttpRequest {
  readonly headers: OutgoingHttpHeaders
  readonly body: Uint8Array | undefined
  /** Of DNS over HTTPS the status of HTTP, of gRPC that of gRPC where there is no reply. */
  statusOf(headers: IncomingHttpHeaders): number
  /** The reply; undefined: the request is refused. */
  messageOf(status: number, body: Buffer): Buffer | undefined
}

const mediaType = 'application/dns-message'
/** Longer ones are too much for the head of a request. */
const longestInTarget = 4096

/** One message in four, by its ID, is in the target (RFC 8484 §4.1). */
export function overHttps(message: Buffer): HttpRequest {
  const inTarget = (message.at(1) ?? 0) % 4 === 0 && message.length <= longestInTarget
  const headers = { ':authority': 'flooded.test', ':scheme': 'https', accept: mediaType }
  const rest = inTarget
    ? {
        headers: { ...headers, ':method': 'GET', ':path': `/dns-query?dns=${message.toString('base64url')}` },
        body: undefined,
      }
    : { headers: { ...headers, ':method': 'POST', ':path': '/dns-query', 'content-type': mediaType }, body: message }
  return {
    ...rest,
    statusOf: (response) => Number(response[':status']),
    messageOf: (status, body) => (status === 200 ? body : undefined),
  }
}

export function overGrpc(message: Buffer): HttpRequest {
  return {
    headers: {
      ':method': 'POST',
      ':path': grpcMethod,
      ':scheme': 'https',
      ':authority': 'flooded.test',
      'content-type': 'application/grpc',
      te: 'trailers',
    },
    body: encodePacket(message),
    // With a reply it comes behind it.
    statusOf: (response) => Number(response['grpc-status'] ?? 0),
    messageOf(status, body) {
      if (status !== 0) return undefined
      const packet = decodePacket(body)
      return packet.kind === 'message' ? Buffer.from(packet.message) : undefined
    },
  }
}
