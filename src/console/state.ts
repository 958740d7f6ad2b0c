/**
 * What a running server shows of itself, as one document: to the page of the `console` plugin and to `slicedns top`. It is
 * made once a second at most, and only while somebody looks. Rates are per second. Lists are bounded (docs/limits.md).
 */

export interface ConsoleState {
  /** Milliseconds since 1970. */
  readonly time: number
  readonly server: ServerState
  /** One for each source of the cluster: an API server, or a directory of manifests. */
  readonly api: readonly SourceState[]
  readonly traffic: TrafficState
  readonly top: TopState
  readonly services: ServiceList
  readonly splits: readonly SplitState[]
  readonly holds: HeldQueries
  /** Annotations that are ignored, or do not have the effect that they seem to have. */
  readonly problems: readonly AnnotationProblemState[]
  readonly upstreams: readonly UpstreamState[]
  readonly cache: readonly CacheState[]
  /** Answers that changed, the newest first. */
  readonly changes: readonly AnswerChange[]
}

/** What runs: also for commands that ask no more. */
export interface ServerStatus {
  readonly version: string
  readonly pid: number
  /** Path of the Corefile as it was given, or `built in`. */
  readonly corefile: string
  readonly configHash: string
  /** Seconds since the process began. */
  readonly uptime: number
  /** Every plugin can answer all that it is asked. */
  readonly ready: boolean
  /** Plugins that cannot yet. */
  readonly unready: readonly string[]
  readonly listeners: readonly {
    readonly scheme: string
    /** '' for every address. */
    readonly address: string
    readonly port: number
    readonly zones: readonly string[]
  }[]
  /** Plugins that compile their answers, with their zones. */
  readonly sources: readonly { readonly plugin: string; readonly zones: readonly string[] }[]
  /** Absent: there has been none since the start. */
  readonly lastReload?: LastReload
}

/** Times are milliseconds since 1970. */
export interface LastReload {
  readonly time: number
  readonly ok: boolean
  /** Why it failed, and since when every reload has. */
  readonly error?: string
  readonly since?: number
}

export interface ServerState extends Omit<ServerStatus, 'sources'> {
  readonly host: string
  /** Octets. `limit` is absent where neither the cgroup nor `-memory-limit` sets one. */
  readonly memory: { readonly resident: number; readonly limit?: number }
  /** `busy`: processor time by time, 0 to 1. */
  readonly threads: readonly { readonly name: string; readonly busy: number }[]
}

export interface SourceState {
  readonly plugin: string
  readonly zones: readonly string[]
  /** URL of the API server, or the folder of manifests; without credentials. */
  readonly endpoint: string
  readonly connected: boolean
  readonly watches: readonly {
    readonly resource: string
    readonly objects: number
    readonly synced: boolean
    /** Seconds since the API server last sent something for it; 0 of manifests, and before the first octet. */
    readonly age: number
    readonly error?: string
  }[]
  /** Answers come from a snapshot of this age in seconds. */
  readonly snapshot?: { readonly age: number }
  /** The last proof that the data is fresh. */
  readonly freshness?: { readonly time: number; readonly ok: boolean; readonly detail?: string }
}

export interface TrafficState {
  /** Of the last seconds, as `rcodes`, `paths` and `protocols`. */
  readonly queries: number
  readonly rcodes: Readonly<Record<string, number>>
  readonly paths: { readonly table: number; readonly relay: number; readonly chain: number }
  readonly protocols: Readonly<Record<string, number>>
  /** Of the last minute. */
  readonly latency: Latency
  /** Absent in the first hour that somebody looks. */
  readonly hourAgo?: { readonly queries: number } & Latency
  /** The oldest first. */
  readonly history: readonly HistoryPoint[]
}

/** Seconds; 0 where there were no queries. */
export interface Latency {
  readonly p50: number
  readonly p99: number
}

/** Ten seconds. */
export interface HistoryPoint extends Latency {
  /** Milliseconds since 1970, of its end. */
  readonly time: number
  readonly queries: number
  /** Replies that are neither NOERROR nor NXDOMAIN. */
  readonly failures: number
}

/** What was asked most, estimated in fixed memory: a key's true rate is between `rate - error` and `rate`. */
export interface TopState {
  /** Seconds that it is about. */
  readonly window: number
  /** One query in so many is counted. */
  readonly sampled: number
  readonly names: readonly TopEntry[]
  readonly nxdomain: readonly TopEntry[]
  readonly servfail: readonly TopEntry[]
  readonly clients: readonly TopEntry[]
  /** Queries for outside names with a cluster's search path behind them, which cannot exist: what `ndots` costs. */
  readonly searchPath: {
    /** Queries of all kinds. */
    readonly queries: number
    readonly wasted: number
    /** 0 to 1: wasted of queries. */
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
  /** Services beyond those of the list. */
  readonly more: number
  /** Those without a ready endpoint come first. */
  readonly list: readonly ServiceState[]
}

export interface ServiceState {
  readonly namespace: string
  readonly name: string
  /** `ClusterIP`, `Headless` or `ExternalName`. */
  readonly type: string
  /** Endpoints; of a split, those of its backends. */
  readonly ready: number
  readonly notReady: number
  readonly terminating: number
  /** Seconds: the TTL of its records now. */
  readonly ttl: number
  /** With `adaptive_ttl`; `left`: seconds until it is settled, if nothing changes. */
  readonly ttlState?: { readonly state: 'unsettled' | 'settled'; readonly left?: number }
  /** Annotations of it that are ignored. */
  readonly problems: number
}

/** One endpoint of a service: what `/service` answers with is a list of them. */
export interface EndpointState {
  readonly address: string
  readonly ready: boolean
  readonly serving: boolean
  readonly terminating: boolean
  readonly hostname: string
  /** '' where it is not known. */
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
    /** As configured, among those that can be selected: 0 to 1. */
    readonly share: number
    /** Of the A and AAAA answers of the table in the last minute: 0 to 1; SRV answers are not counted. */
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
    /** Seconds until it is answered whatever happens. */
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
  /** Seconds that its answers took on average; absent where it gave none. */
  readonly latency?: number
  /** Answers per second, whichever block has asked. */
  readonly rate: number
  /** Queries that wait for an upstream of this block. */
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
