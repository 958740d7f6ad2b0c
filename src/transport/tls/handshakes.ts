/** TLS handshakes on connections accepted elsewhere, with certificates that may change (`tls`). */
import type { Socket } from 'node:net'
import { createServer, type SecureVersion, type TLSSocket } from 'node:tls'
import type { ClientAuth, ServerTls, TlsSecrets } from '../../plugin/capabilities/server-tls.ts'

export interface Handshakes {
  /** Starts a handshake; exactly one callback is called, unless the connection is closed before. */
  begin(socket: Socket, handle: { done(secure: TLSSocket): void; failed(): void }): void
}

/** As in CoreDNS: older versions are deprecated (RFC 8996). */
const minVersion: SecureVersion = 'TLSv1.2'

/** `applications`: protocols above TLS that a client may select (ALPN, RFC 7301); []: none. */
export function createHandshakes(tls: ServerTls, applications: readonly string[]): Handshakes {
  const { clientAuth } = tls
  const waiting = new Map<string, Parameters<Handshakes['begin']>[1]>()
  let secrets = tls.secrets()
  const server = createServer({
    ...contextOf(secrets),
    requestCert: clientAuth.ask,
    // Certificates that are verified only if given are checked below.
    rejectUnauthorized: clientAuth.required && clientAuth.verified,
    ...(applications.length > 0 && { ALPNProtocols: [...applications] }),
  })
  const ended = (socket: Socket) => {
    const peer = peerOf(socket)
    const handle = waiting.get(peer)
    waiting.delete(peer)
    return handle
  }
  server.on('secureConnection', (socket: TLSSocket) => {
    const handle = ended(socket)
    if (handle === undefined || !isWelcome(socket, clientAuth)) socket.destroy()
    else handle.done(socket)
  })
  server.on('tlsClientError', (_error: Error, socket: Socket) => ended(socket)?.failed())
  if (tls.keyLog) server.on('keylog', tls.keyLog)

  return {
    begin(socket, handle) {
      const latest = tls.secrets()
      if (latest !== secrets) {
        secrets = latest
        server.setSecureContext(contextOf(secrets))
      }
      const peer = peerOf(socket)
      waiting.set(peer, handle)
      // The client may have reconnected from the same port before the end of its old connection is seen here.
      socket.on('close', () => waiting.get(peer) === handle && waiting.delete(peer))
      server.emit('connection', socket)
    },
  }
}

const contextOf = ({ cert, key, ca }: TlsSecrets) => ({
  cert,
  key,
  minVersion,
  ...(ca !== undefined && { ca: Buffer.isBuffer(ca) ? ca : [...ca] }),
})

/**
 * Identifies an open connection; link-local addresses include their zone here. The TLS connection has the addresses of the
 * underlying one. A connection that was already reset has no address, and its handshake cannot succeed.
 */
const peerOf = ({ remoteAddress, remotePort, localAddress, localPort }: Socket): string =>
  `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`

function isWelcome(socket: TLSSocket, { required, verified }: ClientAuth): boolean {
  if (!socket.getPeerX509Certificate()) return !required
  return !verified || socket.authorized
}
