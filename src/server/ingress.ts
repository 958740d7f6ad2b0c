/** The transports as the server sees them: it names the listeners, they open, keep, switch and close the sockets. */

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
  /** An IP address in text; '' for every address of the machine (then a v4 and a V6ONLY v6 socket). */
  readonly address: string
  readonly port: number
  /** The space of the answer table that holds this listener's names. */
  readonly space: number
  /** UDP sockets with SO_REUSEPORT, one per UDP thread (`multisocket`); at least 1. */
  readonly shards: number
  /** `timeouts`: where TCP connections differ from CoreDNS's defaults. */
  readonly timeouts?: ConnectionTimeouts | undefined
  /** `proxyproto`: what comes may begin with a PROXY header. */
  readonly proxyProtocol?: ProxyProtocol | undefined
  /** `tls`: connections begin with a handshake. */
  readonly tls?: ServerTls | undefined
  /** `https`, `grpc_server`: bounds of its connections. */
  readonly http?: HttpBounds | undefined
  /** Updates (RFC 2136) are taken: a request over a stream may have all octets that a message can have. */
  readonly takesUpdates?: boolean | undefined
  /** `shed`: what cannot be answered over UDP is dropped instead of SERVFAIL. */
  readonly shedding?: LoadShedding | undefined
  /** Absent: every query that the table does not answer goes to the plugin chain. */
  readonly relay?: RelaySource | undefined
  /** An observer of its answers needs the messages' octets (`dnstap`). */
  readonly observesMessages?: boolean | undefined
}

/** What a listener's UDP threads pass to upstreams by themselves. */
export interface RelaySource {
  /** Sockets of the main thread that a UDP thread watches for it. */
  readonly sockets: WatchedSockets | undefined
  /** Undefined: nothing. */
  table(): RelayTable | undefined
  /** Why a query that the table has nothing for, or (`expired`) an expired reply, is not relayed; undefined: it is. */
  reasonOfChain(name: string, qtype: number, expired: boolean): string | undefined
  /** Calls `changed` when `table` gives something else. */
  watch(changed: () => void): { remove(): void }
}

/** A query that the table does not answer. */
export interface Miss {
  /** The message's octets: the receiver's own copy. */
  readonly request: Uint8Array
  readonly transport: Transport
  readonly client: SocketAddress
  readonly local: SocketAddress
  readonly listener: Listener
  readonly receivedAt: number
  /**
   * For a reply of several messages (a zone transfer): takes those that follow the one which the handler gives, before
   * it gives it. Each is asked for when the connection has room. Absent where a query has one reply.
   */
  readonly follow?: (replies: Iterator<Uint8Array>) => void
  /**
   * Aborted when the client has gone, so that no work is done for the reply. Absent where that cannot be known (UDP).
   */
  readonly signal?: AbortSignal
  /** What a UDP thread has begun for it. */
  readonly begun?: BegunExchange | undefined
  /** As in Query. */
  readonly releaseSlot?: (() => () => void) | undefined
}

/** Resolves to the reply's octets (already cut to the client's limit), or undefined to say nothing. Never rejects. */
export type MissHandler = (miss: Miss) => Promise<Uint8Array | undefined> | Uint8Array | undefined

/** Hears of a query that was relayed, with the upstream's reply as it came. Never throws. */
export type RelayedHandler = (relayed: Relayed) => void

export interface Relayed extends Pick<Miss, 'request' | 'client' | 'local' | 'listener' | 'receivedAt'> {
  readonly reply: Uint8Array
}

/**
 * Hears of a query that was answered from `space` of the table, under a profile that is observed. False when the
 * listener is gone. Never throws.
 */
export type AnsweredHandler = (query: AnsweredQuery, space: number, profileId: number) => boolean

export interface Ingress {
  /**
   * Replaces the open listeners by these. A listener with the same address and port keeps its sockets and connections
   * and switches to its new space and shard count at once; new ones are bound before any is closed; the others are
   * drained and closed. Rejects without any change when an address cannot be bound: the message names address, port and
   * the system's reason.
   */
  apply(listeners: readonly Listener[]): Promise<void>
  /** Milliseconds (monotonic) of the last query on any listener: shutdown goes on until it has been quiet. */
  lastQueryAt(): number
  /** Calls the AnsweredHandler now for all answers that the threads have published so far. */
  flushQueryLog(): void
  /** Queries that UDP threads have answered with an upstream's answer since the process began. */
  relayed(): number
  /** Closes everything; resolves when each thread has exited and each pending reply was sent or given up. */
  close(): Promise<void>
  /** Which UDP path serves, for `explain` and the first log lines. */
  readonly udp: 'threads' | 'dgram'
}
