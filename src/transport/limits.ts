/** The limits of everything that can grow in this folder; docs/limits.md lists them. `createTransport` accepts other values. */
import { availableParallelism } from 'node:os'
import type { ProcessLimits } from '../process-limits/index.ts'

const second = 1000
const kibibyte = 1024

export interface Limits {
  /** UDP threads, and therefore sockets per listener: `multisocket 1024` gets one per CPU. A thread costs 9 MiB. */
  readonly udpThreads: number
  /** Sockets from which one UDP thread relays queries to upstreams. */
  readonly relaySockets: number
  /** UDP queries waiting for the plugin chain; further ones get SERVFAIL. */
  readonly udpPending: number
  /** Octets of the ring through which a thread passes its misses (a power of two): 4,000 queries of the usual size. */
  readonly missRingBytes: number
  /** Octets of the ring for a thread's relayed replies to `cache` (a power of two): more than a `cache` of default size keeps. */
  readonly copyRingBytes: number
  /** Octets that queries waiting for the plugin chain may hold, over all transports; further ones get SERVFAIL. */
  readonly waitingBytes: number
  /** TCP connections over all listeners; a new one displaces an idle one. */
  readonly tcpConnections: number
  /** Places of the connection table that a connection takes: its cost in units of a plain TCP connection. */
  readonly placesOf: { readonly plain: number; readonly secure: number }
  /** Streams per HTTP/2 connection, whatever `max_streams` says: each costs some KiB. */
  readonly httpStreams: number
  /** TCP connections per client address. Generous: behind a masquerading node many clients share one. */
  readonly tcpConnectionsPerClient: number
  /**
   * Octets of a request over TCP; a larger one gets FORMERR. The same as over UDP: a query with all known EDNS options takes
   * a few hundred octets. A listener that accepts updates (RFC 2136) has no limit other than a message's 65,535 octets.
   */
  readonly tcpRequestBytes: number
  /** Octets received but not yet answered, over all connections; beyond it those that hold most are closed. */
  readonly tcpInputBytes: number
  /** Octets of replies not yet taken by clients, over all connections; beyond it those that hold most are closed. */
  readonly tcpUnsentBytes: number
  /** Queries of one connection waiting for the plugin chain; at the limit reading pauses until one is answered. */
  readonly tcpPending: number
  /** Queries on a connection before it is closed (`timeouts { maxtcpqueries }`); 0: no limit. */
  readonly tcpQueries: number
  /** Concurrent replies of several messages (zone transfers), over all connections; further ones get SERVFAIL. */
  readonly tcpStreams: number
  /** Milliseconds for the first message of a connection to arrive completely (`timeouts { read }`). */
  readonly tcpRead: number
  /** Milliseconds for each later message to arrive completely, since the last reply (`timeouts { idle }`). */
  readonly tcpIdle: number
  /** Milliseconds for a client to take what was written to it (`timeouts { write }`). */
  readonly tcpWrite: number
  /**
   * Milliseconds that `close` and the removal of a listener wait for pending replies and for threads to end. Longer than any
   * query waits for its endpoint (`slicedns.io/hold`).
   */
  readonly drain: number
}

/** Memory of an idle TLS connection (OpenSSL and Node.js), as a multiple of a plain TCP connection's; measured. */
const securePlaces = 8

/** Share of all connections that one client may have. */
const clientShare = 1 / 4

/** Sockets for two servers (socketsPerServer); with more servers each gets fewer. */
const mostRelaySockets = 1024

export function limitsFor({ memory, tcpConnections, descriptors }: ProcessLimits): Limits {
  const udpThreads = Math.max(4, availableParallelism())
  return {
    udpThreads,
    relaySockets: Math.min(mostRelaySockets, Math.floor(descriptors.relaySockets / udpThreads)),
    udpPending: 8192,
    missRingBytes: 512 * kibibyte,
    copyRingBytes: 4096 * kibibyte,
    waitingBytes: memory.waitingQueries,
    tcpConnections,
    httpStreams: 1000,
    placesOf: { plain: 1, secure: securePlaces },
    tcpConnectionsPerClient: Math.ceil(tcpConnections * clientShare),
    tcpRequestBytes: 4 * kibibyte,
    tcpInputBytes: memory.tcpInput,
    tcpUnsentBytes: memory.tcpOutput,
    tcpPending: 64,
    tcpQueries: 0,
    tcpStreams: 10,
    tcpRead: 3 * second,
    tcpIdle: 10 * second,
    tcpWrite: 5 * second,
    drain: 3.5 * second,
  }
}
