/** Divides the process's file descriptors. Running out of them would break TCP, HTTP and the API server's connection at once. */
import type { ReadText } from './cgroup.ts'

/**
 * Sixteenths of the limit. 256 descriptors are enough to serve everything and to forward a little. One sixteenth is left for
 * what is not counted (descriptors being closed, DNS over TCP to an upstream's second address).
 */
const sixteenths = { own: 4, http: 2, tcpClients: 4, upstreamExchanges: 2, keptSockets: 1, relaySockets: 2 } as const

/** Maxima; more would be of no use. */
const most = {
  own: 256,
  http: 128,
  tcpClients: 10_000,
  upstreamExchanges: 2048,
  keptSockets: 2048,
  relaySockets: 16_384,
} as const

/** Used when the system states no limit: the highest that Linux grants by default (fs.nr_open). */
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
  /** Sockets for exchanges with upstreams. */
  readonly upstreamExchanges: number
  /** Sockets of the main thread to upstreams, reused for many queries. */
  readonly keptSockets: number
  /** Sockets from which UDP threads relay queries, reused for many of them. */
  readonly relaySockets: number
}

/** Node.js raises its soft limit to the hard one at the start, so the soft limit is the one in force. */
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
