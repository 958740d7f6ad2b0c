import { TLSSocket } from 'node:tls'
import { openHttp2 } from '../http2/connection.ts'
import type { Limits } from '../limits.ts'
import type { TransportMetrics } from '../metrics.ts'
import type { StreamProtocol } from '../tcp/protocol.ts'
import { openHttp1 } from './http1.ts'
import { createDnsOverHttps } from './service.ts'

/** DNS over HTTPS (RFC 8484): HTTP/2 if the client offers it, otherwise HTTP/1.1; without `tls` only HTTP/1.1, as in CoreDNS. */
export function dnsOverHttps(limits: Limits, metrics: TransportMetrics): StreamProtocol {
  const service = createDnsOverHttps(limits, metrics)
  return {
    scheme: 'https',
    applications: ['h2', 'http/1.1'],
    open(shared, socket, ends) {
      const open = socket instanceof TLSSocket && socket.alpnProtocol === 'h2' ? openHttp2 : openHttp1
      return open(service, shared, socket, ends)
    },
  }
}
