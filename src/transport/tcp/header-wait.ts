/** A connection whose PROXY header is not there yet. It is bounded like any other: in number, octets and time. */
import type { Socket } from 'node:net'
import type { ProxyProtocol } from '../../plugin/capabilities/proxy-protocol.ts'
import { type ProxiedEnds, readStreamHeader } from '../proxy-protocol/stream.ts'
import type { ConnectionTable } from './connection-table.ts'
import type { Connection } from './protocol.ts'
import type { SharedState } from './shared-state.ts'

/** `open`: called once, with the wait that has ended; the socket is paused, and what comes next is what is behind the header. */
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
  // Later than now: the caller has to know of the wait first.
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
