/** The PROXY header of a connection, read before anything else of it. */
import type { Socket } from 'node:net'
import type { ProxyProtocol } from '../../plugin/capabilities/proxy-protocol.ts'
import type { SocketAddress } from '../../plugin/query.ts'
import { clientOf } from './datagram.ts'
import { readProxyHeader } from './header.ts'

/** The ends of a connection as its PROXY header states them. */
export interface ProxiedEnds {
  readonly client?: SocketAddress | undefined
  /** The address that the client connected to. */
  readonly local?: SocketAddress | undefined
}

/**
 * Reads the header, if there is one, and passes the socket on, paused, with the octets after the header still unread.
 * `held`: called with the number of octets held. `refuse`: the header is invalid, or the peer may not send one.
 */
export function readStreamHeader(
  socket: Socket,
  settings: ProxyProtocol,
  handle: { held(octets: number): void; done(ends: ProxiedEnds): void; refuse(): void },
): void {
  const policy = settings.policyFor(socket.remoteAddress ?? '')
  let gathered: Buffer = Buffer.alloc(0)
  if (policy === 'skip') {
    handle.done({})
    return
  }

  function give(from: number, ends: ProxiedEnds): void {
    socket.off('data', take)
    socket.pause()
    if (from < gathered.length) socket.unshift(gathered.subarray(from))
    handle.done(ends)
  }

  function take(chunk: Buffer): void {
    gathered = gathered.length === 0 ? chunk : Buffer.concat([gathered, chunk])
    const header = readProxyHeader(gathered)
    switch (header.kind) {
      case 'incomplete':
        handle.held(gathered.length)
        return
      case 'none':
        give(0, {})
        return
      case 'invalid':
        settings.counts.invalid.inc()
        handle.refuse()
        return
    }
    if (policy === 'reject') {
      settings.counts.rejected.inc()
      handle.refuse()
      return
    }
    const client = policy === 'use' ? clientOf(header, settings) : undefined
    give(header.length, client === undefined ? {} : { client, local: header.destination })
  }

  socket.on('data', take)
}
