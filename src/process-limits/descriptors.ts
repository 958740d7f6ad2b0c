/** How the process's file descriptors are divided. Running out of them would cost TCP, HTTP and the API server at once. */
import type { ReadText } from './cgroup.ts'

/**
 * Sixteenths of the limit. 256 descriptors are enough to serve everything and to forward a little. One sixteenth is left
 * for what none of these counts (a descriptor that is being closed, DNS over TCP to an upstream's second address).
 */
const sixteenths = { own: 4, http: 2, tcpClients: 4, upstreamExchanges: 2, keptSockets: 1, relaySockets: 2 } as const

/** Where more has no use. */
const most = {
  own: 256,
  http: 128,
  tcpClients: 10_000,
  upstreamExchanges: 2048,
  keptSockets: 2048,
  relaySockets: 16_384,
} as const

/** Where the system states no limit: the highest that Linux grants by default (fs.nr_open). */
const unlimited = 1_048_576

export interface DescriptorLimits {
  /** RLIMIT_NOFILE of the process. */
  readonly limit: number
  /** Listening and UDP sockets, threads' pipes, the API server, files. */
  readonly own: number
  /** Connections of HTTP clients. */
  readonly http: number
  /** TCP connections of DNS clients. */
  readonly tcpClients: number
  /** Sockets of queries to upstreams. */
  readonly upstreamExchanges: number
  /** Sockets of the main thread to upstreams, kept for many queries. */
  readonly keptSockets: number
  /** Sockets from which UDP threads relay queries, kept for many of them. */
  readonly relaySockets: number
}

/** Node.js raises its soft limit to the hard one at start, so the soft one is what counts. */
export function readDescriptorLimit(read: ReadText): number {
  const found = /^Max open files +(\S+)/m.exec(read('/proc/self/limits') ?? '')
  const limit = Number(found?.[1] ?? Number.NaN)
  return Number.isNaN(limit) ? unlimited : limit
}

export function divideDescriptors(limit: number): DescriptorLimits {
  const share = (part: keyof typeof sixteenths) => Math.min(Math.floor((limit * sixteenths[part]) / 16), most[part])
  return {
    limit,
    own: share('own'),
    http: share('http'),
    tcpClients: share('tcpClients'),
    upstreamExchanges: share('upstreamExchanges'),
    keptSockets: share('keptSockets'),
    relaySockets: share('relaySockets'),
  }
}
