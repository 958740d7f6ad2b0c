/** What a protocol of connections provides, and what it is given. */
import type { Socket } from 'node:net'
import type { Listener } from '../../server/ingress.ts'
import type { ProxiedEnds } from '../proxy-protocol/stream.ts'
import type { ConnectionTable } from './connection-table.ts'
import type { SharedState } from './shared-state.ts'

/** A protocol of connections. Those that carry DNS messages behind their lengths are `openConnection` with a name. */
export interface StreamProtocol {
  /** Of the keys whose listeners speak it. */
  readonly scheme: Listener['scheme']
  /** What clients may choose from in the TLS handshake (ALPN); [] where there is no choice. */
  readonly applications: readonly string[]
  open(shared: SharedState, socket: Socket, ends: ConnectionEnds): Connection
}

export interface Connection {
  /** Enforces the deadlines; called a few times a second. */
  sweep(now: number): void
  /** Takes no more queries; closes when what is pending is answered, at the latest after `milliseconds`. */
  finish(milliseconds: number): void
  destroy(): void
}

export interface ConnectionEnds {
  /** Gives the listener as it is now: a reload changes it under open connections. */
  readonly listenerOf: () => Listener
  /** Who is at the ends, where a PROXY header says so. */
  readonly proxied: ProxiedEnds
  /** Where it is entered, and the places that it takes there. */
  readonly table: Pick<ConnectionTable, 'add'>
  readonly places: number
}
