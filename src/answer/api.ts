/**
 * The one implementation of DNS semantics for every transport: a request's octets and the answer table give a reply's
 * octets, a silent drop, or a miss for the plugin chain. It allocates nothing per call.
 */
import type { QueryRoute } from './query-ring.ts'

/** Results of `Responder.answer` that are not a reply's length. */
export const DROP = 0
export const MISS = -1

export interface Responder {
  /**
   * Sets the address of the client whose message is answered next: 4 or 16 octets (by family) of `octets` from `at` on.
   * Without it the client counts as unknown, and whatever depends on the client is left to the chain.
   */
  from(octets: Uint8Array, at: number, family: 4 | 6): void
  /**
   * Answers the message in `request[start, end)` for the listener whose names are in `space`.
   * `reply` must have room for 65,535 octets after `replyStart` (`udp`: for the largest payload the responder sends).
   * Returns the reply's length, DROP (send nothing), or MISS (ask the chain; the contents of `reply` are undefined).
   * Malformed and unsupported messages are answered here too, as docs/coredns-behaviour.md §3 describes.
   */
  answer(
    request: Uint8Array,
    start: number,
    end: number,
    space: number,
    transport: TransportCode,
    reply: Uint8Array,
    replyStart: number,
  ): number
  /** Counts the answer just given, with its duration in seconds; `family` is 1 for IPv4, 2 for IPv6. */
  count(transport: TransportCode, family: 1 | 2, seconds: number): void
  /** Whether an observer (`log`) wants the answer just given: if so, call `observe`. */
  observed(): boolean
  /** Records the last question and answer for the observer. To be called before `reply` is reused. */
  observe(route: QueryRoute): void
  /** Publishes the recorded queries to the control plane; each took `seconds`. True when the control plane must be woken. */
  publish(seconds: number): boolean
  /** Reads the monotonic clock once for a batch: expiry and ageing of cached entries use it. */
  startBatch(nowMilliseconds: number): void
  /** Epoch protocol: the reader does not access table memory between `offline()` and the next `startBatch`. */
  offline(): void
  /** From now on replies to datagrams have at most so many octets, as if no client took more; 512 at least. */
  limitDatagrams(octets: number): void
  /** Why the last call of `answer` was a miss (misses.ts: `missReason`, `missLabels`); 0 when it was not. */
  missReason(): number
}

/** How a message arrived: decides limits and labels. `udp4` and `udp6` differ in the compression threshold only. */
export const transportCode = { udp4: 0, udp6: 1, stream: 2 } as const
export type TransportCode = (typeof transportCode)[keyof typeof transportCode]

export interface ResponderOptions {
  /** Uniform in [0, 2^32). Default: xorshift seeded from crypto. Tests pass their own. */
  readonly random?: () => number
  /**
   * Octets that the caller's buffers hold for a reply to a datagram. A longer reply, to a client that accepts it, is a
   * miss. Default 65,535.
   */
  readonly udpReplyOctets?: number
  /** Where observed queries are recorded (query-ring.ts). Without it none are. */
  readonly queries?: SharedArrayBuffer
}

/** The answers of one profile as counted by the data plane. */
export interface DataPlaneSample {
  readonly server: string
  readonly zone: string
  readonly view: string
  readonly plugin: string
  readonly proto: 'udp' | 'tcp'
  /** [family 1|2][type label] → count */
  readonly requests: ReadonlyMap<string, number>
  /** rcode name → count */
  readonly responses: ReadonlyMap<string, number>
  readonly doRequests: number
  /** Hits of cached replies among the responses, as `coredns_cache_hits_total` separates them. */
  readonly cacheHits?: { readonly success: number; readonly denial: number }
  /** Cumulative buckets as in docs/coredns-behaviour.md §8, with sum. */
  readonly requestSize: HistogramSample
  readonly responseSize: HistogramSample
  readonly duration: HistogramSample
}

export interface HistogramSample {
  /** Not cumulative: one count per bucket, the last one is +Inf. */
  readonly counts: readonly number[]
  readonly sum: number
}
