/** The stages of a connection before its protocol begins: PROXY header, TLS handshake. */
import type { Socket } from 'node:net'
import type { ServerTls } from '../../plugin/capabilities/server-tls.ts'
import type { Listener } from '../../server/ingress.ts'
import type { ProxiedEnds } from '../proxy-protocol/stream.ts'
import { openHandshakeWait } from '../tls/handshake-wait.ts'
import { createHandshakes, type Handshakes } from '../tls/handshakes.ts'
import type { ConnectionTable } from './connection-table.ts'
import { openHeaderWait } from './header-wait.ts'
import type { Connection, StreamProtocol } from './protocol.ts'
import type { SharedState } from './shared-state.ts'

/** Takes an accepted connection to its first query. `replace` gets each later stage of it. */
export type Opening = (
  socket: Socket,
  listenerOf: () => Listener,
  table: Pick<ConnectionTable, 'add'>,
  replace: (connection: Connection) => void,
) => Connection

export function createOpening(shared: SharedState, protocol: StreamProtocol): Opening {
  const { clock, limits } = shared
  /** By TLS configuration: a reload that keeps it keeps the clients' session tickets valid. */
  const handshakesOf = new WeakMap<ServerTls, Handshakes>()

  function handshakesFor(tls: ServerTls): Handshakes {
    const known = handshakesOf.get(tls) ?? createHandshakes(tls, protocol.applications)
    handshakesOf.set(tls, known)
    return known
  }

  return (socket, listenerOf, table, replace) => {
    const { proxyProtocol } = listenerOf()
    // Before its PROXY header arrives, a connection counts towards the proxy's share.
    const waiting = { table, clock, limits }
    if (proxyProtocol)
      return openHeaderWait(waiting, socket, proxyProtocol, (proxied) => {
        replace(secure(proxied))
        // TLS reads from the underlying socket itself: if that were flowing, the ClientHello would be lost.
        if (!listenerOf().tls) socket.resume()
      })
    return secure({})

    function secure(proxied: ProxiedEnds): Connection {
      const { tls, timeouts } = listenerOf()
      const { plain, secure } = limits.placesOf
      if (!tls) return protocol.open(shared, socket, { listenerOf, proxied, table, places: plain })
      const places = secure
      return openHandshakeWait(waiting, socket, handshakesFor(tls), {
        client: proxied.client?.address ?? socket.remoteAddress ?? '',
        places,
        timeout: timeouts?.read ?? limits.tcpRead,
        open: (encrypted) => replace(protocol.open(shared, encrypted, { listenerOf, proxied, table, places })),
      })
    }
  }
}
