/** DNS over HTTPS (RFC 8484), with CoreDNS's path and status codes. */
import type { Listener } from '../../server/ingress.ts'
import { hasQueryHeader } from '../http/query-header.ts'
import type { BegunRequest, HttpResponse, HttpService } from '../http/service.ts'
import type { Limits } from '../limits.ts'
import { idOf } from '../listener-address.ts'
import type { TransportMetrics } from '../metrics.ts'
import { maxAge } from './max-age.ts'

const path = '/dns-query'
const mediaType = 'application/dns-message'
/** CoreDNS's default for `https { max_streams }`. */
const defaultStreams = 250

export function createDnsOverHttps(
  { tcpRequestBytes }: Pick<Limits, 'tcpRequestBytes'>,
  { httpsResponses, tcpOversized }: Pick<TransportMetrics, 'httpsResponses' | 'tcpOversized'>,
): HttpService {
  /** Formats errors like Go's http.Error, with CoreDNS's texts. */
  function refuse(status: number, text: string, listener: Listener): HttpResponse {
    httpsResponses(idOf(listener), status).inc()
    return {
      status,
      headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' },
      body: Buffer.from(`${text}\n`),
    }
  }

  return {
    transport: 'https',
    defaultStreams,
    begin({ method, target }, listener): BegunRequest {
      const refused = (status: number, text = 'invalid request') =>
        ({ kind: 'refused', response: refuse(status, text, listener) }) as const
      const [before, query = ''] = target.split('?', 2)
      if (before !== path) return refused(404, '')
      if (method === 'GET') {
        const message = messageIn(query, tcpRequestBytes)
        return message === undefined ? refused(400) : { kind: 'message', message }
      }
      if (method !== 'POST') return refused(400)
      return {
        kind: 'body',
        largest: tcpRequestBytes,
        read: (body) =>
          hasQueryHeader(body) ? { message: body } : { refused: refuse(400, 'invalid request', listener) },
        tooLarge() {
          tcpOversized.inc()
          return refuse(413, 'invalid request', listener)
        },
      }
    },
    respond(reply, listener) {
      // RFC 8484 §4.2.1: without a DNS reply the status is an HTTP error.
      if (reply === undefined) return refuse(500, 'No response', listener)
      httpsResponses(idOf(listener), 200).inc()
      return {
        status: 200,
        headers: {
          'content-type': mediaType,
          'cache-control': `max-age=${maxAge(reply)}`,
          'content-length': reply.length,
        },
        body: reply,
      }
    },
  }
}

/** The value of `dns`, which must occur exactly once: base64url without padding (RFC 8484 §6). */
function messageIn(query: string, largest: number): Uint8Array | undefined {
  const [text, ...more] = query.split('&').flatMap((pair) => (pair.startsWith('dns=') ? [pair.slice(4)] : []))
  if (text === undefined || more.length > 0 || !/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) return undefined
  const message = Buffer.from(text, 'base64url')
  return message.length <= largest && hasQueryHeader(message) ? message : undefined
}
