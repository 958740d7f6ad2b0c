/** A connection that is still waiting for its PROXY header. The usual limits apply: number, octets and time. */
import type { Socket } from 'node:net'
import type { ProxyProtocol } from '../../plugin/capabilities/proxy-protocol.ts'
import { type ProxiedEnds, readStreamHeader } from '../proxy-protocol/stream.ts'
import type { ConnectionTable } from './connection-table.ts'
import type { Connection } from './protocol.ts'
import type { SharedState } from './shared-state.ts'

/** `open`: called once, with the finished wait; the socket is paused, and the octets after the header come next. */
export function openHeaderWait(
  { table, clock, limits }: Pick<SharedState, 'clock' | 'limits'> & { readonly table: Pick<ConnectionTable, 'add'> },
  socket: Socket,
  settings: ProxyProtocol,
  open: (ends: ProxiedEnds) => void,
): Connection {
  const deadline = clock.now() + limits.tcpRead
  const destroy = (): void => void socket.destroy()
  const entry = table.add(socket.remoteAddress ?? '', { idle: () => true, destroy })
  const onClose = (): void => entry.remove()
  socket.on('close', onClose)
  socket.on('error', destroy)
  socket.on('end', destroy)
  // In a later turn: the caller must register the wait first.
  setImmediate(() => {
    if (socket.destroyed) return
    readStreamHeader(socket, settings, {
      held: entry.setInput,
      refuse: destroy,
      done(ends) {
        socket.off('close', onClose)
        socket.off('error', destroy)
        socket.off('end', destroy)
        entry.remove()
        open(ends)
      },
    })
  })
  return {
    sweep: (now) => now > deadline && destroy(),
    finish: destroy,
    destroy,
  }
}
