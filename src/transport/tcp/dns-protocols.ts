/** The protocols that carry DNS messages behind their lengths. */
import { openConnection } from './connection.ts'
import type { StreamProtocol } from './protocol.ts'

/** DNS over TCP (RFC 7766). */
export const tcp: StreamProtocol = {
  scheme: 'dns',
  applications: [],
  open: (...connection) => openConnection('tcp', ...connection),
}

/** DNS over TLS (RFC 7858). As in CoreDNS a client that names a protocol (ALPN `dot`) is served, too: there is no choice. */
export const dnsOverTls: StreamProtocol = {
  scheme: 'tls',
  applications: [],
  open: (...connection) => openConnection('tls', ...connection),
}
