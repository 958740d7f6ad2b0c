/** A connection whose TLS handshake is not complete. The usual limits apply: number and time. */
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { ConnectionTable } from '../tcp/connection-table.ts'
import type { Connection } from '../tcp/protocol.ts'
import type { SharedState } from '../tcp/shared-state.ts'
import type { Handshakes } from './handshakes.ts'

export interface HandshakeWaitOptions {
  /** The client's address, for its share of the connections. */
  readonly client: string
  /** See ConnectionTable. */
  readonly places: number
  /** Milliseconds. */
  readonly timeout: number
  /** Called once, with the finished wait. */
  readonly open: (secure: TLSSocket) => void
}

export function openHandshakeWait(
  { table, clock }: Pick<SharedState, 'clock'> & { readonly table: Pick<ConnectionTable, 'add'> },
  socket: Socket,
  handshakes: Handshakes,
  { client, places, timeout, open }: HandshakeWaitOptions,
): Connection {
  const deadline = clock.now() + timeout
  const destroy = (): void => void socket.destroy()
  const entry = table.add(client, { idle: () => true, destroy }, places)
  socket.on('close', entry.remove)
  socket.on('error', destroy)
  handshakes.begin(socket, {
    done(secure) {
      entry.remove()
      open(secure)
    },
    // Node.js leaves the underlying connection of a failed handshake open if the client has closed its half.
    failed: destroy,
  })
  return {
    sweep: (now) => now > deadline && destroy(),
    finish: destroy,
    destroy,
  }
}
