/** What a connection carries, and what it goes through before: its PROXY header, its TLS handshake. */
import type { Socket } from 'node:net'
import type { ServerTls } from '../../plugin/capabilities/server-tls.ts'
import type { Listener } from '../../server/ingress.ts'
import type { ProxiedEnds } from '../proxy-protocol/stream.ts'
import { openHandshakeWait } from '../tls/handshake-wait.ts'
import { createHandshakes, type Handshakes } from '../tls/handshakes.ts'
import type { Connection } from './connection.ts'
import { openHeaderWait } from './header-wait.ts'
import type { SharedState } from './shared-state.ts'

/** A protocol of connections. Those that carry DNS messages behind their lengths are `openConnection` with a name. */
export interface StreamProtocol {
  /** Of the keys whose listeners speak it. */
  readonly scheme: Listener['scheme']
  /** What clients may choose from in the TLS handshake (ALPN); [] where there is no choice. */
  readonly applications: readonly string[]
  open(shared: SharedState, socket: Socket, ends: ConnectionEnds): Connection
}

export interface ConnectionEnds {
  /** Gives the listener as it is now: a reload changes it under open connections. */
  readonly listenerOf: () => Listener
  /** Who is at the ends, where a PROXY header says so. */
  readonly proxied: ProxiedEnds
  /** Places of the connection table that it takes. */
  readonly places: number
}

/** Takes an accepted connection as far as its first query. `replace`: gets each later stage of it. */
export type Opening = (
  socket: Socket,
  listenerOf: () => Listener,
  replace: (connection: Connection) => void,
) => Connection

export function createOpening(shared: SharedState, protocol: StreamProtocol): Opening {
  const { limits } = shared
  /** Of each TLS configuration: a reload that keeps it keeps clients' session tickets. */
  const handshakesOf = new WeakMap<ServerTls, Handshakes>()

  function handshakesFor(tls: ServerTls): Handshakes {
    const known = handshakesOf.get(tls) ?? createHandshakes(tls, protocol.applications)
    handshakesOf.set(tls, known)
    return known
  }

  return (socket, listenerOf, replace) => {
    const { proxyProtocol } = listenerOf()
    // Until its PROXY header is there a connection is the proxy's, as far as shares are concerned.
    if (proxyProtocol) return openHeaderWait(shared, socket, proxyProtocol, (proxied) => replace(secure(proxied)))
    return secure({})

    function secure(proxied: ProxiedEnds): Connection {
      const { tls, timeouts } = listenerOf()
      if (!tls) return protocol.open(shared, socket, { listenerOf, proxied, places: limits.placesOf.plain })
      const places = limits.placesOf.secure
      return openHandshakeWait(shared, socket, handshakesFor(tls), {
        client: proxied.client?.address ?? socket.remoteAddress ?? '',
        places,
        timeout: timeouts?.read ?? limits.tcpRead,
        open: (encrypted) => replace(protocol.open(shared, encrypted, { listenerOf, proxied, places })),
      })
    }
  }
}
