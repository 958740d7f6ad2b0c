/** A cluster as it runs, and what it says of itself. */
import type { SnapshotConfig } from './config.ts'
import type { Subscribe } from './event-feed.ts'
import type { Availability, ClusterView, Resource } from './types.ts'

/** A running cluster: reflectors or manifests, and their model. */
export interface Cluster {
  readonly view: ClusterView
  /** The change feed: see event-feed.ts. */
  readonly subscribe: Subscribe
  /**
   * Somebody has the content of zones under their serials of now. The next change gives a higher one, even in the same
   * second, and even where CoreDNS would not count it: else they would keep what they have for good.
   */
  sealSerials(): void
  /**
   * Creates an object at `path` (a collection's) of the API server. Rejects with ApiFailure. Absent where there is no
   * API server.
   */
  create?(path: string, object: object): Promise<'created' | 'exists'>
  /** Keeps the state in a file from now on. A cluster that is not synced yet may start from it. Without effect on manifests. */
  keepSnapshot(snapshot: SnapshotConfig): Upkeep
  /** Compares the names and versions of all objects with the API server's, every `interval` milliseconds. Without effect on manifests. */
  proveFreshness(interval: number): Upkeep
  /** How it is connected, and how fresh what it knows is. */
  status(): ClusterStatus
  /** Starts watching. Resolves at once; never rejects: what goes wrong is logged, retried and shown by availability. */
  start(): void
  stop(): Promise<void>
}

/** Work beside the watches, which goes on without them: a reload may change it and leave them as they are. */
export interface Upkeep {
  /** Resolves when nothing of it runs any more. Call it before the cluster is stopped. */
  stop(): Promise<void>
}

/** For people: the console, `slicedns explain`. */
export interface ClusterStatus {
  /** The API server's URL once it is known, or the folder of the manifests. */
  readonly endpoint: string
  /** The last request reached the API server; true for manifests. */
  readonly connected: boolean
  readonly watches: readonly WatchStatus[]
  /** Seconds since the API server last confirmed what the snapshot holds. Present while answers come from it. */
  readonly snapshot?: { readonly age: number }
  /** The last comparison of the objects' names and versions with the API server's. Absent before the first. */
  readonly freshness?: Freshness
}

export interface WatchStatus {
  readonly resource: Resource
  readonly objects: number
  readonly availability: Availability
  /** Seconds since the API server last sent something for it; undefined before the first octet. */
  readonly age: number | undefined
  /** Why the last request failed (a FailureReason), until the server sends something again. */
  readonly error: string | undefined
}

export interface Freshness {
  /** Milliseconds since 1970. */
  readonly time: number
  /** Every resource has the objects that the API server has. */
  readonly ok: boolean
  /** What differed, or why there was no comparison. */
  readonly detail?: string
}
