/** Everything here that can grow has a bound; docs/limits.md lists them. `createTransport` takes other values. */
import { availableParallelism } from 'node:os'
import type { ProcessLimits } from '../process-limits/index.ts'

const second = 1000
const kibibyte = 1024

export interface Limits {
  /** UDP threads, and so sockets of a listener: `multisocket 1024` gets as many as there are CPUs. One costs 9 MiB. */
  readonly udpThreads: number
  /** Sockets from which one UDP thread relays queries to upstreams. */
  readonly relaySockets: number
  /** UDP queries that wait for the plugin chain; more get SERVFAIL. */
  readonly udpPending: number
  /** Octets of the ring in which a thread hands its misses over (a power of two): 4,000 queries of the usual size. */
  readonly missRingBytes: number
  /** Octets of the ring of a thread's relayed replies for `cache` (a power of two): more than a `cache` of the default size keeps. */
  readonly copyRingBytes: number
  /** Octets that queries waiting for the plugin chain may cost, over all transports; more get SERVFAIL. */
  readonly waitingBytes: number
  /** TCP connections of all listeners together; another one takes the place of an idle one. */
  readonly tcpConnections: number
  /** Places of the connection table that a connection takes: what it costs, in plain TCP connections. */
  readonly placesOf: { readonly plain: number; readonly secure: number }
  /** Streams of an HTTP/2 connection, whatever `max_streams` says: one costs some KiB. */
  readonly httpStreams: number
  /** TCP connections of one client. Generous: behind a masquerading node many clients have one address. */
  readonly tcpConnectionsPerClient: number
  /**
   * Octets of a request over TCP; a larger one gets FORMERR. The same as over UDP: a query with every EDNS option there is
   * takes a few hundred octets. A listener that takes updates (RFC 2136) has no bound but that of a message.
   */
  readonly tcpRequestBytes: number
  /** Octets that have come and are not answered yet, over all connections; past it those that hold most are closed. */
  readonly tcpInputBytes: number
  /** Octets of replies that clients have not taken yet, over all connections; past it those that hold most are closed. */
  readonly tcpUnsentBytes: number
  /** Queries of one connection that wait for the plugin chain; the next is not read before one is answered. */
  readonly tcpPending: number
  /** Queries a connection may ask before it is closed (`timeouts { maxtcpqueries }`); 0 for no bound. */
  readonly tcpQueries: number
  /** Replies of many messages (zone transfers) under way at a time, over all connections; more get SERVFAIL. */
  readonly tcpStreams: number
  /** Milliseconds for the first message of a connection, whole (`timeouts { read }`). */
  readonly tcpRead: number
  /** Milliseconds for each later message, whole, from the last reply on (`timeouts { idle }`). */
  readonly tcpIdle: number
  /** Milliseconds within which a client must take what was written to it (`timeouts { write }`). */
  readonly tcpWrite: number
  /**
   * Milliseconds that `close` and a removed listener wait: for replies being worked out, for a thread to end. Longer than
   * any query waits for its endpoint (`slicedns.io/hold`).
   */
  readonly drain: number
}

/** An idle TLS connection, measured: what OpenSSL and Node.js keep for it is this many times what TCP alone takes. */
const securePlaces = 8

/** What one client may have of all connections. */
const clientShare = 1 / 4

/** Two servers' worth of sockets (socketsPerServer): with more servers each has fewer. */
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
