/** The transports as the server sees them: it lists the listeners; they open, keep, switch and close the sockets. */

import type { Scheme } from '../corefile/keys.ts'
import type { BegunExchange } from '../plugin/begun-exchange.ts'
import type { HttpBounds } from '../plugin/capabilities/http-bounds.ts'
import type { ConnectionTimeouts } from '../plugin/capabilities/listening.ts'
import type { LoadShedding } from '../plugin/capabilities/load-shedding.ts'
import type { ProxyProtocol } from '../plugin/capabilities/proxy-protocol.ts'
import type { RelayTable, WatchedSockets } from '../plugin/capabilities/relay.ts'
import type { ServerTls } from '../plugin/capabilities/server-tls.ts'
import type { AnsweredQuery } from '../plugin/observer.ts'
import type { SocketAddress, Transport } from '../plugin/query.ts'

/** One address and port, with every protocol of its scheme: UDP and TCP for `dns`. */
export interface Listener {
  /** The scheme of its server-block keys. */
  readonly scheme: Scheme
  /** An IP address in text; '' for all addresses of the machine (an IPv4 and an IPv6-only socket). */
  readonly address: string
  readonly port: number
  /** The space of the answer table that holds this listener's names. */
  readonly space: number
  /** UDP sockets with SO_REUSEPORT, one per UDP thread (`multisocket`); at least 1. */
  readonly shards: number
  /** `timeouts`: deviations of TCP connections from CoreDNS's defaults. */
  readonly timeouts?: ConnectionTimeouts | undefined
  /** `proxyproto`: datagrams and connections may begin with a PROXY header. */
  readonly proxyProtocol?: ProxyProtocol | undefined
  /** `tls`: connections begin with a handshake. */
  readonly tls?: ServerTls | undefined
  /** `https`, `grpc_server`: limits of its connections. */
  readonly http?: HttpBounds | undefined
  /** Updates (RFC 2136) are accepted: a request over a stream may have up to 65,535 octets. */
  readonly takesUpdates?: boolean | undefined
  /** `shed`: UDP queries that cannot be answered are dropped instead of getting SERVFAIL. */
  readonly shedding?: LoadShedding | undefined
  /** Absent: every query that the table does not answer goes to the plugin chain. */
  readonly relay?: RelaySource | undefined
  /** An observer of its answers needs the octets of the messages (`dnstap`). */
  readonly observesMessages?: boolean | undefined
}

/** What a listener's UDP threads pass to upstreams by themselves. */
export interface RelaySource {
  /** Sockets of the main thread that a UDP thread watches for it. */
  readonly sockets: WatchedSockets | undefined
  /** Undefined: nothing. */
  table(): RelayTable | undefined
  /** Why a query that the table cannot answer (`expired`: only with an expired reply) is not relayed; undefined: it is. */
  reasonOfChain(name: string, qtype: number, expired: boolean): string | undefined
  /** Calls `changed` when the result of `table` changes. */
  watch(changed: () => void): { remove(): void }
}

/** A query that the table does not answer. */
export interface Miss {
  /** The message's octets, owned by the receiver. */
  readonly request: Uint8Array
  readonly transport: Transport
  readonly client: SocketAddress
  readonly local: SocketAddress
  readonly listener: Listener
  readonly receivedAt: number
  /**
   * For a reply of several messages (a zone transfer): takes the messages after the first, before the handler returns
   * that one. Each is requested when the connection can take it. Absent where a query has one reply only.
   */
  readonly follow?: (replies: Iterator<Uint8Array>) => void
  /**
   * Aborted when the client has gone, so that work on the reply can stop. Absent where that cannot be known (UDP).
   */
  readonly signal?: AbortSignal
  /** An exchange that a UDP thread has already begun for the query. */
  readonly begun?: BegunExchange | undefined
  /** As in Query. */
  readonly releaseSlot?: (() => () => void) | undefined
}

/** Resolves to the reply's octets (already truncated to the client's limit), or undefined to send nothing. Never rejects. */
export type MissHandler = (miss: Miss) => Promise<Uint8Array | undefined> | Uint8Array | undefined

/** Called with each relayed query and the upstream's reply as received. Never throws. */
export type RelayedHandler = (relayed: Relayed) => void

export interface Relayed extends Pick<Miss, 'request' | 'client' | 'local' | 'listener' | 'receivedAt'> {
  readonly reply: Uint8Array
}

/**
 * Called with each query that was answered from `space` of the table under an observed profile. False when the listener
 * no longer exists. Never throws.
 */
export type AnsweredHandler = (query: AnsweredQuery, space: number, profileId: number) => boolean

export interface Ingress {
  /**
   * Replaces the open listeners by these. A listener with the same address and port keeps its sockets and connections
   * and switches to its new space and shard count at once; new ones are bound before any is closed; the others are
   * drained and closed. Rejects, leaving everything unchanged, when an address cannot be bound: the message names address,
   * port and the system's reason.
   */
  apply(listeners: readonly Listener[]): Promise<void>
  /** Monotonic milliseconds of the last query on any listener: shutdown waits for a quiet period. */
  lastQueryAt(): number
  /** Delivers all answers that the threads have published so far to the AnsweredHandler now. */
  flushQueryLog(): void
  /** Queries that UDP threads have answered from an upstream since the process began. */
  relayed(): number
  /** Closes everything; resolves when each thread has exited and each pending reply was sent or abandoned. */
  close(): Promise<void>
  /** Which UDP implementation is in use, for `explain` and the banner. */
  readonly udp: 'threads' | 'dgram'
}
