/** The interface of connection-based protocols. */
import type { Socket } from 'node:net'
import type { Listener } from '../../server/ingress.ts'
import type { ProxiedEnds } from '../proxy-protocol/stream.ts'
import type { ConnectionTable } from './connection-table.ts'
import type { SharedState } from './shared-state.ts'

/** A connection-based protocol. Those that carry length-prefixed DNS messages are `openConnection` with a name. */
export interface StreamProtocol {
  /** The scheme of the listeners that speak it. */
  readonly scheme: Listener['scheme']
  /** Protocols that clients may select in the TLS handshake (ALPN); []: none. */
  readonly applications: readonly string[]
  open(shared: SharedState, socket: Socket, ends: ConnectionEnds): Connection
}

export interface Connection {
  /** Enforces the deadlines; called a few times a second. */
  sweep(now: number): void
  /** Accepts no more queries; closes when the pending ones are answered, at the latest after `milliseconds`. */
  finish(milliseconds: number): void
  destroy(): void
}

export interface ConnectionEnds {
  /** Returns the current listener: a reload may change it while the connection is open. */
  readonly listenerOf: () => Listener
  /** The ends of the connection as its PROXY header states them. */
  readonly proxied: ProxiedEnds
  /** The table to add the connection to, with its number of places. */
  readonly table: Pick<ConnectionTable, 'add'>
  readonly places: number
}
