/**
 * A running server's state as one document, for the page of the `console` plugin and for `slicedns top`. It is computed at most
 * once a second, and only while somebody looks. Rates are per second. Lists are limited (docs/limits.md).
 */

export interface ConsoleState {
  /** Milliseconds since 1970. */
  readonly time: number
  readonly server: ServerState
  /** One per source of the cluster: an API server, or a directory of manifests. */
  readonly api: readonly SourceState[]
  readonly traffic: TrafficState
  readonly top: TopState
  readonly services: ServiceList
  readonly splits: readonly SplitState[]
  readonly holds: HeldQueries
  /** Annotations that are ignored, or have another effect than they seem to. */
  readonly problems: readonly AnnotationProblemState[]
  readonly upstreams: readonly UpstreamState[]
  readonly cache: readonly CacheState[]
  /** Answers that changed, newest first. */
  readonly changes: readonly AnswerChange[]
}

/** The basic facts, also for commands that need nothing else. */
export interface ServerStatus {
  readonly version: string
  readonly pid: number
  /** Path of the Corefile as given, or `built in`. */
  readonly corefile: string
  readonly configHash: string
  /** Seconds since the process began. */
  readonly uptime: number
  /** Every plugin is ready. */
  readonly ready: boolean
  /** Plugins that are not ready. */
  readonly unready: readonly string[]
  readonly listeners: readonly {
    readonly scheme: string
    /** '' for all addresses. */
    readonly address: string
    readonly port: number
    readonly zones: readonly string[]
  }[]
  /** Plugins that compile their answers, with their zones. */
  readonly sources: readonly { readonly plugin: string; readonly zones: readonly string[] }[]
  /** Absent: no reload since the start. */
  readonly lastReload?: LastReload
}

/** Times are milliseconds since 1970. */
export interface LastReload {
  readonly time: number
  readonly ok: boolean
  /** Why it failed. `since`: the first of the failed reloads in a row. */
  readonly error?: string
  readonly since?: number
}

export interface ServerState extends Omit<ServerStatus, 'sources'> {
  readonly host: string
  /** Octets. `limit` is absent if neither the cgroup nor `-memory-limit` sets one. */
  readonly memory: { readonly resident: number; readonly limit?: number }
  /** `busy`: share of processor time, 0 to 1. */
  readonly threads: readonly { readonly name: string; readonly busy: number }[]
}

export interface SourceState {
  readonly plugin: string
  readonly zones: readonly string[]
  /** URL of the API server without credentials, or the directory of manifests. */
  readonly endpoint: string
  readonly connected: boolean
  readonly watches: readonly {
    readonly resource: string
    readonly objects: number
    readonly synced: boolean
    /** Seconds since the API server last sent something for it; 0 for manifests, and before the first octet. */
    readonly age: number
    readonly error?: string
  }[]
  /** Answers come from a snapshot with this age in seconds. */
  readonly snapshot?: { readonly age: number }
  /** The last proof of freshness. */
  readonly freshness?: { readonly time: number; readonly ok: boolean; readonly detail?: string }
}

export interface TrafficState {
  /** Rate over the last seconds, like `rcodes`, `paths` and `protocols`. */
  readonly queries: number
  readonly rcodes: Readonly<Record<string, number>>
  readonly paths: { readonly table: number; readonly relay: number; readonly chain: number }
  readonly protocols: Readonly<Record<string, number>>
  /** Over the last minute. */
  readonly latency: Latency
  /** Absent until figures have been kept for an hour. */
  readonly hourAgo?: { readonly queries: number } & Latency
  /** Oldest first. */
  readonly history: readonly HistoryPoint[]
}

/** Seconds; 0 without queries. */
export interface Latency {
  readonly p50: number
  readonly p99: number
}

/** Ten seconds. */
export interface HistoryPoint extends Latency {
  /** End of the interval, in milliseconds since 1970. */
  readonly time: number
  readonly queries: number
  /** Replies that are neither NOERROR nor NXDOMAIN. */
  readonly failures: number
}

