/** Everything here that can grow has a bound. Each is a default that `createTransport` takes another value for. */

import { availableParallelism } from 'node:os'

const second = 1000
const mebibyte = 1024 * 1024

export interface Limits {
  /** UDP threads, and so sockets of a listener: `multisocket 1024` gets as many as there are CPUs. One costs 9 MiB. */
  readonly udpThreads: number
  /** Queries of UDP threads that wait for the plugin chain; more get SERVFAIL. One costs about 2 KiB. */
  readonly udpPending: number
  /** Octets of the ring in which a thread hands its misses over (a power of two): 4,000 queries of the usual size. */
  readonly missRingBytes: number
  /** TCP connections of all listeners together; more are closed as they come. One costs about 10 KiB. */
  readonly tcpConnections: number
  /** TCP connections from one address. Generous: behind a masquerading node many clients have one address. */
  readonly tcpConnectionsPerClient: number
  /** Queries of one connection that wait for the plugin chain; the next is not read before one is answered. */
  readonly tcpPending: number
  /** Queries a connection may ask before it is closed (`timeouts { maxtcpqueries }`); 0 for no bound. */
  readonly tcpQueries: number
  /** Replies that clients have not taken yet, in octets, over all connections; past it the slow ones are cut off. */
  readonly tcpUnsentBytes: number
  /** Replies of many messages (zone transfers) under way at a time, over all connections; more get SERVFAIL. */
  readonly tcpStreams: number
  /** Milliseconds for the first message of a connection, whole (`timeouts { read }`). */
  readonly tcpRead: number
  /** Milliseconds for each later message, whole, from the last reply on (`timeouts { idle }`). */
  readonly tcpIdle: number
  /** Milliseconds within which a client must take what was written to it. */
  readonly tcpWrite: number
  /**
   * Milliseconds that `close` and a removed listener wait: for replies being worked out, for a thread to end. Longer than
   * any query waits for its endpoint (`slicedns.io/hold`).
   */
  readonly drain: number
}

export const defaultLimits: Limits = {
  udpThreads: Math.max(4, availableParallelism()),
  udpPending: 8192,
  missRingBytes: mebibyte / 2,
  tcpConnections: 10_000,
  tcpConnectionsPerClient: 2_500,
  tcpPending: 64,
  tcpQueries: 0,
  tcpUnsentBytes: 16 * mebibyte,
  tcpStreams: 10,
  tcpRead: 3 * second,
  tcpIdle: 10 * second,
  tcpWrite: 5 * second,
  drain: 3.5 * second,
}
