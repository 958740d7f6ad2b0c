/** The protocols that carry DNS messages with a length prefix. */
import { openConnection } from './connection.ts'
import type { StreamProtocol } from './protocol.ts'

/** DNS over TCP (RFC 7766). */
export const tcp: StreamProtocol = {
  scheme: 'dns',
  applications: [],
  open: (...connection) => openConnection('tcp', ...connection),
}

/** DNS over TLS (RFC 7858). As in CoreDNS no ALPN protocol is selected; a client that offers `dot` is served. */
export const dnsOverTls: StreamProtocol = {
  scheme: 'tls',
  applications: [],
  open: (...connection) => openConnection('tls', ...connection),
}