/** What is asked most, estimated in fixed memory: a key's true rate is between `rate - error` and `rate`. */
export interface TopState {
  /** Seconds covered. */
  readonly window: number
  /** One query in so many is counted. */
  readonly sampled: number
  readonly names: readonly TopEntry[]
  readonly nxdomain: readonly TopEntry[]
  readonly servfail: readonly TopEntry[]
  readonly clients: readonly TopEntry[]
  /** Queries for outside names with a cluster's search path appended, which cannot exist: the cost of `ndots`. */
  readonly searchPath: {
    /** Queries of all kinds. */
    readonly queries: number
    readonly wasted: number
    /** 0 to 1: share of wasted queries. */
    readonly share: number
    /** Outside names without the search path. */
    readonly examples: readonly { readonly key: string; readonly rate: number }[]
  }
}

export interface TopEntry {
  readonly key: string
  readonly rate: number
  readonly error: number
}

export interface ServiceList {
  readonly total: number
  /** Number of services not in the list. */
  readonly more: number
  /** Services without a ready endpoint come first. */
  readonly list: readonly ServiceState[]
}

export interface ServiceState {
  readonly namespace: string
  readonly name: string
  /** `ClusterIP`, `Headless` or `ExternalName`. */
  readonly type: string
  /** Endpoints; for a split, those of its backends. */
  readonly ready: number
  readonly notReady: number
  readonly terminating: number
  /** Seconds: the current TTL of its records. */
  readonly ttl: number
  /** With `adaptive_ttl`; `left`: seconds until it is settled if nothing changes. */
  readonly ttlState?: { readonly state: 'unsettled' | 'settled'; readonly left?: number }
  /** Number of its annotations that are ignored. */
  readonly problems: number
}

/** One endpoint of a service; `/service` returns a list of them. */
export interface EndpointState {
  readonly address: string
  readonly ready: boolean
  readonly serving: boolean
  readonly terminating: boolean
  readonly hostname: string
  /** '' if unknown. */
  readonly node: string
  readonly zone: string
  readonly pod: string
}

export interface SplitState {
  readonly namespace: string
  readonly name: string
  readonly backends: readonly {
    readonly name: string
    readonly weight: number
    /** As configured, among the backends that can be selected: 0 to 1. */
    readonly share: number
    /** Share of the table's A and AAAA answers in the last minute: 0 to 1; SRV answers are not counted. */
    readonly served: number
    readonly ready: number
  }[]
}

export interface HeldQueries {
  readonly waiting: number
  readonly list: readonly {
    readonly name: string
    /** Milliseconds since 1970. */
    readonly since: number
    /** Seconds until it is answered in any case. */
    readonly left: number
    readonly client?: string
  }[]
}

export interface AnnotationProblemState {
  /** The object's kind: `Service`, `Namespace`, `EndpointSlice`. */
  readonly kind: string
  readonly namespace: string
  readonly name: string
  /** The annotation's key. */
  readonly key: string
  readonly reason: string
}

export interface UpstreamState {
  readonly plugin: string
  /** The zone that is forwarded. */
  readonly from: string
  readonly to: string
  readonly healthy: boolean
  /** Failed health checks in a row. */
  readonly fails: number
  /** Average seconds of its answers; absent without answers. */
  readonly latency?: number
  /** Answers per second, for all blocks together. */
  readonly rate: number
  /** This block's queries waiting for the upstream. */
  readonly underWay: number
}

export interface CacheState {
  /** The zones of its server block. */
  readonly block: string
  /** Entries. */
  readonly success: number
  readonly denial: number
  readonly capacity: number
  /** Per second. */
  readonly hits: number
  readonly misses: number
  readonly evictions: number
}

export interface AnswerChange {
  /** Milliseconds since 1970. */
  readonly time: number
  readonly name: string
  readonly type: string
  readonly before: readonly string[]
  readonly after: readonly string[]
  /** What caused it: `EndpointSlice shop/web-abc12`. */
  readonly object: string
}
